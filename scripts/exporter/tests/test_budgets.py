"""What the budgets make of numbers that are not ordinary."""

from __future__ import annotations

import numpy as np
from exporter.attention import Attention
from exporter.case import RecordedStep
from exporter.error_budget import UNDERFLOW, U
from exporter.linear import Linear
from exporter.tensor import from_array

K, V = np.random.default_rng(11).standard_normal((2, 1, 1, 3, 4))


def limit(k: np.ndarray, v: np.ndarray, mask: np.ndarray | None, dtype: str = "float32") -> np.ndarray:
    q = np.linspace(-1.0, 1.0, 4).reshape(1, 1, 1, 4)
    inputs = {} if mask is None else {"mask": from_array(mask)}
    attention = Attention(RecordedStep(False, "x", inputs), False, dtype)
    return attention.budget(attention.value(q, k, v), q, k, v).limit


def test_a_bias_is_added_once() -> None:
    x, weight, bias = np.zeros((1, 4)), np.zeros((2, 4)), np.array([1.0, -3.0])
    assert np.array_equal(Linear(weight, bias).budget(x, x).limit, [U * np.abs(bias) + 4 * UNDERFLOW])


def test_a_hidden_key_has_no_part_in_the_budget() -> None:
    mask, hidden = np.array([[[True, True, False]]]), np.array([0.0, 0.0, np.nan])[:, None]
    assert np.array_equal(limit(K + hidden, V + hidden, mask), limit(K, V, mask))


def test_a_mask_that_swallows_the_scores_makes_them_exact() -> None:
    lowest = np.full((1, 1, 3), np.finfo(np.float32).min)
    assert np.array_equal(limit(K, V, lowest), limit(100.0 * K, V, lowest))
    assert np.all(limit(K, V, lowest) < limit(K, V, None))


def test_only_bfloat16_rounds_the_weights() -> None:
    assert np.all(limit(K, V, None, "bfloat16") > 2.0**-9 * np.min(np.abs(V)))
    assert np.all(limit(K, V, None) < 2.0**-18 * np.max(np.abs(V)))
