"""A rotary embedding and its error budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .case import Rotary
from .error_budget import KAPPA, UNDERFLOW, Budget, U
from .tensor import half_ulp, round_to

QWEN2 = "Qwen2RotaryPositionalEmbeddings"
INTERLEAVED = {  # torchtune's class -> whether channels 2i and 2i + 1 form a pair, or i and i + h_d/2
    "RotaryPositionalEmbeddings": True,
    "Llama3ScaledRoPE": True,
    "Phi3RotaryPositionalEmbeddings": False,
    QWEN2: False,
}


def position_rows(input_pos: np.ndarray | None, s: int, max_seq_len: int) -> np.ndarray:
    """[1 or b, s]: the table row of each token, as torchtune's `cache[input_pos].view(-1, s, ...)` reads it."""
    positions = np.arange(s) if input_pos is None else input_pos
    return np.where(positions < 0, positions + max_seq_len, positions).reshape(-1, s)


def split_pairs(x: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The two members of each rotated pair, [..., h_d/2] each."""
    half = x.shape[-1] // 2
    return (x[..., 0::2], x[..., 1::2]) if INTERLEAVED[kind] else (x[..., :half], x[..., half:])


def join_pairs(first: np.ndarray, second: np.ndarray, kind: str) -> np.ndarray:
    """The inverse of split_pairs."""
    if INTERLEAVED[kind]:
        return np.stack([first, second], axis=-1).reshape(*first.shape[:-1], -1)
    return np.concatenate([first, second], axis=-1)


@dataclass(frozen=True)
class Rotation:
    """The embedding at the positions of one call, [s], [1, s] or [b, s]; at 0, 1, ... where none are given. x and y are
    [b, s, n, h_d]."""

    embedding: Rotary
    tables: dict[str, np.ndarray]  # cos and sin [rows, h_d/2]
    input_pos: np.ndarray | None
    dtype: str

    @property
    def product_dtype(self) -> str:
        """Qwen2 rounds its tables and each product to the dtype of x; the others compute in float32."""
        return self.dtype if self.embedding.kind == QWEN2 else "float32"

    def value(self, x: np.ndarray) -> np.ndarray:
        """(a, b) -> (a cos - b sin, b cos + a sin)."""
        a_cos, b_sin, b_cos, a_sin = (round_to(product, self.product_dtype) for product in self._products(x))
        return join_pairs(a_cos - b_sin, b_cos + a_sin, self.embedding.kind)

    def budget(self, _: np.ndarray, x: np.ndarray, dx: np.ndarray | None = None) -> Budget:
        """2 u (|a cos| + |b sin|), an underflow for each of the two, and kappa times what dx brings along."""
        products = [np.abs(product) for product in self._products(x)]
        limit = 2.0 * (U * self._sums(products) + UNDERFLOW)
        if dx is not None:
            moved = [np.abs(product) for product in self._products(dx)]
            variances = [self._variance(*pair) for pair in zip(products, moved, strict=True)]
            limit += KAPPA * np.sqrt(self._sums(variances))
        return Budget(limit)

    def _variance(self, product: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """Where a product is rounded to 16 bits, its rounding moves too: as `stored`, at the far end."""
        if self.product_dtype == "float32":
            return np.square(moved)
        return np.square(moved) + np.square(half_ulp(product + moved, self.product_dtype))

    def _products(self, x: np.ndarray) -> list[np.ndarray]:
        """a cos, b sin, b cos, a sin."""
        rows = position_rows(self.input_pos, x.shape[1], self.embedding.max_seq_len)
        cos, sin = (round_to(self.tables[name][rows][:, :, None, :], self.product_dtype) for name in ("cos", "sin"))
        a, b = split_pairs(x, self.embedding.kind)
        return [a * cos, b * sin, b * cos, a * sin]

    def _sums(self, products: list[np.ndarray]) -> np.ndarray:
        return join_pairs(products[0] + products[1], products[2] + products[3], self.embedding.kind)
