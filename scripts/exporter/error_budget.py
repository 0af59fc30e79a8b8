"""How far a correct kernel may be from the float64 truth: what the stages' budgets have in common. docs/criterion.md
derives them, and reference/error_budget.h has the same in C++. Each formula's own budget stands with it, in linear.py,
rotary.py, rms_norm.py and attention.py, and leaves out storing the result, which `stored` adds.

Statistical growth of rounding errors: sqrt(n) instead of n.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .tensor import half_ulp

U = 2.0**-24  # unit roundoff of the float32 arithmetic that every kernel uses
UNDERFLOW = 2.0**-150  # what one float32 product or division loses at most where its result is subnormal
KAPPA = 2.0  # safety factor on the errors that inputs bring along


class Budget(NamedTuple):
    limit: np.ndarray  # of each element's error
    condition: np.ndarray | None = None  # of an attention end to end: the largest logit error on a key that matters


class Judged(NamedTuple):
    """One stage's value before its own last rounding, and how far its stored result may be from that."""

    value: np.ndarray
    budget: np.ndarray
    condition: np.ndarray | None = None


def stored(budget: Budget, value: np.ndarray, dtype: str) -> Judged:
    """With half an ulp for storing the value: of the one farthest from 0 that the budget so far allows, since beyond
    the next power of two ulps are twice as large."""
    limit = budget.limit + half_ulp(np.abs(value) + budget.limit, dtype)
    return Judged(value, limit, budget.condition)
