"""Images for tests of CCSDS 122, and how close they come back."""

import numpy as np


def noisy(shape, bits, signed, seed):
    """Random walks in both directions that span the whole range of the pixels."""
    walk = np.random.default_rng(seed).normal(0, 1, shape).cumsum(0).cumsum(1)
    walk = (walk - walk.min()) / np.ptp(walk)
    image = np.round(walk * (2**bits - 1)).astype(np.int64) - (2 ** (bits - 1) if signed else 0)
    return image.astype(np.int32)


def psnr(image, decoded, peak):
    return 10 * np.log10(peak**2 / np.mean((image - decoded.astype(np.float64)) ** 2))
