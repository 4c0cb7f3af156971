"""hyspec: learned compression of hyperspectral cubes.

>>> import hyspec
>>> cube = hyspec.synthetic.scene(64, 64, seed=1).cube
>>> data = hyspec.encode(cube, bps=0.5)
>>> decoded = hyspec.decode(data)
>>> decoded.shape == cube.shape
True
"""

from hyspec import errors, intervals, io, metrics, synthetic
from hyspec.cube import Cube
from hyspec.damage import Damage
from hyspec.decoder import decode
from hyspec.decoder import open_stream as open  # noqa: A004
from hyspec.encoder import EncodeResult, encode, encode_to
from hyspec.line_encoder import LineEncoder
from hyspec.options import EncodeOptions
from hyspec.stream import Stream
from hyspec.version import VERSION

__version__ = VERSION

__all__ = [
    "Cube",
    "Damage",
    "EncodeOptions",
    "EncodeResult",
    "LineEncoder",
    "Stream",
    "__version__",
    "decode",
    "encode",
    "encode_to",
    "errors",
    "intervals",
    "io",
    "metrics",
    "open",
    "synthetic",
]
