"""The contract's tensor in NumPy: a dtype name and the stored bits. bfloat16 is stored as uint16, bool as uint8."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

STORAGE: dict[str, np.dtype] = {
    "float32": np.dtype("<f4"),
    "float64": np.dtype("<f8"),
    "bfloat16": np.dtype("<u2"),
    "bool": np.dtype("u1"),
    "int64": np.dtype("<i8"),
    "int32": np.dtype("<i4"),
}

FRACTION_BITS = {"float32": 24, "bfloat16": 8}  # the implicit one included
SMALLEST_EXPONENT = {"float32": -149, "bfloat16": -133}  # of the smallest subnormal


@dataclass(frozen=True)
class Generated:
    """How a tensor's contents follow from a counter; see generator.py."""

    seed: int
    stream: int
    exponent: int


@dataclass(frozen=True)
class Tensor:
    """Contents in storage form. `generated` says that a case file need not store them."""

    dtype: str
    stored: np.ndarray
    generated: Generated | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored.shape

    def sha256(self) -> str:
        return hashlib.sha256(np.ascontiguousarray(self.stored).data).hexdigest()

    def to_float64(self) -> np.ndarray:
        """Widens exactly."""
        if self.dtype == "bfloat16":
            return bfloat16_bits_to_float32(self.stored).astype(np.float64)
        return self.stored.astype(np.float64)


def from_float64(values: np.ndarray, dtype: str) -> Tensor:
    """Rounds float64 values once to float32 or bfloat16, or keeps float64."""
    if dtype == "bfloat16":
        return Tensor(dtype, float32_to_bfloat16_bits(round_to_bfloat16(values).astype(np.float32)))
    return Tensor(dtype, np.ascontiguousarray(values, dtype=STORAGE[dtype]))


def from_array(values: np.ndarray) -> Tensor:
    """A tensor of the contract's dtype that corresponds to the array's."""
    if values.dtype == np.bool_:
        return Tensor("bool", np.ascontiguousarray(values, dtype=np.uint8))
    return Tensor(values.dtype.name, np.ascontiguousarray(values, dtype=STORAGE[values.dtype.name]))


def half_ulp(value: np.ndarray, dtype: str) -> np.ndarray:
    """Half the distance between neighbours of `dtype` at |value|, no less than half its smallest subnormal."""
    _, exponent = np.frexp(value)
    ulp = np.maximum(exponent - FRACTION_BITS[dtype], SMALLEST_EXPONENT[dtype])
    of_number = np.isfinite(value) & (value != 0.0)  # frexp has exponent 0 for the others
    return np.ldexp(0.5, np.where(of_number, ulp, SMALLEST_EXPONENT[dtype]))


def round_to_bfloat16(values: np.ndarray) -> np.ndarray:
    """float64 -> the nearest bfloat16, ties to even, as float64. Rounds once: no float32 in between."""
    values = np.asarray(values, dtype=np.float64)
    quantum = 2.0 * half_ulp(values, "bfloat16")
    with np.errstate(invalid="ignore"):
        rounded = np.where(np.isfinite(values), np.rint(values / quantum) * quantum, values)
    return np.where(np.abs(rounded) >= 2.0**128, np.copysign(np.inf, rounded), rounded)


def round_to(values: np.ndarray, dtype: str) -> np.ndarray:
    """What the next stage reads: bfloat16 rounds its storage; the float32 chain keeps full precision."""
    return round_to_bfloat16(values) if dtype == "bfloat16" else values


def float32_to_bfloat16_bits(values: np.ndarray) -> np.ndarray:
    """Nearest even. A NaN stays a quiet NaN."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    quiet_nan = (bits >> np.uint32(16)) | np.uint32(0x40)
    return np.where(np.isnan(values), quiet_nan, rounded).astype("<u2").reshape(np.shape(values))


def bfloat16_bits_to_float32(bits: np.ndarray) -> np.ndarray:
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
