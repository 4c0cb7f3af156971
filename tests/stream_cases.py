"""The stream that many tests read, and a way to damage it."""

TILE = (16, 12)
INTERVALS = "1-8,9-20,21-24"  # of the 24 bands of the scene


def with_byte_flipped(data, position):
    damaged = bytearray(data)
    damaged[position] ^= 0x10
    return bytes(damaged)
