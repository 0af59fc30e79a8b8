"""What decides whether torchtune's own output may become a fixture."""

from __future__ import annotations

import numpy as np
import pytest
from exporter.attention import Attention
from exporter.case import RecordedStep
from exporter.criterion import Verdict, share_of_budget
from exporter.error_budget import UNDERFLOW, Budget, U, stored
from exporter.linear import Linear
from exporter.tensor import from_array, half_ulp

NAN, INF = np.nan, np.inf
K, V = np.random.default_rng(11).standard_normal((2, 1, 1, 3, 4))


def share(actual: list[float], value: list[float], budget: list[float]) -> float:
    return share_of_budget(np.array(actual), np.array(value), np.array(budget))


def test_e_is_the_worst_element_never_a_mean() -> None:
    assert share([1.0, 2.0, 3.5], [1.0, 2.0, 3.0], [1.0, 1.0, 0.25]) == 2.0


@pytest.mark.parametrize(
    ("actual", "value"), [(NAN, 1.0), (INF, 1.0), (1.0, NAN), (INF, -INF), (NAN, INF), (1.0, INF), (-INF, NAN)]
)
def test_another_class_is_outside_any_budget(actual: float, value: float) -> None:
    assert share([actual], [value], [INF]) == INF


def test_the_same_class_agrees() -> None:
    assert share([NAN, INF, -INF], [NAN, INF, -INF], [0.0, 0.0, 0.0]) == 0.0


def test_a_budget_of_zero_or_nan_demands_equality() -> None:
    assert share([1.0], [1.0], [0.0]) == 0.0
    assert share([1.0 + 1e-15], [1.0], [0.0]) == INF
    assert share([1.5], [1.0], [NAN]) == INF


def test_another_shape_is_outside() -> None:
    assert share([1.0, 1.0], [1.0], [1.0]) == INF


def test_nan_fails_a_verdict() -> None:
    assert Verdict(0, "output", "localised", 1.0).passed
    assert not Verdict(0, "output", "localised", NAN).passed


@pytest.mark.parametrize(("dtype", "bits"), [("float32", 24), ("bfloat16", 8)])
def test_storing_costs_half_the_distance_to_the_next_number(dtype: str, bits: int) -> None:
    assert half_ulp(np.array([1.0, 1.99, 2.0]), dtype).tolist() == [2.0**-bits, 2.0**-bits, 2.0 ** (1 - bits)]
    assert half_ulp(np.array([0.0, NAN, -INF]), dtype).tolist() == 3 * [2.0 ** -(126 + bits)]
    below_two = np.array([2.0 - 2.0**-20])
    limit = np.array([2.0**-10])
    reaches_beyond_two = stored(Budget(limit), below_two, dtype)
    assert reaches_beyond_two.budget[0] == limit[0] + 2.0 ** (1 - bits)


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
