"""The NumPy truth against answers that can be said beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from exporter.attention import Attention, mask_row
from exporter.case import RecordedStep, Rotary
from exporter.rms_norm import RMSNorm
from exporter.rotary import INTERLEAVED, Rotation, join_pairs, position_rows, split_pairs
from exporter.tensor import Tensor, from_array

RNG = np.random.default_rng(7)


def heads(b: int, n: int, s: int, h_d: int = 4) -> np.ndarray:
    return RNG.standard_normal((b, n, s, h_d))


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: Tensor | None, is_causal: bool) -> np.ndarray:
    return Attention(step_with(mask), is_causal, "float32").value(q, k, v)


def step_with(mask: Tensor | None) -> RecordedStep:
    return RecordedStep(False, "x", {} if mask is None else {"mask": mask})


def test_equal_keys_give_the_mean_of_the_values() -> None:
    q, v = heads(1, 2, 3), heads(1, 2, 5)
    k = np.repeat(heads(1, 2, 1), 5, axis=2)
    expected = np.broadcast_to(v.mean(axis=2, keepdims=True), q.shape)
    np.testing.assert_allclose(attention(q, k, v, None, False), expected, rtol=1e-13)


def test_head_h_reads_key_value_head_h_over_the_group() -> None:
    q, k, v = heads(1, 4, 3), heads(1, 2, 3), heads(1, 2, 3)
    grouped = attention(q, k, v, None, True)
    repeated = attention(q, np.repeat(k, 2, axis=1), np.repeat(v, 2, axis=1), None, True)
    assert np.array_equal(grouped, repeated)


def test_a_hidden_key_is_never_read_and_a_row_that_sees_none_is_zero() -> None:
    q, k, v = heads(1, 1, 2), heads(1, 1, 3), heads(1, 1, 3)
    k[:, :, 2], v[:, :, 2] = np.nan, np.nan
    mask = from_array(np.array([[[True, True, False], [False, False, False]]]))
    y = attention(q, k, v, mask, False)
    assert np.all(np.isfinite(y[0, 0, 0]))
    assert np.array_equal(y[0, 0, 1], np.zeros(4))
    as_bias = from_array(np.where(mask.stored.astype(bool), 0.0, -np.inf).astype(np.float32))
    assert np.array_equal(attention(q, k, v, as_bias, False), y)


def test_causality_is_aligned_at_the_top_left() -> None:
    seen = [mask_row(step_with(None), True, (0, 0, token), 4)[0].tolist() for token in (0, 1)]
    assert seen == [[True, False, False, False], [True, True, False, False]]


@pytest.mark.parametrize("kind", INTERLEAVED)
def test_pairs_are_joined_as_they_were_split(kind: str) -> None:
    x = heads(2, 3, 5, 8)
    assert np.array_equal(join_pairs(*split_pairs(x, kind), kind), x)


@pytest.mark.parametrize("kind", INTERLEAVED)
def test_a_rotation_keeps_every_pair_s_length_and_half_a_turn_negates(kind: str) -> None:
    x, angle = heads(1, 3, 2, 8), RNG.uniform(-np.pi, np.pi, (3, 4))
    turned = rotated(x, kind, np.cos(angle), np.sin(angle))
    for before, after in zip(split_lengths(x, kind), split_lengths(turned, kind), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-13)
    half = np.ones((3, 4))
    assert np.array_equal(rotated(x, kind, -half, 0 * half), -x)


def rotated(x: np.ndarray, kind: str, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    return Rotation(Rotary(kind, 8, 16), {"cos": cos, "sin": sin}, None, "float32").value(x)


def split_lengths(x: np.ndarray, kind: str) -> np.ndarray:
    first, second = split_pairs(x, kind)
    return np.hypot(first, second)


def test_positions_are_read_as_torchtune_reads_them() -> None:
    assert position_rows(None, 3, 16).tolist() == [[0, 1, 2]]
    assert position_rows(np.array([4, -1]), 2, 16).tolist() == [[4, 15]]
    assert position_rows(np.arange(6), 3, 16).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_normed_row_has_the_root_mean_square_of_its_scale() -> None:
    y = RMSNorm(np.full(64, 2.0), 0.0).value(heads(1, 1, 3, 64))
    np.testing.assert_allclose(np.sqrt(np.mean(y * y, axis=-1)), 2.0, rtol=1e-13)
