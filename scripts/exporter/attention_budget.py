"""The error budget of one row of attention; docs/criterion.md derives it."""

from __future__ import annotations

import numpy as np

from .error_budget import KAPPA, UNDERFLOW, U, half_ulp
from .tensor import FORMATS

SHARE_THAT_MATTERS = 2.0**-8  # of a row's weight, with the error that the key's logit may have


def weight_rounding(dtype: str) -> float:
    """u_P: of a softmax weight stored in the layer's dtype."""
    return 0.0 if dtype == "float32" else FORMATS[dtype].unit_roundoff


class AttentionRow:
    """One query q [h_d] on the n keys that it sees, k, v [n, h_d], of s_k; `added` [n] is the float mask's row."""

    def __init__(self, q: np.ndarray, k: np.ndarray, v: np.ndarray, added: np.ndarray, s_k: int, dtype: str) -> None:
        self.q, self.k, self.v = q, k, v
        self.scale = 1.0 / np.sqrt(q.size)
        score = self.scale * (k @ q)
        logits = score + added
        self.below_top = logits - np.max(logits, initial=-np.inf)
        weight = np.exp(self.below_top)
        self.log_p = self.below_top - np.log(np.sum(weight))
        self.p = weight / np.sum(weight)
        condition = self.scale * (np.abs(k) @ np.abs(q))
        # A mask so large that it swallows the score even in float64 makes the logit exact.
        self.exact = (added != 0.0) & (np.abs(added) + condition == np.abs(added))
        # Adding the mask rounds once: by u of the sum, and by no more than either term.
        addition = np.minimum(U * np.abs(logits), np.minimum(np.abs(added), np.abs(score)))
        self.logit_error = np.where(self.exact, 0.0, (np.sqrt(q.size) + 2.0) * U * condition + addition)
        of_sums = np.sqrt(_squared_groups(logits, s_k)) + np.sqrt(s_k) + 8.0
        self.c_s = of_sums * U + weight_rounding(dtype)
        # Of each product with a value, two of the division, and of each weight that is stored as a subnormal number.
        of_weights = half_ulp(np.zeros(()), dtype) * np.sum(np.abs(v), axis=0)
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
        error = self.logit_error + np.where(self.exact, 0.0, self.scale * KAPPA * brought)
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
