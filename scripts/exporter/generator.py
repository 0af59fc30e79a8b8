"""Counter-based tensor contents, bit for bit those of fixtures/generator.h, in integer arithmetic only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .tensor import Generated, Tensor, from_float64

NAME = "irwin_hall_4"
GOLDEN = 0x9E3779B97F4A7C15
MODULUS = 1 << 64
STANDARD_DEVIATION = 75674.0  # of the integer 2 (a + b + c + d) - 262140
CHUNK = 1 << 16  # elements worked on at a time: they stay in the processor's cache


def mix(bits: np.ndarray) -> np.ndarray:
    """splitmix64's finalizer, in place, on uint64."""
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits


def counter_bits(seed: int, stream: int, start: int, count: int) -> np.ndarray:
    """uint64 [count]: the bits of elements start, start + 1, ..."""
    key = mix(np.array([(seed + GOLDEN * (stream + 1)) % MODULUS], dtype=np.uint64))
    index = np.arange(start + 1, start + 1 + count, dtype=np.uint64)
    index *= np.uint64(GOLDEN)
    index += key
    return mix(index)


def lane_sum(bits: np.ndarray) -> np.ndarray:
    """int64 [count]: 2 (a + b + c + d) - 262140 of the four 16-bit lanes."""
    mask = np.uint64(0xFFFF)
    total = bits & mask
    for lane in (16, 32, 48):
        total += (bits >> np.uint64(lane)) & mask
    return 2 * total.astype(np.int64) - 262140


def generate(spec: Generated, shape: tuple[int, ...], dtype: str) -> Tensor:
    """float32 (exact), bfloat16 or float16 (rounded once, from the exact float32)."""
    values = np.empty(int(np.prod(shape)), dtype="<f4")
    unit = np.float32(2.0**spec.exponent)
    for start in range(0, values.size, CHUNK):
        part = values[start : start + CHUNK]
        part[:] = lane_sum(counter_bits(spec.seed, spec.stream, start, part.size))
        part *= unit
    return replace(from_float64(values.reshape(shape), dtype), generated=spec)


def exponent_for(standard_deviation: float) -> int:
    """The exponent whose standard deviation is nearest to the wanted one."""
    return round(float(np.log2(standard_deviation / STANDARD_DEVIATION)))
