"""Scaled dot product attention, row by row. A hidden key is not read at all: NaN in it has no effect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .attention_budget import AttentionRow
from .case import RecordedStep
from .error_budget import Budget
from .tensor import Tensor

Index = tuple[int, ...]


def attention_row(q: np.ndarray, k: np.ndarray, v: np.ndarray, added: np.ndarray) -> np.ndarray:
    """y [h_d] of one query over its visible keys k, v [n, h_d]; exactly 0 where there is none."""
    if len(k) == 0:
        return np.zeros(v.shape[-1])
    score = k @ q / np.sqrt(q.size) + added
    weight = np.exp(score - np.max(score))
    return weight @ v / np.sum(weight)


@dataclass(frozen=True)
class Attention:
    """y [b, n_h, s_x, h_d] from q as y and k, v [b, n_kv, s_k, h_d], of which head h reads h // (n_h / n_kv). Of a
    sampled step [r, n_h, h_d], whose q, k and v are exact in every kernel."""

    step: RecordedStep
    is_causal: bool  # where the step has no mask
    dtype: str

    def value(self, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        y = np.empty(q.shape if self.step.rows is None else (len(self.step.rows.stored), *q.shape[1::2]))
        for row, query, of_keys, seen, added in self._rows(q, k):
            y[row] = attention_row(q[query], k[of_keys][seen], v[of_keys][seen], added)
        return y

    def budget(self, y: np.ndarray, q: np.ndarray, k: np.ndarray, v: np.ndarray, *errors: np.ndarray) -> Budget:
        """`errors`: end to end, the budgets of q, k and v."""
        limit, condition = np.empty(y.shape), np.zeros(y.shape[:-1])
        exact = not errors or self.step.rows is not None
        for row, query, of_keys, seen, added in self._rows(q, k):
            terms = AttentionRow(q[query], k[of_keys][seen], v[of_keys][seen], added, k.shape[2], self.dtype)
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
