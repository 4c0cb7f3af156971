"""Bits, and the header of a compressed image (5.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class Bits:
    """Bits read from the front, or from the back."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.start = 0
        self.end = len(text)

    def take(self, count: int) -> str:
        assert count <= self.end - self.start
        self.start += count
        return self.text[self.start - count : self.start]

    def take_last(self, count: int) -> str:
        assert count <= self.end - self.start
        self.end -= count
        return self.text[self.end : self.end + count]

    def number(self, count: int, modulo: bool = False) -> int:
        """Unsigned field; ``modulo`` where zero stands for 2^count."""
        value = int("0" + self.take(count), 2)
        return 1 << count if modulo and value == 0 else value

    def signed(self, count: int) -> int:
        value = self.number(count)
        return value - (1 << count) if value >> (count - 1) else value

    def reserved(self, count: int) -> None:
        assert self.number(count) == 0

    def align(self) -> None:
        self.reserved(-self.start % 8)


@dataclass
class Image:
    """Header fields (5.3) under the standard's symbols, and what decoding fills in."""

    x: int = 0
    y: int = 0
    z: int = 0
    fields: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return self.__dict__["fields"][name]

    def weights(self, z: int) -> int:
        return min(z, self.P) + 3 * self.full


def read_header(bits: Bits) -> Image:
    """5.3"""
    image = Image()
    f = image.fields
    # Table 5-3
    f["user_data"] = bits.number(8)
    image.x, image.y, image.z = (bits.number(16, modulo=True) for _ in range(3))
    f["signed"] = bits.number(1)
    bits.reserved(1)
    large = bits.number(1)
    f["D"] = bits.number(4, modulo=True) + 16 * large
    f["bsq"] = bits.number(1)
    f["M"] = bits.number(16, modulo=not f["bsq"])
    bits.reserved(2)
    f["B"] = bits.number(3, modulo=True)
    f["coder"] = bits.number(2)
    bits.reserved(1)
    f["relative"], f["absolute"] = bits.number(1), bits.number(1)
    bits.reserved(2)
    assert bits.number(4) == 0  # supplementary information tables
    # Table 5-6
    bits.reserved(1)
    has_representatives = bits.number(1)
    f["P"] = bits.number(4)
    f["full"] = 1 - bits.number(1)
    has_offsets = bits.number(1)
    f["local_sum"] = bits.number(2)
    f["R"] = bits.number(6, modulo=True)
    f["omega"] = bits.number(4) + 4
    f["t_inc"] = 1 << (bits.number(4) + 4)
    f["v_min"], f["v_max"] = bits.number(4) - 6, bits.number(4) - 6
    assert bits.number(1) == has_offsets
    custom = bits.number(1)
    assert bits.number(1) == custom
    f["Q"] = bits.number(5)
    f["lambda"] = f["offsets"] = None
    if custom:
        f["lambda"] = [
            [bits.signed(f["Q"]) for _ in range(image.weights(z))] for z in range(image.z)
        ]
        bits.align()
    if has_offsets:
        inter = [min(z, f["P"]) for z in range(image.z)]
        f["offsets"] = [[bits.signed(4) for _ in range(f["full"] + n)] for n in inter]
        bits.align()
    read_quantisation(bits, image)
    f["theta"], f["phi"], f["psi"] = 0, [0] * image.z, [0] * image.z
    if has_representatives:  # Table 5-12
        bits.reserved(5)
        f["theta"] = bits.number(3)
        varies = []
        for name in ("phi", "psi"):
            bits.reserved(1)
            varies.append((name, bits.number(1)))
            assert bits.number(1) == varies[-1][1]
            bits.reserved(1)
            f[name] = [bits.number(4)] * image.z
        for name, banded in varies:
            if banded:
                f[name] = [bits.number(f["theta"]) for _ in range(image.z)]
                bits.align()
    read_coder(bits, image)
    assert bits.start % 8 == 0
    return image


def read_quantisation(bits: Bits, image: Image) -> None:
    """5.3.3.4"""
    f = image.fields
    f["period"] = None
    if (f["absolute"] or f["relative"]) and not f["bsq"]:
        bits.reserved(1)
        periodic = bits.number(1)
        bits.reserved(2)
        exponent = bits.number(4)
        f["period"] = 1 << exponent if periodic else None
    f["limits"] = {}  # by name and row: for each band
    for name in ("absolute", "relative"):
        if not f[name]:
            continue
        bits.reserved(1)
        f[name + "_banded"] = bits.number(1)
        bits.reserved(2)
        f[name + "_bits"] = bits.number(4, modulo=True)
        if f["period"] is None:
            values = read_limits(image, name, lambda n: bits.number(n))
            f["limits"] |= {(name, y): values for y in range(image.y)}
            bits.align()


def read_limits(image: Image, name: str, take: Callable[[int], int]) -> list[int]:
    """One set of error limits, spread over all bands."""
    f = image.fields
    if f[name + "_banded"]:
        return [take(f[name + "_bits"]) for _ in range(image.z)]
    return [take(f[name + "_bits"])] * image.z


def read_coder(bits: Bits, image: Image) -> None:
    """5.3.4"""
    f = image.fields
    if f["coder"] == 2:
        bits.reserved(1)
        f["J"] = 8 << bits.number(2)
        f["restricted"] = bits.number(1)
        f["r"] = bits.number(12, modulo=True)
        return
    f["u_max"] = bits.number(5, modulo=True)
    f["gamma*"] = bits.number(3) + 4
    f["gamma0"] = bits.number(3, modulo=True)
    if f["coder"] == 1:
        bits.reserved(5)
        return
    f["k''"] = [bits.number(4)] * image.z
    if bits.number(1):
        assert f["k''"][0] == 15
        f["k''"] = [bits.number(4) for _ in range(image.z)]
        bits.align()
