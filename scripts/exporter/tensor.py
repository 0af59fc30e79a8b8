"""The contract's tensor in NumPy: a dtype name and the stored bits. bfloat16 and float16 are stored as uint16, bool as
uint8."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

STORAGE: dict[str, np.dtype] = {
    "float32": np.dtype("<f4"),
    "float64": np.dtype("<f8"),
    "bfloat16": np.dtype("<u2"),
    "float16": np.dtype("<u2"),
    "bool": np.dtype("u1"),
    "int64": np.dtype("<i8"),
    "int32": np.dtype("<i4"),
}


class FloatFormat(NamedTuple):
    """A binary floating-point format: what rounding to it depends on."""

    precision: int  # significant bits, the implicit one included
    smallest_exponent: int  # of the smallest subnormal
    first_infinite: float  # the power of two beyond the largest number

    @property
    def unit_roundoff(self) -> float:
        return float(2.0**-self.precision)


FORMATS = {  # what a layer is stored in
    "float32": FloatFormat(24, -149, 2.0**128),
    "bfloat16": FloatFormat(8, -133, 2.0**128),
    "float16": FloatFormat(11, -24, 2.0**16),
}


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
        if self.dtype == "float16":
            return self.stored.view("<f2").astype(np.float64)
        return self.stored.astype(np.float64)


def from_float64(values: np.ndarray, dtype: str) -> Tensor:
    """Rounds float64 values once to a dtype of FORMATS, or keeps float64."""
    if dtype == "bfloat16":
        return Tensor(dtype, float32_to_bfloat16_bits(round_to(values, dtype).astype(np.float32)))
    if dtype == "float16":
        return from_float16(round_to(values, dtype).astype("<f2"))
    return Tensor(dtype, np.ascontiguousarray(values, dtype=STORAGE[dtype]))


def from_float16(values: np.ndarray) -> Tensor:
    return Tensor("float16", np.ascontiguousarray(values, dtype="<f2").view("<u2"))


def from_array(values: np.ndarray) -> Tensor:
    """A tensor of the contract's dtype that corresponds to the array's."""
    if values.dtype == np.bool_:
        return Tensor("bool", np.ascontiguousarray(values, dtype=np.uint8))
    return Tensor(values.dtype.name, np.ascontiguousarray(values, dtype=STORAGE[values.dtype.name]))


def half_ulp(value: np.ndarray, dtype: str) -> np.ndarray:
    """Half the distance between neighbours of `dtype` at |value|, no less than half its smallest subnormal."""
    precision, smallest, _ = FORMATS[dtype]
    _, exponent = np.frexp(value)
    of_number = np.isfinite(value) & (value != 0.0)  # frexp has exponent 0 for the others
    return np.ldexp(0.5, np.where(of_number, np.maximum(exponent - precision, smallest), smallest))


def round_to(values: np.ndarray, dtype: str) -> np.ndarray:
    """What the next stage reads, as float64: 16 bits round their storage, the float32 chain keeps full precision.

    Rounds once, to nearest, ties to even: no float32 in between.
    """
    if dtype == "float32":
        return values
    values, largest = np.asarray(values, dtype=np.float64), FORMATS[dtype].first_infinite
    quantum = 2.0 * half_ulp(values, dtype)
    with np.errstate(invalid="ignore"):
        rounded = np.where(np.isfinite(values), np.rint(values / quantum) * quantum, values)
    return np.where(np.abs(rounded) >= largest, np.copysign(np.inf, rounded), rounded)


def float32_to_bfloat16_bits(values: np.ndarray) -> np.ndarray:
    """Nearest even. A NaN stays a quiet NaN."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    quiet_nan = (bits >> np.uint32(16)) | np.uint32(0x40)
    return np.where(np.isnan(values), quiet_nan, rounded).astype("<u2").reshape(np.shape(values))


def bfloat16_bits_to_float32(bits: np.ndarray) -> np.ndarray:
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
