"""The three entropy coders (5.4), from bits to mapped quantiser indices by (band, row, column)."""

from __future__ import annotations

from collections.abc import Iterator

import imagecodecs
import numpy as np

from reference.ccsds123.header import Bits, Image, read_limits

#: For each low-entropy code: input symbols, the escape symbol being L + 1, by output codeword, and
#: active prefixes by flush word.
Codes = list[tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]]
Index = tuple[int, int, int]

# Table 5-16
SYMBOL_LIMITS = [12, 10, 8, 6, 6, 4, 4, 4, 2, 2, 2, 2, 2, 2, 2, 0]
THRESHOLDS = [303336, 225404, 166979, 128672, 95597, 69670, 50678, 34898]
THRESHOLDS += [23331, 14935, 9282, 5510, 3195, 1928, 1112, 408]


def floor_log2(numerator: int, denominator: int) -> int:
    """Largest k with denominator * 2^k <= numerator, or -1."""
    return (numerator // denominator).bit_length() - 1


def input_order(image: Image) -> Iterator[Index | tuple[str, int]]:
    """5.4.2: (z, y, x) of an index, or (name, row) of a set of error limits."""
    if image.bsq:
        yield from ((z, y, x) for z, y, x in np.ndindex(image.z, image.y, image.x))
        return
    for y in range(image.y):
        if image.period is not None and y % image.period == 0:
            yield from ((name, y) for name in ("absolute", "relative") if image.fields[name])
        for first in range(0, image.z, image.M):
            for x in range(image.x):
                yield from ((z, y, x) for z in range(first, min(first + image.M, image.z)))


def counter(image: Image) -> list[int]:
    """Gamma from its initial value on, eq. (57), (61), (63) and (65)."""
    values = [1 << image.gamma0]
    for _ in range(image.x * image.y):
        last = values[-1]
        full = last == (1 << image.fields["gamma*"]) - 1
        values.append((last + 1) // 2 if full else last + 1)
    return values


def set_limits(image: Image, name: str, row: int, values: list[int]) -> None:
    image.limits.update({(name, y): values for y in range(row, row + image.period)})


def sample_adaptive(bits: Bits, image: Image) -> dict[Index, int]:
    """5.4.3.2"""
    d = image.D
    gamma = [0, *counter(image)]
    sums = []
    for k2 in image.fields["k''"]:
        k1 = k2 if k2 <= 30 - d else 2 * k2 + d - 30
        sums.append((3 * 2 ** (k1 + 6) - 49) * gamma[1] // 2**7)
    indices: dict[Index, int] = {}
    for place in input_order(image):
        if len(place) == 2:
            set_limits(image, *place, read_limits(image, place[0], bits.number))
            continue
        z, y, x = place
        t = y * image.x + x
        if t == 0:
            indices[place] = bits.number(d)
            continue
        k = min(d - 2, floor_log2(sums[z] + 49 * gamma[t] // 2**7, gamma[t]))
        zeros = 0
        while zeros < image.u_max and bits.take(1) == "0":
            zeros += 1
        value = (
            zeros << max(k, 0) | bits.number(max(k, 0)) if zeros < image.u_max else bits.number(d)
        )
        indices[place] = value
        sums[z] += value
        if gamma[t] == 2 ** image.fields["gamma*"] - 1:
            sums[z] = (sums[z] + 1) // 2
    assert "1" not in bits.take(bits.end - bits.start)
    return indices


def hybrid(bits: Bits, image: Image, codes: Codes) -> dict[Index, int]:
    """5.4.3.3, from the last bit to the first."""
    d = image.D
    gamma = counter(image)

    def last_number(count: int) -> int:
        return int("0" + bits.take_last(count), 2)

    def match(words: dict[str, tuple[int, ...]]) -> list[int]:
        word = ""
        while word not in words:
            word = bits.take_last(1) + word
        return list(words[word])

    def golomb(k: int) -> int:
        zeros = 0
        while zeros < image.u_max and bits.take_last(1) == "0":
            zeros += 1
        return zeros << k | last_number(k) if zeros < image.u_max else last_number(d)

    fill = 0
    while bits.take_last(1) == "0":
        fill += 1
    assert fill < 8 * image.B
    width = 2 + d + image.fields["gamma*"]
    sums = [last_number(width) for _ in range(image.z)][::-1]
    prefixes = [match(flush) for _, flush in codes[::-1]][::-1]
    indices: dict[Index, int] = {}
    for place in list(input_order(image))[::-1]:
        if len(place) == 2:
            values = read_limits(image, place[0], last_number)[::-1]
            set_limits(image, *place, values)
            continue
        z, y, x = place
        t = y * image.x + x
        if t == 0:
            indices[place] = last_number(d)
            continue
        if sums[z] * 2**14 >= THRESHOLDS[0] * gamma[t]:
            value = golomb(
                min(max(d - 2, 2), floor_log2(sums[z] + 49 * gamma[t] // 32, gamma[t]) - 2)
            )
        else:
            i = max(i for i in range(16) if sums[z] * 2**14 < gamma[t] * THRESHOLDS[i])
            if not prefixes[i]:
                prefixes[i] = match(codes[i][0])
            value = prefixes[i].pop()
            if value > SYMBOL_LIMITS[i]:
                value += golomb(0)
        if gamma[t - 1] == 2 ** image.fields["gamma*"] - 1:
            sums[z] = 2 * sums[z] - last_number(1)
        sums[z] -= 4 * value
        indices[place] = value
    assert not any(prefixes)
    assert bits.start == bits.end
    assert all(0 <= s < 2 ** (d + image.gamma0) for s in sums)
    return indices


def block_adaptive(bits: Bits, image: Image) -> dict[Index, int]:
    """5.4.3.4, by libaec without its preprocessor."""
    order: list[Index | tuple[str, int]] = []
    for place in input_order(image):
        banded = len(place) == 2 and image.fields[f"{place[0]}_banded"]
        order += [place] * (image.z if banded else 1)
    size = 1 if image.D <= 8 else 2 if image.D <= 16 else 4
    body = bits.take(bits.end - bits.start)
    data = int(body, 2).to_bytes(len(body) // 8, "big")
    out = bytes(
        imagecodecs.aec_decode(
            data,
            bitspersample=image.D,
            flags=imagecodecs.AEC.FLAG.RESTRICTED if image.restricted else 0,
            blocksize=image.J,
            rsi=image.r,
            out=(len(order) + 65 * image.J) * size,  # the last segment may be completed
        )
    )
    values = np.frombuffer(out, f"=u{size}").tolist()
    indices: dict[Index, int] = {}
    found: dict[tuple[str, int], list[int]] = {}
    for place, value in zip(order, values, strict=False):
        if len(place) == 2:
            found.setdefault(place, []).append(value)
        else:
            indices[place] = value
    for (name, y), limits in found.items():
        set_limits(image, name, y, limits if len(limits) > 1 else limits * image.z)
    return indices
