"""Reproducible pseudo-random numbers that Python and Rust compute alike (splitmix64)."""

import numpy as np


def noise(name: str, count: int) -> np.ndarray:
    """`count` values spread evenly over -1..1, float32; the stream is chosen by `name`.

    The seed is the 64-bit FNV-1a hash of the name; the generator is splitmix64
    (Steele, Lea, Flood 2014), of which the upper 24 bits are used.
    """
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    z = _mixed(np.arange(1, count + 1, dtype=np.uint64), np.uint64(seed))
    return ((z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 23)) - np.float32(1.0)


def _mixed(places, seed=np.uint64(0)):
    with np.errstate(over="ignore"):
        z = seed + np.uint64(0x9E3779B97F4A7C15) * places
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def normal(seed: int, count: int) -> np.ndarray:
    """`count` values of the normal distribution, float64: `random::normal` of src/random.rs."""
    numbers = _mixed(np.uint64(seed << 40) + np.arange(1, 2 * count + 1, dtype=np.uint64))
    even = (numbers >> np.uint64(11)).astype(np.float64) / (1 << 53) + np.finfo(np.float64).eps
    radius, angle = even[0::2], even[1::2]
    return np.sqrt(-2.0 * np.log(np.minimum(radius, 1.0))) * np.cos(2.0 * np.pi * angle)


def noise_picture(seed: int, side: int) -> np.ndarray:
    """A picture of noise, float32 [1, 3, side, side], 0 to 255: `noise_picture` of src/page/covering.rs."""
    places = np.uint64((seed << 40) + 1) + np.arange(3 * side * side, dtype=np.uint64)
    pixels = (_mixed(places) >> np.uint64(56)).astype(np.float32).reshape(side, side, 3)
    return pixels.transpose(2, 0, 1)[None].copy()
