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
    with np.errstate(over="ignore"):
        step = np.uint64(0x9E3779B97F4A7C15)
        z = np.uint64(seed) + step * np.arange(1, count + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 23)) - np.float32(1.0)
