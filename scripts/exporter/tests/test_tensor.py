"""Storage: bfloat16 rounds once, to nearest even, and every dtype keeps its bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exporter.tensor import (
    FORMATS,
    bfloat16_bits_to_float32,
    float32_to_bfloat16_bits,
    from_array,
    from_float64,
    round_to,
)
from exporter.torch_tensors import DTYPES


def neighbours(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bfloat16 numbers at or below, and at or above, of positive numbers."""
    bits = value.astype(np.float32).view(np.uint32) >> np.uint32(16)
    return bfloat16_bits_to_float32(bits), bfloat16_bits_to_float32(bits + np.uint32(1))


def test_float32_rounds_to_the_nearer_neighbour_and_ties_to_even() -> None:
    values = np.random.default_rng(1).uniform(1e-30, 1e30, 10_000).astype(np.float32)
    below, above = neighbours(values)
    rounded = bfloat16_bits_to_float32(float32_to_bfloat16_bits(values))
    nearest = np.minimum(np.abs(values - below), np.abs(above - values))
    assert np.all(np.abs(rounded - values) == nearest)
    ties = np.array([1 + 2.0**-8, 1 + 3 * 2.0**-8], dtype=np.float32)
    assert bfloat16_bits_to_float32(float32_to_bfloat16_bits(ties)).tolist() == [1.0, 1 + 2.0**-6]


def test_float64_is_rounded_once() -> None:
    """A float32 in between would lie on a tie, and go to the wrong side."""
    value = np.array([1 + 2.0**-8 + 2.0**-40])
    assert round_to(value, "bfloat16")[0] == 1 + 2.0**-7
    assert round_to(-value, "bfloat16")[0] == -(1 + 2.0**-7)


@pytest.mark.parametrize("value", [0.0, -0.0, np.inf, -np.inf, np.nan, 2.0**-133, 2.0**-140, 3.4e38])
def test_both_ways_to_round_agree_where_it_is_delicate(value: float) -> None:
    of_float32 = bfloat16_bits_to_float32(float32_to_bfloat16_bits(np.array([value], dtype=np.float32)))
    of_float64 = round_to(np.array([value]), "bfloat16")
    assert np.array_equal(of_float32.astype(np.float64), of_float64, equal_nan=True)
    assert np.signbit(of_float32[0]) == np.signbit(of_float64[0])


def test_a_nan_stays_one_whatever_its_payload() -> None:
    payloads = np.array([0x7F800001, 0xFFFFFFFF, 0x7FC00000], dtype=np.uint32).view(np.float32)
    assert np.all(np.isnan(bfloat16_bits_to_float32(float32_to_bfloat16_bits(payloads))))


def test_every_dtype_is_stored_as_the_contract_says() -> None:
    assert from_array(np.array([True, False])).dtype == "bool"
    assert from_array(np.array([True, False])).stored.dtype == np.uint8
    assert from_array(np.arange(3, dtype=np.int32)).dtype == "int32"
    assert from_float64(np.array([1.5]), "bfloat16").stored.tolist() == [0x3FC0]
    assert from_float64(np.array([1.5]), "bfloat16").to_float64().tolist() == [1.5]


def test_the_digest_is_of_the_bytes_in_row_major_order() -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert from_array(values.T).sha256() == from_array(np.ascontiguousarray(values.T)).sha256()
    assert from_array(values.T).sha256() != from_array(values).sha256()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_every_format_is_the_one_that_torch_has(dtype: str) -> None:
    form, torchs = FORMATS[dtype], torch.finfo(DTYPES[dtype])
    assert form.unit_roundoff == torchs.eps / 2
    assert 2.0**form.smallest_exponent == torchs.tiny * torchs.eps
    assert form.first_infinite * (1 - form.unit_roundoff) == torchs.max


def test_float16_is_rounded_as_torch_does() -> None:
    numbers = np.arange(0x7C00, dtype="<u2").view("<f2").astype(np.float64)
    middles = (numbers[1:] + numbers[:-1]) / 2
    beside = np.nextafter(middles.astype(np.float32), np.float32(1e9))  # torch takes a float64 through float32
    values = np.concatenate([numbers, -numbers, middles, beside, [65520.0, -1e5, np.inf, np.nan]])
    assert np.array_equal(
        from_float64(values, "float16").to_float64(), torch.from_numpy(values).half().double().numpy(), equal_nan=True
    )
