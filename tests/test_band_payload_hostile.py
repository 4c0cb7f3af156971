"""Payloads of the band profile that say scales out of their range."""

import numpy as np
import numpy.typing as npt
import pytest

from hyspec import _core
from payload_cases import HIGHEST, LOWEST, MAX_SCALE, NETWORKS
from reference import band
from reference.range_decoder import Table


def side_runs(*runs: list[int]) -> npt.NDArray[np.uint32]:
    """Words of side runs that use side table 3."""
    number = Table(0, [4096] * 15 + [4095, 1])  # all but the last one as in a uniform symbol
    symbols = [symbol for run in runs for symbol in [3, *run]]
    index = [table for run in runs for table in [16, *[3] * len(run)]]
    tables = [*band.SIDE_TABLES, number]
    freq = np.concatenate([t.freq for t in tables]).astype(np.uint16)
    start = np.cumsum([0, *(len(t.freq) for t in tables)]).astype(np.uint32)
    first = np.array([t.first for t in tables], np.int32)
    return _core.encode_symbols(
        _core.CdfTables(freq, start, first),
        np.array(symbols, np.int32),
        np.array(index, np.uint16),
    )


@pytest.mark.parametrize("scale", [0, MAX_SCALE, -1, MAX_SCALE + 1, LOWEST, HIGHEST])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    """The step is the highest: no such band is active."""
    tile = _core.BandTile(2, 1, 1)
    payload = b"\x80\x18\x00\x00" + side_runs([scale, 0], [0, 0]).astype("<u4").tobytes()
    if 0 <= scale <= MAX_SCALE:
        decoded = _core.decode_band_payload(NETWORKS, tile, payload)
        assert decoded[3].tolist() == [scale, scale]
        return
    with pytest.raises(_core.CoreError, match="scale"):
        _core.decode_band_payload(NETWORKS, tile, payload)
