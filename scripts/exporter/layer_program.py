"""torchtune's MultiHeadAttention.forward, line by line, over whatever a reader takes for the layer's numbers: the only
place that knows the order of its stages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import numpy as np

from .case import Y_ABSENT, Y_IS_X, RecordedStep
from .layer_formulas import Formula, LayerFormulas

V = TypeVar("V")  # what flows from stage to stage, such as a value with its budget


class Reader(Protocol[V]):
    """Reads one call."""

    def exact(self, values: np.ndarray) -> V:
        """x or y."""

    def stage(self, name: str, formula: Formula, *inputs: V) -> V:
        """What the next stage reads of this one."""

    def moved(self, move: Callable[..., np.ndarray], *inputs: V) -> V:
        """Elements in other places, none computed."""

    def empty_slots(self, shape: tuple[int, ...]) -> V:
        """A buffer of the cache."""

    def cache(self, name: str, slots: V) -> V:
        """A buffer of the cache as a stage of its own."""


class LayerProgram(Generic[V]):
    """Follows a layer from call to call, with its cache."""

    def __init__(self, layer: LayerFormulas) -> None:
        self._layer = layer
        self._filled = 0
        self._slots: list[V] = []  # k and v of an enabled cache, from the first call on

    def forward(self, step: RecordedStep, read: Reader[V]) -> None:
        layer, shape = self._layer, self._layer.cache_shape
        if shape is not None and (step.reset_cache or not self._slots):
            self._filled, self._slots = 0, [read.empty_slots(shape), read.empty_slots(shape)]
        x = read.exact(step.inputs["x"].to_float64())
        # q = self.q_proj(x), ...
        q = self._heads("q", x, step, read)
        # if y is None: k = self.kv_cache.k_cache, v = self.kv_cache.v_cache
        if step.y != Y_ABSENT:
            source = step.inputs["x" if step.y == Y_IS_X else "y"]
            y = read.exact(source.to_float64())
            # k = self.k_proj(y), ...
            k = self._heads("k", y, step, read)
            # v = self.v_proj(y)
            v = read.stage("v_proj", layer.projections["v_proj"], y)
            # v = v.view(b, s_y, -1, self.head_dim)
            v = read.moved(self._split_heads, v)
            # v = v.transpose(1, 2)
            v = read.moved(transpose_1_2, v)
            # k, v = self.kv_cache.update(k, v)
            if self._slots:
                self._slots = [read.moved(self._written, *each) for each in zip(self._slots, (k, v), strict=True)]
                self._filled += source.shape[1]
        if self._slots:
            k, v = read.cache("k_cache", self._slots[0]), read.cache("v_cache", self._slots[1])
        # output = self._attention_call(q, k, v, mask=mask, is_causal=...); k and v are expanded by indexing
        output = read.stage("attention", layer.attention(step), q, k, v)
        # output = output.transpose(1, 2).contiguous().view(b, s_x, -1)
        output = read.moved(merge_heads, output)
        # return self.output_proj(output)
        read.stage("output", layer.projections["output_proj"], output)

    def _heads(self, letter: str, x: V, step: RecordedStep, read: Reader[V]) -> V:
        """q, or k in its place, [b, n, s, h_d] as attention reads it."""
        layer, proj, rope, norm = self._layer, f"{letter}_proj", f"{letter}_rope", f"{letter}_norm"
        # q = self.q_proj(x)
        q = read.stage(proj, layer.projections[proj], x)
        # q = q.view(b, s_x, self.num_kv_heads * q_per_kv, self.head_dim)
        q = read.moved(self._split_heads, q)
        norm_first = layer.config.norm_order == "before_pos_embeddings"
        if norm in layer.norms and norm_first:
            # Qwen3Attention: q = q.transpose(1, 2); q = self.q_norm(q); q = q.transpose(1, 2)
            q = read.stage(norm, layer.norms[norm], read.moved(transpose_1_2, q))
            q = read.moved(transpose_1_2, q)
        # if self.pos_embeddings is not None: q = self.pos_embeddings(q, input_pos=input_pos)
        if (rotation := layer.pos_embeddings(step)) is not None:
            q = read.stage(rope, rotation, q)
        # q = q.transpose(1, 2)
        q = read.moved(transpose_1_2, q)
        # if self.q_norm is not None: q = self.q_norm(q)
        if norm in layer.norms and not norm_first:
            q = read.stage(norm, layer.norms[norm], q)
        return q

    def _split_heads(self, values: np.ndarray) -> np.ndarray:
        """[b, s, n h_d] -> [b, s, n, h_d]."""
        return values.reshape(*values.shape[:2], -1, self._layer.config.head_dim)

    def _written(self, slots: np.ndarray, new: np.ndarray) -> np.ndarray:
        """[b, n_kv, max_seq_len, h_d] with new [b, n_kv, s, h_d] in the first empty slots."""
        slots = slots.copy()
        slots[:, :, self._filled : self._filled + new.shape[2]] = new
        return slots


def transpose_1_2(values: np.ndarray) -> np.ndarray:
    """[b, s, n, h_d] -> [b, n, s, h_d], and back."""
    return values.swapaxes(1, 2)


def merge_heads(values: np.ndarray) -> np.ndarray:
    """[b, n, s, h_d] -> [b, s, n h_d]; of sampled rows [r, n, h_d] -> [r, n h_d]."""
    by_token = np.moveaxis(values, 1, -2)
    return by_token.reshape(*by_token.shape[:-2], -1)
