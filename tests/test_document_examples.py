"""The examples in the normative documents are true, by the plain Python decoder."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reference import adaptive, band, bounded, corrections, pack, range_decoder, spectral
from reference.planes import TURNS
from reference.range_decoder import RangeDecoder, Table, decode_masks, decode_symbol

DOCUMENTS = Path(__file__).parents[1] / "docs"
BAND = (DOCUMENTS / "band_profile.md").read_text(encoding="utf-8")
SPECTRAL = (DOCUMENTS / "spectral_profile.md").read_text(encoding="utf-8")
BOUNDED = (DOCUMENTS / "bounded_profile.md").read_text(encoding="utf-8")


def untrained() -> pack.Network:
    """The network of the examples of the band profile."""
    return pack.Network(
        stride=8,
        channels=2,
        levels=2,
        context_bands=1,
        gain=np.array([[0, -40], [128, 60]], np.int16),
        inverse_gain=np.zeros((2, 2), np.int16),
        slots=(np.full(17920, 32768, np.uint16), np.zeros(17920, np.uint8)),
        mixers=np.full(1024, 16384, np.int32),
        intra=np.zeros(6, np.int32),
    )


#: c, group, age, from, down, across, weight.
TERMS = [
    (0, 0, 0, 0, 0, -1, 100),
    (0, 0, 0, 0, -1, 1, 60),
    (0, 2, 1, 1, 1, -1, 200),
    (1, 1, 0, 0, 0, 0, 90),
    (1, 0, 0, 1, -1, 0, 120),
    (1, 1, 0, 0, 1, 1, 30),
    (1, 2, 1, 1, 0, 0, 300),
    (1, 2, 2, 1, 0, -1, 50),
]


def untrained_planes() -> pack.Network:
    """The same network for component planes."""
    return dataclasses.replace(
        untrained(),
        slots=(np.full(56064, 32768, np.uint16), np.zeros(56064, np.uint8)),
        mixers=np.full(2500, 19661, np.int32),
        intra=np.zeros(3, np.int32),
        surroundings=np.array(TERMS, np.int16),
    )


def payload_that_begins(start: str, document: str) -> bytes:
    lines = document[document.index(f"    {start}") :].split("\n\n")[0]
    return bytes.fromhex(lines)


def row_of_table(number: int, planes: npt.NDArray[Any]) -> str:
    """Latents of a band or a plane as the documents print them: a cell for each channel."""
    cells = [", ".join(" ".join(map(str, row)) for row in plane) for plane in planes]
    return f"| {number} | {' | '.join(cells)} |\n"


def test_band_example_without_latents() -> None:
    payload = bytes.fromhex("80 01 00 00 8a 94 82 0e 00 59 40 df")
    symbols = band.decode(payload, [untrained()], band.Tile(3, 2, 2))
    assert (symbols.step, symbols.network) == (64, 0)
    assert symbols.mean == [1000, 1004, -7]
    assert symbols.checksum == 0xA2A228B5
    assert range_decoder.to_words(payload[4:]) == [243438730, 3745536256]
    decoder = RangeDecoder(range_decoder.to_words(payload[4:]))
    assert decoder.uniform(4) == 0
    assert [decode_symbol(decoder, band.SIDE_TABLES[0]) for _ in range(3)] == [0, 0, 0]
    assert decoder.uniform(4) == 15
    frequencies = " ".join(str(f) for f in band.SIDE_TABLES[8].freq[24:])
    assert f"    {frequencies}\n" in BAND
    assert f"    {payload.hex(' ')}\n" in BAND


def test_band_example_with_latents() -> None:
    payload = payload_that_begins("00 00 00 9f", BAND)
    symbols = band.decode(payload, [untrained()], band.Tile(5, 16, 24))
    assert symbols.scale == [65, 90, 90, 65, 65]
    assert symbols.mean == [100, 80, 81, 99, 98]
    assert symbols.levels == [0, 1, 1, 0, 0]
    for b, planes in symbols.latents.items():
        assert row_of_table(b, planes) in BAND
    assert symbols.latents[4][0, 0, 0] == -(2**31)
    assert symbols.checksum == 0xEA0659E0
    assert "EA0659E0" in BAND


def test_spectral_example_without_planes() -> None:
    payload = payload_that_begins("00 80 01 00 00", SPECTRAL)
    symbols = spectral.decode(payload, [untrained_planes()], band.Tile(3, 2, 2))
    assert (symbols.step, symbols.network, symbols.scale) == (64, 0, [])
    assert (symbols.varies, symbols.mean) == ([0, 0, 0], [1000, 1004, -7])
    assert not symbols.dependent
    assert range_decoder.to_words(payload[5:]) == [337927567, 3218807577, 2839085056]
    assert symbols.checksum == 0xA2A228B5
    assert "checksum is A2A228B5" in SPECTRAL


def turns_of(latents: npt.NDArray[Any], turn: int) -> tuple[str, int]:
    """Turns of the latents of a channel as the document prints them, and the one after them."""
    rows = []
    for row in latents.tolist():
        found = []
        for z in row:
            found.append(turn)
            turn = TURNS[turn][(abs(z) + (turn & 1)) // 2 & 1]
        rows.append(" ".join(map(str, found)))
    return ", ".join(rows), turn


def test_spectral_example_with_planes() -> None:
    payload = payload_that_begins("00 8c 01 00 00 c4", SPECTRAL)
    symbols = spectral.decode(payload, [untrained_planes()], band.Tile(4, 16, 24))
    for term in TERMS:
        assert f"| {' | '.join(map(str, term))} |\n" in SPECTRAL
    assert (symbols.step, symbols.varies) == (70, [1, 1, 0, 1])
    assert symbols.mean == [250, 260, 1000, 241]
    assert [spectral.exponent(v, 70, symbols.fineness) for v in symbols.varies] == [0, 0, 0, 0]
    assert (symbols.scale, symbols.levels) == ([101, 90, 70], [1, 0, 0])
    for row in symbols.basis.entries:
        assert f"    {' '.join(map(str, row))}\n" in SPECTRAL
    for row in spectral.orthonormal(symbols.basis.entries):
        assert " ".join(f"{u:.6f}" for u in row) in SPECTRAL
    for k, latents in enumerate(symbols.latents):
        assert row_of_table(k, latents) in SPECTRAL
    assert symbols.dependent
    first, turn = turns_of(symbols.latents[0][1], 0)
    last, _ = turns_of(symbols.latents[2][1], turn)  # after a silent channel
    assert f"t is {first} at the latents of plane 0 and {last} at\n" in SPECTRAL
    assert symbols.checksum == 0x2D0575A2
    assert "checksum is 2D0575A2" in SPECTRAL


def test_spectral_example_of_a_borrowed_basis() -> None:
    network, left = untrained_planes(), band.Tile(5, 2, 2)
    payload = payload_that_begins("00 8c 01 00 00 c3", SPECTRAL)
    carrier = spectral.decode(payload, [network], left)
    basis = carrier.basis
    assert (carrier.step, carrier.varies, carrier.scale) == (70, [1, 1, 0, 1, 1], [])
    for name, rows in (
        ("sizes", [basis.sizes]),
        ("counts", [basis.counts]),
        ("leading of group 0", basis.leading[0]),
        ("leading of group 1", basis.leading[1]),
        ("entries", basis.entries),
    ):
        assert f"| {name} | {', '.join(' '.join(map(str, row)) for row in rows)} |\n" in SPECTRAL
    for row in spectral.directions(basis, 5):
        assert " ".join(f"{u:.6f}" if u else "0" for u in row) in SPECTRAL
    assert f"means are {' '.join(map(str, carrier.mean))}." in SPECTRAL
    assert f"{carrier.checksum:08X}" in SPECTRAL

    payload = payload_that_begins("01 8c 01 00 00 ce", SPECTRAL)
    symbols = spectral.decode(payload, [network], band.Tile(5, 2, 1), carrier)
    assert (symbols.back, symbols.varies, symbols.scale) == (1, [1, 0, 1, 1, 0], [90])
    assert f"means are {' '.join(map(str, symbols.mean))}." in SPECTRAL
    assert [z.ravel().tolist() for z in symbols.latents] == [[4, -2]]
    assert not symbols.dependent
    assert f"{symbols.checksum:08X}" in SPECTRAL


def test_examples_of_adaptive_models() -> None:
    logits = {-3071: 16, -512: 7812, -1: 32705, 0: 32768, 1: 32831, 100: 39064, 3071: 65520}
    assert {x: adaptive.squash(x) for x in logits} == logits
    values = {0: -3071, 1000: -1068, 32767: 0, 32768: 1, 50000: 301, 65535: 3071}
    assert {p: adaptive.stretch(p) for p in values} == values

    decoder = RangeDecoder([1481428135])
    slot = adaptive.Slot()
    bits = [adaptive.decode_lone(decoder, slot, 16, adaptive.LONE_LIMIT) for _ in range(16)]
    decoder.finish()
    assert "".join(map(str, bits)) == "1110110011111111"
    assert (slot.p, slot.n) == (52502, 16)

    decoder = RangeDecoder([1954390037])
    pairs = [(adaptive.Slot(), adaptive.Slot()) for _ in range(7)]
    weights = [16384] * 8
    bits = []
    for k in range(28):
        slots = [pair[k >> i & 1] for i, pair in enumerate(pairs)]
        bits.append(adaptive.decode_mixed(decoder, slots, weights))
    decoder.finish()
    assert "".join(map(str, bits)) == "1101111011110111111110101111"
    assert weights == [11544, 12722, 12993, 11499, 10763, 12083, 12083, 16067]
    assert (pairs[0][1].p, pairs[0][1].n) == (50719, 14)

    decoder = RangeDecoder([1846876511])
    pairs = [(adaptive.Slot(), adaptive.Slot()) for _ in range(4)]
    first, second = [19661] * 5, [32768] * 5
    bits = []
    for k in range(28):
        slots = [pair[k >> i & 1] for i, pair in enumerate(pairs)]
        bits.append(adaptive.decode_twice_mixed(decoder, slots, first, second))
    decoder.finish()
    assert "".join(map(str, bits)) == "1101111011110111111110101111"
    assert first == [18801, 19068, 19207, 18873, 19659]
    assert second == [31113, 31354, 31410, 31036, 32603]
    assert (pairs[0][1].p, pairs[0][1].n) == (50719, 14)


def test_examples_of_the_entropy_coder() -> None:
    table = Table(0, [30000, 20000, 10000, 5000, 535, 1])
    decoder = RangeDecoder([1448514229, 2226392271, 3294538283])
    symbols = [int(digit) for digit in "0123400011243440042031"]
    assert [decode_symbol(decoder, table) for _ in symbols] == symbols
    decoder.finish()

    tables = {"A": Table(-1, [60000, 5000, 535, 1]), "B": Table(7, [1, 1, 65534])}
    text = "A0 A-1 A2 B7 A2147483647 B8 A-2147483648 B9 A-2 B70000 A1 B6"
    words = "4232157711 744302334 3788505079 269021181 2988441599 3713942569 1543214962 2752156672"
    decoder = RangeDecoder([int(word) for word in words.split()])
    names = [symbol[0] for symbol in text.split()]
    assert " ".join(f"{n}{decode_symbol(decoder, tables[n])}" for n in names) == text
    decoder.finish()

    masks = decode_masks(bytes.fromhex("2e cb cb d6 00 80 a2 b8"), 5, 3, 5)
    first = [[1, 1, 0, 0, 1], [1, 0, 0, 1, 1], [0, 0, 1, 1, 1]]
    assert masks[:2].tolist() == [first, first]
    assert masks[2].max() == 0
    assert masks[3].min() == 1
    assert masks[4].tolist() == first[::-1]


def test_bounded_example() -> None:
    payload = payload_that_begins("00 c6 01 84 01", BOUNDED)
    symbols = bounded.decode(payload, band.Tile(2, 3, 4))
    assert symbols.limits == [0, 1]
    exact, near = (", ".join(" ".join(map(str, row)) for row in symbols.samples[z]) for z in (0, 1))
    assert f"| 0 | {exact} | the same |\n" in BOUNDED
    assert f" | {near.replace(' 0 ', ' - ')} |\n" in BOUNDED
    assert symbols.checksum == 0x9B1C85D0
    assert "checksum is 9B1C85D0" in BOUNDED


def test_example_of_corrections() -> None:
    payload = payload_that_begins("01 01 03", BOUNDED)
    network, tile = untrained_planes(), band.Tile(3, 2, 2)
    symbols = corrections.decode(payload, [network], tile)
    assert payload_that_begins("00 80 01 00 00", SPECTRAL) in payload
    assert (symbols.tolerance, symbols.limits) == (1, [2, 2, 4])
    decoded = corrections.values(network, tile, symbols)
    for band_number, planes in enumerate(zip(symbols.corrections, decoded, strict=True)):
        moved, found = (
            ", ".join(" ".join(str(int(v)) for v in row) for row in plane) for plane in planes
        )
        (line,) = (x for x in BOUNDED.splitlines() if x.endswith(f" | {moved} | {found} |"))
        assert line.startswith(f"| {band_number} | ")
        wanted = [int(v) for v in line.split("|")[2].replace(",", " ").split()]
        assert np.abs(decoded[band_number].ravel() - wanted).max() <= symbols.limits[band_number]
    assert symbols.checksum == 0xF658A08E
    assert "checksum is F658A08E" in " ".join(BOUNDED.split())
