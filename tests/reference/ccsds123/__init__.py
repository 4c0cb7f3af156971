"""A second decoder of CCSDS 123.0-B-2, in the order of the standard and without a thought of speed.

Numbers are unbounded integers and bits are characters, so that nothing can overflow. Sections,
equations and tables are those of the standard. The body of the block-adaptive coder is left to
libaec, the low-entropy codes of annex B to the caller.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from reference.ccsds123 import entropy, predictor
from reference.ccsds123.header import Bits, Image, read_header


def decode(stream: bytes, codes: entropy.Codes) -> tuple[Image, npt.NDArray[np.int64]]:
    """The header, and the samples in shape (rows, columns, bands)."""
    bits = Bits("".join(f"{byte:08b}" for byte in stream))
    image = read_header(bits)
    assert len(stream) % image.B == 0
    if image.coder == 0:
        indices = entropy.sample_adaptive(bits, image)
    elif image.coder == 1:
        indices = entropy.hybrid(bits, image, codes)
    else:
        indices = entropy.block_adaptive(bits, image)
    return image, predictor.reconstruct(image, indices)
