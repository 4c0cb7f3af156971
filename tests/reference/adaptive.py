"""Adaptive binary models in plain Python, in the order of docs/entropy_coder.md, section 5.

Written from the document alone and as slow as it likes, so that two readings of the document can be
compared.
"""

from __future__ import annotations

from collections.abc import Sequence

from reference.range_decoder import RangeDecoder

# 5.1 Logistic tables ------------------------------------------------------------------------------

MAX_LOGIT = 3071
KNOTS = [
    *(32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724, 59287, 60565, 61598, 62428),
    *(63090, 63615, 64030, 64357, 64614, 64816, 64974, 65097, 65194, 65269, 65328, 65374, 65410),
    *(65438, 65459, 65476, 65489, 65500, 65508, 65514, 65519, 65523, 65526, 65528, 65530, 65531),
    *(65532, 65533, 65534, 65534, 65535, 65535, 65535, 65535, 65535, 65536),
]


def squash(logit: int) -> int:
    """Probability of a logit."""
    if logit < 0:
        return 65536 - squash(-logit)
    k, part = divmod(logit, 64)
    rise = KNOTS[k + 1] - KNOTS[k]
    return min(KNOTS[k] + rise * part // 64, 65520)


def inverse() -> list[int]:
    result = []
    x = -MAX_LOGIT
    for i in range(4096):
        while x < MAX_LOGIT and squash(x) < 16 * i + 8:
            x += 1
        result.append(x)
    return result


INVERSE = inverse()


def stretch(probability: int) -> int:
    """Logit of a probability."""
    return INVERSE[probability // 16]


# 5.2 Slots ----------------------------------------------------------------------------------------

MIXED_LIMIT = 127
LONE_LIMIT = 255


class Slot:
    """Probability of a one out of 65536, and a count of bits."""

    __slots__ = ("n", "p")

    def __init__(self, p: int = 32768, n: int = 0) -> None:
        self.p = p
        self.n = n

    def update(self, bit: int, limit: int) -> None:
        target = 65535 if bit else 0
        self.p += (target - self.p) * (655360 // (10 * self.n + 16)) >> 16
        self.n = min(self.n + 1, max(limit, self.n))


def decode_bit(decoder: RangeDecoder, probability: int) -> int:
    """A bit that is one with this probability out of 65536."""
    if decoder.quantile() < probability << 8:
        decoder.consume(0, probability << 8)
        return 1
    decoder.consume(probability << 8, (65536 - probability) << 8)
    return 0


def decode_lone(decoder: RangeDecoder, slot: Slot, least: int, limit: int) -> int:
    """A bit that one slot is used for alone."""
    bit = decode_bit(decoder, min(max(slot.p, least), 65536 - least))
    slot.update(bit, limit)
    return bit


# 5.3 Mixing ---------------------------------------------------------------------------------------

MAX_WEIGHT = 2**24
CONSTANT = 64


def inputs_of(slots: Sequence[Slot]) -> list[int]:
    """Logits of the slots and the constant: one input for each weight."""
    return [*(stretch(slot.p) for slot in slots), CONSTANT]


def mix(weights: list[int], inputs: list[int]) -> int:
    """Logit."""
    total = sum(w * x for w, x in zip(weights, inputs, strict=True)) >> 16
    return min(max(total, -MAX_LOGIT), MAX_LOGIT)


def learn(weights: list[int], inputs: list[int], logit: int, bit: int, shift: int) -> None:
    """Move weights by the error of the logit that they gave, over 2^shift."""
    error = (65536 if bit else 0) - squash(logit)
    for k, x in enumerate(inputs):
        weight = weights[k] + (x * error + 2 ** (shift - 1) >> shift)
        weights[k] = min(max(weight, -MAX_WEIGHT), MAX_WEIGHT)


def decode_mixed(decoder: RangeDecoder, slots: Sequence[Slot], weights: list[int]) -> int:
    """A bit of seven slots and eight weights."""
    inputs = inputs_of(slots)
    logit = mix(weights, inputs)
    bit = decode_bit(decoder, squash(logit))
    learn(weights, inputs, logit, bit, 14)
    for slot in slots:
        slot.update(bit, MIXED_LIMIT)
    return bit


# 5.4 Mixing twice ---------------------------------------------------------------------------------


def decode_twice_mixed(
    decoder: RangeDecoder, slots: Sequence[Slot], first: list[int], second: list[int]
) -> int:
    """A bit of four slots and two sets of five weights."""
    inputs = inputs_of(slots)
    a, b = mix(first, inputs), mix(second, inputs)
    bit = decode_bit(decoder, squash(a + b >> 1))
    learn(first, inputs, a, bit, 16)
    learn(second, inputs, b, bit, 16)
    for slot in slots:
        slot.update(bit, MIXED_LIMIT)
    return bit
