"""The predictor (4): from mapped quantiser indices to samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from reference.ccsds123.header import Image

Index = tuple[int, int, int]


def clip(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


class Predictor:
    """Sample representatives of what has been decoded, and weights."""

    def __init__(self, image: Image) -> None:
        self.image = image
        d = image.D
        self.low = -(2 ** (d - 1)) if image.signed else 0
        self.high = self.low + 2**d - 1
        self.mid = 0 if image.signed else 2 ** (d - 1)
        self.s2: dict[Index, int] = {}  # s''
        self.w = [self.initial_weights(z) for z in range(image.z)]

    def initial_weights(self, z: int) -> list[int]:
        """4.6.3"""
        image, omega = self.image, self.image.omega
        if image.fields["lambda"] is not None:
            rest = omega + 3 - image.Q
            return [
                v * 2**rest + (2 ** (rest - 1) - 1 if rest else 0)
                for v in image.fields["lambda"][z]
            ]
        spectral = [7 * 2**omega // 8]
        for _ in range(image.P):
            spectral.append(spectral[-1] // 8)
        return [0] * (3 * image.full) + spectral[: min(z, image.P)]

    def local_sum(self, z: int, y: int, x: int) -> int:
        """Eq. (20) to (23)"""

        def s(row: int, column: int, band: int = z) -> int:
            return self.s2[band, row, column]

        kind, last = self.image.local_sum, self.image.x - 1
        wide, column = kind in (0, 2), kind in (2, 3)
        if y == 0:
            if wide:
                return 4 * s(y, x - 1)
            return 4 * s(y, x - 1, z - 1) if z > 0 else 4 * self.mid
        n = s(y - 1, x)
        if column:
            return 4 * n
        if x == 0:
            return 2 * (n + s(y - 1, x + 1))
        nw = s(y - 1, x - 1)
        if x == last:
            return s(y, x - 1) + nw + 2 * n if wide else 2 * (nw + n)
        ne = s(y - 1, x + 1)
        return s(y, x - 1) + nw + n + ne if wide else nw + 2 * n + ne

    def differences(self, z: int, y: int, x: int) -> list[int]:
        """Eq. (24) to (29)"""
        image = self.image
        vector = []
        if image.full and y == 0:
            vector = [0, 0, 0]
        elif image.full:
            places = [(y - 1, x), (y, x - 1), (y - 1, x - 1)] if x > 0 else [(y - 1, x)] * 3
            own = self.local_sum(z, y, x)
            vector = [4 * self.s2[z, row, column] - own for row, column in places]
        for i in range(1, min(z, image.P) + 1):
            vector.append(4 * self.s2[z - i, y, x] - self.local_sum(z - i, y, x))
        return vector

    def max_error(self, z: int, y: int, predicted: int) -> int:
        """Eq. (42) to (45)"""
        image, errors = self.image, []
        if image.absolute:
            errors.append(image.limits["absolute", y][z])
        if image.relative:
            errors.append(image.limits["relative", y][z] * abs(predicted) // 2**image.D)
        return min(errors, default=0)

    def sample(self, z: int, y: int, x: int, mapped: int) -> int:
        """The clipped quantiser bin centre of one index; moves on by one sample."""
        image, omega = self.image, self.image.omega
        t = y * image.x + x
        if t == 0:
            double = 2 * (self.s2[z - 1, 0, 0] if z > 0 and image.P > 0 else self.mid)
            m = 0
        else:
            vector = self.differences(z, y, x)
            inner = sum(w * u for w, u in zip(self.w[z], vector, strict=True))
            inner += 2**omega * (self.local_sum(z, y, x) - 4 * self.mid)
            inner = (inner + 2 ** (image.R - 1)) % 2**image.R - 2 ** (image.R - 1)
            high = clip(
                inner + 2 ** (omega + 2) * self.mid + 2 ** (omega + 1),
                2 ** (omega + 2) * self.low,
                2 ** (omega + 2) * self.high + 2 ** (omega + 1),
            )
            double = high // 2 ** (omega + 1)
            m = self.max_error(z, y, double // 2)
        predicted = double // 2
        # Eq. (55) and (56), backwards
        below = (predicted - self.low + m) // (2 * m + 1)
        above = (self.high - predicted + m) // (2 * m + 1)
        theta = min(below, above)
        if mapped > 2 * theta:
            q = mapped - theta if below < above else theta - mapped
        else:
            q = (mapped + 1) // 2 * (1 if (mapped + double) % 2 == 0 else -1)
        centre = clip(predicted + q * (2 * m + 1), self.low, self.high)
        if t == 0:
            self.s2[z, y, x] = centre
            return centre
        self.s2[z, y, x] = self.representative(z, centre, int(np.sign(q)) * m, high)
        self.update(z, t, vector, 1 if 2 * centre >= double else -1)
        return centre

    def representative(self, z: int, centre: int, error: int, high: int) -> int:
        """Eq. (46) and (47)"""
        image, omega, theta = self.image, self.image.omega, self.image.theta
        phi, psi = image.phi[z], image.psi[z]
        total = 4 * (2**theta - phi) * (centre * 2**omega - error * psi * 2 ** (omega - theta))
        total += phi * high - phi * 2 ** (omega + 1)
        return (total // 2 ** (omega + theta + 1) + 1) // 2

    def update(self, z: int, t: int, vector: list[int], sign: int) -> None:
        """Eq. (50) to (54)"""
        image, omega = self.image, self.image.omega
        steps = image.v_min + (t - image.x) // image.t_inc
        rho = clip(steps, image.v_min, image.v_max) + image.D - omega
        offsets = [0] * len(vector)
        if image.offsets is not None:
            own = image.offsets[z]
            offsets = own[:1] * 3 + own[1:] if image.full else own
        for i, (u, offset) in enumerate(zip(vector, offsets, strict=True)):
            exponent = rho + offset
            scaled = sign * u * 2 ** max(-exponent, 0) // 2 ** max(exponent, 0)
            limit = 2 ** (omega + 2)
            self.w[z][i] = clip(self.w[z][i] + (scaled + 1) // 2, -limit, limit - 1)


def reconstruct(image: Image, indices: Mapping[Index, int]) -> npt.NDArray[np.int64]:
    """Samples in shape (rows, columns, bands)."""
    predictor = Predictor(image)
    samples = np.zeros((image.y, image.x, image.z), np.int64)
    for y, x, z in np.ndindex(samples.shape):
        samples[y, x, z] = predictor.sample(z, y, x, indices[z, y, x])
    return samples
