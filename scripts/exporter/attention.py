"""Scaled dot product attention and its error budget, row by row. A hidden key is not read: NaN in it has no effect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .case import RecordedStep
from .error_budget import KAPPA, UNDERFLOW, Budget, U
from .tensor import FORMATS, Tensor, half_ulp

SHARE_THAT_MATTERS = 2.0**-8  # of a row's weight, with the error that the key's logit may have

Index = tuple[int, ...]


def attention_row(q: np.ndarray, k: np.ndarray, v: np.ndarray, added: np.ndarray, scale: float) -> np.ndarray:
    """y [h_d] of one query over its visible keys k, v [n, h_d]; exactly 0 where there is none."""
    if len(k) == 0:
        return np.zeros(v.shape[-1])
    score = scale * (k @ q) + added
    weight = np.exp(score - np.max(score))
    return weight @ v / np.sum(weight)


def weight_rounding(dtype: str) -> float:
    """u_P: of a softmax weight stored in the layer's dtype."""
    return 0.0 if dtype == "float32" else FORMATS[dtype].unit_roundoff


class BudgetedRow:
    """What bounds the errors of one query q [h_d] on the n keys that it sees, k, v [n, h_d], of s_k; `added` [n] is the
    float mask's row."""

    def __init__(self, q: np.ndarray, k: np.ndarray, v: np.ndarray, added: np.ndarray, s_k: int, of: Attention) -> None:
        self.q, self.k, self.v = q, k, v
        self.scale = of.scale_over(q.size)
        score = self.scale * (k @ q)
        logits = score + added
        self.below_top = logits - np.max(logits, initial=-np.inf)
        weight = np.exp(self.below_top)
        self.log_p = self.below_top - np.log(np.sum(weight))
        self.p = weight / np.sum(weight)
        condition = np.abs(self.scale) * (np.abs(k) @ np.abs(q))
        # A mask so large that it swallows the score even in float64 makes the logit exact.
        self.exact = (added != 0.0) & (np.abs(added) + condition == np.abs(added))
        # Adding the mask rounds once: by u of the sum, and by no more than either term.
        addition = np.minimum(U * np.abs(logits), np.minimum(np.abs(added), np.abs(score)))
        self.logit_error = np.where(self.exact, 0.0, (np.sqrt(q.size) + 2.0) * U * condition + addition)
        of_sums = np.sqrt(_squared_groups(logits, s_k)) + np.sqrt(s_k) + 8.0
        self.c_s = of_sums * U + weight_rounding(of.dtype)
        # Of each product with a value, two of the division, and of each weight that is stored as a subnormal number.
        of_weights = half_ulp(np.zeros(()), of.dtype) * np.sum(np.abs(v), axis=0)
        self.underflows = (s_k + 2) * UNDERFLOW + of_weights if len(k) else np.zeros(v.shape[-1])

    def local(self) -> np.ndarray:
        """[h_d]: sum_j p |v| [E + sum_j p E + u |s - m| + c_S u + u_P], E the error of a logit."""
        some = self.p != 0.0
        p, error = self.p[some], self.logit_error[some]
        share = p * (error + np.sum(p * error) + U * np.abs(self.below_top[some]) + self.c_s)
        return share @ np.abs(self.v[some]) + self.underflows

    def propagated(self, y: np.ndarray, dq: np.ndarray, dk: np.ndarray, dv: np.ndarray) -> tuple[np.ndarray, float]:
        """[h_d]: sum_j p |v - y| (exp(D) - 1 + u |s - m|) + ..., D = E and what q and k bring along. And the largest D
        of a key that matters."""
        brought = np.sqrt(np.square(self.k) @ np.square(dq) + np.square(dk) @ np.square(self.q))
        error = self.logit_error + np.where(self.exact, 0.0, np.abs(self.scale) * KAPPA * brought)
        some = self.p != 0.0
        p, v = self.p[some], self.v[some]
        limit = (p * (np.expm1(error[some]) + U * np.abs(self.below_top[some]))) @ np.abs(v - y)
        limit += self.c_s * (p @ np.abs(v)) + KAPPA * np.sqrt(np.square(p) @ np.square(dv[some])) + self.underflows
        matters = self.log_p + error >= np.log(SHARE_THAT_MATTERS)
        return limit, float(np.max(error[matters], initial=0.0))


def _squared_groups(logits: np.ndarray, s_k: int) -> float:
    """Sum of m^2 over the groups of m keys whose logits are equal in float32, in which kernels add them up: equal terms
    of the row's sum round alike. A hidden key is a group of its own."""
    bits = (logits.astype(np.float32) + np.float32(0.0)).view(np.uint32)  # -0 + 0 is 0
    _, counts = np.unique(bits, return_counts=True)
    return float(np.sum(counts**2) + s_k - len(logits))


@dataclass(frozen=True)
class Attention:
    """y [b, n_h, s_x, h_d] from q as y and k, v [b, n_kv, s_k, h_d], of which head h reads h // (n_h / n_kv). Of a
    sampled step [r, n_h, h_d], whose q, k and v are exact in every kernel."""

    step: RecordedStep
    is_causal: bool  # where the step has no mask
    dtype: str
    scale: float | None = None  # of the scores; None: 1/sqrt(h_d)

    def scale_over(self, h_d: int) -> float:
        return float(1.0 / np.sqrt(h_d)) if self.scale is None else self.scale

    def value(self, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        y = np.empty(q.shape if self.step.rows is None else (len(self.step.rows.stored), *q.shape[1::2]))
        for row, query, of_keys, seen, added in self._rows(q, k):
            y[row] = attention_row(q[query], k[of_keys][seen], v[of_keys][seen], added, self.scale_over(q.shape[-1]))
        return y

    def budget(self, y: np.ndarray, q: np.ndarray, k: np.ndarray, v: np.ndarray, *errors: np.ndarray) -> Budget:
        """`errors`: end to end, the budgets of q, k and v."""
        limit, condition = np.empty(y.shape), np.zeros(y.shape[:-1])
        exact = not errors or self.step.rows is not None
        for row, query, of_keys, seen, added in self._rows(q, k):
            terms = BudgetedRow(q[query], k[of_keys][seen], v[of_keys][seen], added, k.shape[2], self)
            if exact:
                limit[row] = terms.local()
            else:
                dq, dk, dv = errors
                limit[row], condition[row] = terms.propagated(y[row], dq[query], dk[of_keys][seen], dv[of_keys][seen])
        return Budget(limit, None if exact else condition)

    def _rows(self, q: np.ndarray, k: np.ndarray) -> Iterator[tuple[Index, Index, Index, np.ndarray, np.ndarray]]:
        """Of each row of y: its index, its query's, its keys', which of them it sees, and what is added to their
        scores."""
        b, n_h, s_x, _ = q.shape
        _, n_kv, s_k, _ = k.shape
        sampled = None if self.step.rows is None else self.step.rows.stored
        for number, (sample, token) in enumerate(np.ndindex(b, s_x) if sampled is None else sampled):
            seen, added = mask_row(self.step, self.is_causal, sample, token, s_k)
            for head in range(n_h):
                query = sample, head, token
                row = query if sampled is None else (number, head)
                yield row, query, (sample, head // (n_h // n_kv)), seen, added[seen]


def mask_row(step: RecordedStep, is_causal: bool, sample: int, token: int, s_k: int) -> tuple[np.ndarray, np.ndarray]:
    """[s_k]: which keys a token attends to, and what is added to their scaled scores. The whole mask of a large call is
    never made."""
    seen, added = np.ones(s_k, dtype=bool), np.zeros(s_k)
    if "seq_lens" in step.inputs:  # its own document up to itself
        lengths = step.inputs["seq_lens"].stored
        document = np.repeat(np.arange(lengths.shape[1]), lengths[min(sample, len(lengths) - 1)])
        seen = (document == document[token]) & (np.arange(s_k) <= token)
    elif "mask" in step.inputs:
        mask = step.inputs["mask"]
        row = mask.stored[min(sample, mask.shape[0] - 1), min(token, mask.shape[1] - 1)]
        values = np.broadcast_to(Tensor(mask.dtype, row).to_float64(), s_k)
        seen, added = (values != 0.0, added) if mask.dtype == "bool" else (~np.isneginf(values), values)
    elif is_causal:  # aligned at the top left
        seen = np.arange(s_k) <= token
    return seen, added
