"""RMSNorm and its error budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .error_budget import KAPPA, UNDERFLOW, Budget, U


@dataclass(frozen=True)
class RMSNorm:
    scale: np.ndarray  # [h_d]
    eps: float

    def value(self, x: np.ndarray) -> np.ndarray:
        """y [..., h_d] = x / sqrt(mean(x^2) + eps) scale."""
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.eps) * self.scale

    def budget(self, y: np.ndarray, x: np.ndarray, dx: np.ndarray | None = None) -> Budget:
        """(sqrt(h_d) + 8) u |y|, and an underflow for each of the two products."""
        limit = (np.sqrt(x.shape[-1]) + 8.0) * U * np.abs(y) + UNDERFLOW * (1.0 + np.abs(self.scale))
        return Budget(limit if dx is None else limit + KAPPA * self._brought(x, dx))

    def _brought(self, x: np.ndarray, dx: np.ndarray) -> np.ndarray:
        """dy = scale r (dx - n mean(n dx)), n = x r, r = 1 / sqrt(mean(x^2) + eps): dx_i counts 1 - n_i^2 / h_d."""
        h_d = x.shape[-1]
        r = 1.0 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.eps)
        n = x * r
        squares = np.square(n * dx)
        others = np.square(n / h_d) * (np.sum(squares, axis=-1, keepdims=True) - squares)
        own = np.square((1.0 - np.square(n) / h_d) * dx)
        return np.abs(self.scale) * r * np.sqrt(own + np.maximum(others, 0.0))
