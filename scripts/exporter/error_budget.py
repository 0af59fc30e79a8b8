"""How far a correct kernel may be from the float64 truth, stage by stage: the local part of the parity criterion.

Statistical growth of rounding errors: sqrt(n) instead of n. Every function returns a budget of the stage's shape,
without the propagated error of its inputs (see end_to_end.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .tensor import Tensor
from .truth import additive_mask, visible_keys

U = 2.0**-24  # unit roundoff of the float32 arithmetic that every kernel uses
UNDERFLOW = 2.0**-150  # what one float32 product or division loses at most where its result is subnormal
LAMBDA = 1.0
WEIGHT_ROUNDING = {"float32": 0.0, "bfloat16": 2.0**-8}  # of a softmax weight stored in the layer's dtype
PRECISION = {"float32": 24, "bfloat16": 8}  # bits of the fraction
SMALLEST_EXPONENT = {"float32": -149, "bfloat16": -133}  # of the smallest subnormal


def half_ulp(value: np.ndarray, dtype: str) -> np.ndarray:
    """Half the distance between neighbours of `dtype` at |value|, with the subnormal floor."""
    _, exponent = np.frexp(value)
    return np.ldexp(0.5, np.maximum(exponent - PRECISION[dtype], SMALLEST_EXPONENT[dtype]))


def stored(budget: np.ndarray, value: np.ndarray, dtype: str) -> np.ndarray:
    """The budget with half an ulp for storing the value: of the one farthest from 0 that the budget so far allows,
    since beyond the next power of two ulps are twice as large."""
    return budget + half_ulp(np.abs(value) + budget, dtype)


def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """(sqrt(K) + 2) u (sum |x w| + |bias|) and an underflow a product, [..., out]."""
    size = np.abs(x) @ np.abs(weight).T
    if bias is not None:
        size += np.abs(bias)
    return (np.sqrt(weight.shape[1]) + 2.0) * U * size + weight.shape[1] * UNDERFLOW


def rotary(products: np.ndarray) -> np.ndarray:
    """2 u (|a cos| + |b sin|); `products` is that sum of sizes."""
    return 2.0 * U * products


def rms_norm(y: np.ndarray) -> np.ndarray:
    """(sqrt(h_d) + 8) u |y|."""
    return (np.sqrt(y.shape[-1]) + 8.0) * U * np.abs(y)


@dataclass(frozen=True)
class Softmax:
    """One head's row-wise facts, [s_x, s_k] each; hidden keys have weight 0 and take part in nothing."""

    weight: np.ndarray  # p
    condition: np.ndarray  # A = sigma sum_k |q k|
    spread: np.ndarray  # |t - m|, t the masked score and m its row's maximum
    mask_rounding: np.ndarray  # error of adding the float mask to the score
    visible: np.ndarray  # bool
    squared_groups: np.ndarray  # [s_x, 1]: sum of m^2 over the groups of m equal logits; a hidden key is its own

    @property
    def sees_a_key(self) -> np.ndarray:
        """bool [s_x]; a row that sees none is exactly 0."""
        return np.any(self.visible, axis=-1)


def softmax_facts(q: np.ndarray, k: np.ndarray, visible: np.ndarray, added: np.ndarray) -> Softmax:
    """From q [s_x, h_d], k [s_k, h_d] and the mask's two readings [s_x, s_k]."""
    sigma = 1.0 / np.sqrt(q.shape[-1])
    score = np.where(visible, sigma * (q @ k.T), 0.0)
    added = np.where(visible, added, 0.0)
    masked = np.where(visible, score + added, -np.inf)
    top = np.max(masked, axis=-1, keepdims=True)
    top = np.where(np.isneginf(top), 0.0, top)
    weight = np.exp(masked - top)
    total = np.sum(weight, axis=-1, keepdims=True)
    return Softmax(
        weight / np.where(total == 0.0, 1.0, total),
        np.where(visible, sigma * (np.abs(q) @ np.abs(k).T), 0.0),
        np.where(visible, np.abs(masked - top), 0.0),
        _mask_rounding(score, added),
        visible,
        np.array([[_squared_groups(row[seen], np.sum(~seen))] for row, seen in zip(masked, visible, strict=True)]),
    )


def _squared_groups(logits: np.ndarray, hidden: int) -> float:
    """Equal in float32, in which kernels add them up."""
    _, counts = np.unique(logits.astype(np.float32), return_counts=True, equal_nan=False)
    return float(np.sum(counts**2) + hidden)


def _mask_rounding(score: np.ndarray, added: np.ndarray) -> np.ndarray:
    """score + mask is rounded once: by u |sum|, but never by more than |score|; and not at all where there is nothing
    to add or where the mask swallows the score even in float64 (finfo.min)."""
    total = score + added
    exact = (added == 0.0) | (total == added)
    return np.where(exact, 0.0, np.minimum(U * np.abs(total), np.abs(score)))


def logit_factor(h_d: int) -> float:
    """c_D u: of the condition A."""
    return LAMBDA * (np.sqrt(h_d) + 2.0) * U


def sum_underflow(facts: Softmax, values: np.ndarray, dtype: str) -> np.ndarray:
    """[s_x, h_d]: one for each product with a value, two for the division by the row's sum; and for each weight half
    the smallest subnormal in which it is stored. None where no key is seen."""
    products = (facts.weight.shape[-1] + 2) * UNDERFLOW * facts.sees_a_key[:, None]
    return products + half_ulp(np.zeros(()), dtype) * (facts.visible @ np.abs(values))


def sum_factor(facts: Softmax, dtype: str) -> np.ndarray:
    """c_S u + u_P, [s_x, 1]: of sum p |v|. Equal terms of the row's sum round alike (reference/error_budget.h)."""
    s_k = facts.weight.shape[-1]
    return LAMBDA * (np.sqrt(facts.squared_groups) + np.sqrt(s_k) + 8.0) * U + WEIGHT_ROUNDING[dtype]


def attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: Tensor | None, is_causal: bool, dtype: str
) -> np.ndarray:
    """[b, n_h, s_x, h_d]: sum_j p |v| [E + sum_j p E + u |t - m| + c_S u + u_P] and the sum's underflow, where
    E = c_D u A + mask rounding is the error of a logit."""
    budget = np.empty(q.shape)
    for (sample, head), facts, _, values in heads(q, k, v, mask, is_causal):
        p = facts.weight
        logit = logit_factor(q.shape[-1]) * facts.condition + facts.mask_rounding
        relative = logit + np.sum(p * logit, axis=-1, keepdims=True)
        relative += U * facts.spread + sum_factor(facts, dtype)
        budget[sample, head] = (p * relative) @ np.abs(values) + sum_underflow(facts, values, dtype)
    return budget


def heads(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: Tensor | None, is_causal: bool
) -> Iterator[tuple[tuple[int, ...], Softmax, int, np.ndarray]]:
    """For each (sample, head): its index, softmax facts, the key/value head's index, and v [s_k, h_d]."""
    b, n_h, s_x, _ = q.shape
    visible = visible_keys(mask, is_causal, b, s_x, k.shape[2])
    added = additive_mask(mask, b, s_x, k.shape[2])
    for sample, head in np.ndindex(b, n_h):
        kv_head = head // (n_h // k.shape[1])
        facts = softmax_facts(q[sample, head], k[sample, kv_head], visible[sample], added[sample])
        yield (sample, head), facts, kv_head, v[sample, kv_head]
