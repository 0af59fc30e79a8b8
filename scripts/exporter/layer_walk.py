"""What the truth, its localised form and the error budgets share: a layer's numbers in float64, its cache's slots, and
the arguments of each call. Each of them keeps its own kind of value in the slots."""

from __future__ import annotations

import numpy as np

from .case import Y_ABSENT, Y_IS_X, KVCache, Layer, RecordedStep
from .tensor import Tensor, from_array, round_to


class Slots:
    """The two buffers of an enabled cache, [batch_size, n_kv, max_seq_len, h_d]; zero until filled."""

    def __init__(self, layer: Layer, cache: KVCache) -> None:
        self.filled = 0
        self.k = np.zeros((cache.batch_size, layer.num_kv_heads, cache.max_seq_len, layer.head_dim))
        self.v = np.zeros_like(self.k)

    def append(self, k: np.ndarray, v: np.ndarray) -> None:
        end = self.filled + k.shape[2]
        self.k[:, :, self.filled : end] = k
        self.v[:, :, self.filled : end] = v
        self.filled = end


class LayerWalk:
    """Follows a layer from step to step."""

    def __init__(self, layer: Layer, weights: dict[str, Tensor], tables: dict[str, Tensor]) -> None:
        self.layer = layer
        self.weights = {name: tensor.to_float64() for name, tensor in weights.items()}
        self.tables = {name: tensor.to_float64() for name, tensor in tables.items()}
        self._empty_slots()

    def begin(self, step: RecordedStep) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """x, y (None if absent) and input_pos (None if not given) of a call; resets the cache if the step says so."""
        if step.reset_cache:
            self._empty_slots()
        x = step.inputs["x"].to_float64()
        positions = step.inputs["input_pos"].stored if "input_pos" in step.inputs else None
        if step.y == Y_ABSENT:
            return x, None, positions
        return x, x if step.y == Y_IS_X else step.inputs["y"].to_float64(), positions

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """What the next stage reads."""
        return round_to(values, self.layer.dtype)

    def by_head(self, values: np.ndarray) -> np.ndarray:
        """[b, s, n h_d] -> [b, n, s, h_d]."""
        return values.reshape(*values.shape[:2], -1, self.layer.head_dim).transpose(0, 2, 1, 3)

    def _empty_slots(self) -> None:
        cache = self.layer.kv_cache
        self.slots = Slots(self.layer, cache) if cache is not None and cache.enabled else None


def mask_of(step: RecordedStep) -> Tensor | None:
    """The mask of a call: as given, or bool [b, s, s] from seq_lens: each token sees its own document up to itself."""
    if "seq_lens" not in step.inputs:
        return step.inputs.get("mask")
    lengths = step.inputs["seq_lens"].stored
    document = np.stack([np.repeat(np.arange(row.size), row) for row in lengths])  # [b, s]
    return from_array((document[:, :, None] == document[:, None, :]) & np.tri(document.shape[1], dtype=bool))


def merged_heads(values: np.ndarray) -> np.ndarray:
    """[b, n, s, h_d] -> [b, s, n h_d], what output_proj reads."""
    b, _, s, _ = values.shape
    return values.transpose(0, 2, 1, 3).reshape(b, s, -1)
