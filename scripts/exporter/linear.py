"""A projection and its error budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .error_budget import KAPPA, UNDERFLOW, Budget, U


@dataclass(frozen=True)
class Linear:
    weight: np.ndarray  # [out, in]
    bias: np.ndarray | None  # [out]

    def value(self, x: np.ndarray) -> np.ndarray:
        """y [..., out] = x [..., in] W^T + bias."""
        y = x @ self.weight.T
        return y if self.bias is None else y + self.bias

    def budget(self, _: np.ndarray, x: np.ndarray, dx: np.ndarray | None = None) -> Budget:
        """(sqrt(K) + 2) u sum |x w| + u |bias|, an underflow a product, and kappa sqrt(sum (w dx)^2)."""
        in_features = self.weight.shape[1]
        limit = (np.sqrt(in_features) + 2.0) * U * (np.abs(x) @ np.abs(self.weight).T) + in_features * UNDERFLOW
        if self.bias is not None:
            limit += U * np.abs(self.bias)
        if dx is not None:
            limit += KAPPA * np.sqrt(np.square(dx) @ np.square(self.weight).T)
        return Budget(limit)
