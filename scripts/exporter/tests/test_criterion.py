"""What decides whether torchtune's own output may become a fixture."""

from __future__ import annotations

import numpy as np
import pytest
from exporter.criterion import Verdict, share_of_budget
from exporter.error_budget import Budget, stored
from exporter.tensor import half_ulp

NAN, INF = np.nan, np.inf


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
