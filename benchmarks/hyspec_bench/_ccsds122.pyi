"""CCSDS 122.0-B-2 image data compression."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from typing_extensions import Buffer

class StreamError(ValueError):
    """Bytes that are no CCSDS 122.0-B-2 stream."""

class Parameters:
    """What parts 2, 3 and 4 of a segment header say (4.2.3 to 4.2.5).

    Parameters
    ----------
    segment_bytes : int
        SegByteLimit: bytes that a coded segment may take, its header included; 0 for 2^27, which is
        as good as no limit.
    dc_stop : bool
        End segments after the DC coefficients.
    bit_plane_stop, stage_stop : int
        End segments after stage 1 to 4 of this bit plane.
    use_fill : bool
        Fill segments with zeros up to ``segment_bytes``.
    segment_blocks : int
        S, blocks of 8 x 8 pixels to a segment; 0 for 2^20. At least 16, or all of the image.
    optimal_dc, optimal_ac : bool
        Choose code parameters by trial rather than by the heuristic of table 4-10.
    integer_transform : bool
        The integer 9/7 transform, which is lossless without limits, rather than the float one.
    signed_pixels : bool
        Whether pixels may be negative.
    bit_depth : int
        Bits of a pixel, sign included: up to 25 with the integer transform, else up to 27, or 28
        where signed.
    width : int
        Columns of the image as coded; needed only where it is not taken from an image.
    transpose : bool
        Code the image with rows and columns exchanged.
    word_bytes : int
        Segments are made a multiple of 1 to 8 bytes long.
    custom_shifts : sequence of int, or None
        Logarithms to base 2 of the weights of the integer transform, 0 to 3, in the order HH1, HL1,
        LH1, HH2, HL2, LH2, HH3, HL3, LH3, LL3; None for those of table 3-4.
    """

    def __init__(
        self,
        *,
        segment_bytes: int = 0,
        dc_stop: bool = False,
        bit_plane_stop: int = 0,
        stage_stop: int = 4,
        use_fill: bool = False,
        segment_blocks: int = 0,
        optimal_dc: bool = True,
        optimal_ac: bool = True,
        integer_transform: bool = False,
        signed_pixels: bool = False,
        bit_depth: int = 16,
        width: int = 0,
        transpose: bool = False,
        word_bytes: int = 1,
        custom_shifts: Sequence[int] | None = None,
    ) -> None: ...
    @staticmethod
    def from_bytes(data: Buffer) -> Parameters:
        """Read the 16 bytes of header parts 2, 3 and 4.

        Raises
        ------
        StreamError
            They are too few or not valid.
        """

    def to_bytes(self) -> bytes:
        """Return the 16 bytes of header parts 2, 3 and 4."""

    segment_bytes: int

    @property
    def integer_transform(self) -> bool:
        """Whether the transform is the integer one."""

    @property
    def signed_pixels(self) -> bool:
        """Whether pixels may be negative."""

    @property
    def bit_depth(self) -> int:
        """Bits of a pixel."""

    @property
    def width(self) -> int:
        """Columns of the image as coded; 0 where not known."""

def encode(
    image: npt.NDArray[np.int32], parameters: Parameters, *, optional_parts: bool = True
) -> bytes:
    """Code an image as a row of segments.

    Parameters
    ----------
    image : ndarray of int32, shape (rows, columns)
        At least 17 x 17 pixels.
    parameters
        The width is taken from the image.
    optional_parts : bool
        Write header parts 2 to 4 in the first segment. Without them the decoder needs the
        parameters, with ``width`` and ``segment_blocks`` as coded.

    Raises
    ------
    ValueError
        The image or the parameters are not what the standard allows.
    """

def decode(
    data: Buffer,
    parameters: Parameters | None = None,
    *,
    offset: int = 0,
    max_samples: int = 67108864,
) -> tuple[npt.NDArray[np.int32], int]:
    """Decode the image that begins at ``offset``.

    Parameters
    ----------
    data
        Bytes; the last segment may be cut off anywhere after its header.
    parameters
        Stand for header parts that the segments leave out.
    offset : int
        Where to begin.
    max_samples : int
        Largest image that is accepted, its sides made up to multiples of 8.

    Returns
    -------
    image : ndarray of int32, shape (rows, columns)
        Pixels.
    size : int
        Bytes that the image takes.

    Raises
    ------
    StreamError
        The bytes are no such image.
    """
