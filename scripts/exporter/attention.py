"""Scaled dot product attention and its error budget, row by row. A hidden key is not read: NaN in it has no effect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .block_masks import seen_keys
from .case import RecordedStep
from .error_budget import KAPPA, UNDERFLOW, Budget, U
from .tensor import FORMATS, Tensor, half_ulp

SHARE_THAT_MATTERS = 2.0**-8  # of a row's weight, with the error that the key's logit may have

DROPOUT_ROUNDINGS = 2.0  # of 1/(1-p), and of the weight with it

Index = tuple[int, ...]


class Row(NamedTuple):
    """One query's part in an attention."""

    y: Index
    query: Index
    of_keys: Index
    seen: np.ndarray  # bool [s_k]
    added: np.ndarray  # [n], to the scores of the n keys that it sees
    kept: np.ndarray | float  # [n]: what dropout multiplies their weights with


def attention_row(row: Row, q: np.ndarray, k: np.ndarray, v: np.ndarray, of: Attention) -> np.ndarray:
    """y [h_d] of one query over its visible keys k, v [n, h_d]; exactly 0 where there is none."""
    if len(k) == 0:
        return np.zeros(v.shape[-1])
    score = of.scaled(k @ q, q.size) + row.added
    weight = np.exp(score - np.max(score))
    return (row.kept * weight) @ v / np.sum(weight)


def weight_rounding(dtype: str) -> float:
    """u_P: of a softmax weight stored in the layer's dtype."""
    return 0.0 if dtype == "float32" else FORMATS[dtype].unit_roundoff


class BudgetedRow:
    """What bounds the errors of one query q [h_d] on the n keys that it sees, k, v [n, h_d], of s_k."""

    def __init__(self, row: Row, q: np.ndarray, k: np.ndarray, v: np.ndarray, of: Attention) -> None:
        self.q, self.k, self.v = q, k, v
        added, s_k = row.added, len(row.seen)
        self.scale = 1.0 / np.sqrt(q.size) if of.scale is None else of.scale
        score = self.scale * (k @ q)
        logits = score + added
        self.below_top = logits - np.max(logits, initial=-np.inf)
        weight = np.exp(self.below_top)
        self.log_p = self.below_top - np.log(np.sum(weight))
        self.p = weight / np.sum(weight)
        self.kept_p = row.kept * self.p
        condition = np.abs(self.scale) * (np.abs(k) @ np.abs(q))
        # A mask so large that it swallows the score even in float64 makes the logit exact.
        self.exact = (added != 0.0) & (np.abs(added) + condition == np.abs(added))
        # Adding the mask rounds once: by u of the sum, and by no more than either term.
        addition = np.minimum(U * np.abs(logits), np.minimum(np.abs(added), np.abs(score)))
        self.logit_error = np.where(self.exact, 0.0, (np.sqrt(q.size) + 2.0) * U * condition + addition)
        of_sums = np.sqrt(_squared_groups(logits, s_k)) + np.sqrt(s_k) + 8.0
        self.c_s = (of_sums + (DROPOUT_ROUNDINGS if of.dropout_p > 0.0 else 0.0)) * U + weight_rounding(of.dtype)
        # Of each product with a value, two of the division, and of each weight that is stored as a subnormal number.
        of_weights = half_ulp(np.zeros(()), of.dtype) * np.sum(np.abs(v), axis=0)
        self.underflows = (s_k + 2) * UNDERFLOW + of_weights if len(k) else np.zeros(v.shape[-1])

    def local(self) -> np.ndarray:
        """[h_d]: sum_j w |v| [E + sum_j p E + u |s - m| + c_S u + u_P], E the error of a logit, w of what is kept."""
        some = self.p != 0.0
        p, error = self.p[some], self.logit_error[some]
        share = error + np.sum(p * error) + U * np.abs(self.below_top[some]) + self.c_s
        return (self.kept_p[some] * share) @ np.abs(self.v[some]) + self.underflows

    def propagated(self, y: np.ndarray, dq: np.ndarray, dk: np.ndarray, dv: np.ndarray) -> tuple[np.ndarray, float]:
        """[h_d]: sum_j |w v - p y| (exp(D) - 1 + u |s - m|) + ..., D = E and what q and k bring along. And the largest
        D of a key that matters."""
        brought = np.sqrt(np.square(self.k) @ np.square(dq) + np.square(dk) @ np.square(self.q))
        error = self.logit_error + np.where(self.exact, 0.0, np.abs(self.scale) * KAPPA * brought)
        some = self.p != 0.0
        p, kept_p, v = self.p[some, None], self.kept_p[some], self.v[some]
        limit = (np.expm1(error[some]) + U * np.abs(self.below_top[some])) @ np.abs(kept_p[:, None] * v - p * y)
        limit += self.c_s * (kept_p @ np.abs(v)) + self.underflows
        limit += KAPPA * np.sqrt(np.square(kept_p) @ np.square(dv[some]))
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
    dropout_p: float = 0.0  # of the step's `keep`

    def scaled(self, products: np.ndarray, h_d: int) -> np.ndarray:
        return products / np.sqrt(h_d) if self.scale is None else self.scale * products

    def value(self, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        y = np.empty(q.shape if self.step.rows is None else (len(self.step.rows.stored), *q.shape[1::2]))
        for row in self._rows(q, k):
            keys, values = k[row.of_keys][row.seen], v[row.of_keys][row.seen]
            y[row.y] = attention_row(row, q[row.query], keys, values, self)
        return y

    def budget(self, y: np.ndarray, q: np.ndarray, k: np.ndarray, v: np.ndarray, *errors: np.ndarray) -> Budget:
        """`errors`: end to end, the budgets of q, k and v."""
        limit, condition = np.empty(y.shape), np.zeros(y.shape[:-1])
        exact = not errors or self.step.rows is not None
        for row in self._rows(q, k):
            at, seen = row.of_keys, row.seen
            terms = BudgetedRow(row, q[row.query], k[at][seen], v[at][seen], self)
            if exact:
                limit[row.y] = terms.local()
            else:
                dq, dk, dv = errors
                limit[row.y], condition[row.y] = terms.propagated(y[row.y], dq[row.query], dk[at][seen], dv[at][seen])
        return Budget(limit, None if exact else condition)

    def _rows(self, q: np.ndarray, k: np.ndarray) -> Iterator[Row]:
        b, n_h, s_x, _ = q.shape
        _, n_kv, s_k, _ = k.shape
        sampled = None if self.step.rows is None else self.step.rows.stored
        for number, (sample, token) in enumerate(np.ndindex(b, s_x) if sampled is None else sampled):
            for head in range(n_h):
                query = sample, head, token
                seen, added = mask_row(self.step, self.is_causal, query, s_k)
                y = query if sampled is None else (number, head)
                yield Row(y, query, (sample, head // (n_h // n_kv)), seen, added[seen], self._kept(query, seen))

    def _kept(self, query: Index, seen: np.ndarray) -> np.ndarray | float:
        """[n]: what dropout multiplies the weights with."""
        if "keep" not in self.step.inputs:
            return 1.0
        keep = self.step.inputs["keep"].stored[query][seen].astype(np.float64)
        return keep / (1.0 - self.dropout_p) if self.dropout_p < 1.0 else keep


def mask_row(step: RecordedStep, is_causal: bool, query: Index, s_k: int) -> tuple[np.ndarray, np.ndarray]:
    """[s_k]: which keys a token of a head attends to, and what is added to their scaled scores. The whole mask of a
    large call is never made."""
    sample, head, token = query
    seen, added = np.ones(s_k, dtype=bool), np.zeros(s_k)
    if "seq_lens" in step.inputs:  # its own document up to itself
        lengths = step.inputs["seq_lens"].stored
        document = np.repeat(np.arange(lengths.shape[1]), lengths[min(sample, len(lengths) - 1)])
        seen = (document == document[token]) & (np.arange(s_k) <= token)
    elif "partial_blocks" in step.inputs:
        seen = seen_keys(step.inputs, sample, head, token, s_k)
    elif "mask" in step.inputs:
        mask = step.inputs["mask"]
        row = mask.stored[min(sample, mask.shape[0] - 1), min(token, mask.shape[1] - 1)]
        values = np.broadcast_to(Tensor(mask.dtype, row).to_float64(), s_k)
        seen, added = (values != 0.0, added) if mask.dtype == "bool" else (~np.isneginf(values), values)
    elif is_causal:  # aligned at the top left
        seen = np.arange(s_k) <= token
    return seen, added
