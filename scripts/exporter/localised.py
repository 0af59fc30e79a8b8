"""Each stage judged alone: value and error budget in float64 from torchtune's own recorded input of that stage."""

from __future__ import annotations

import numpy as np

from . import error_budget, truth
from .case import Y_ABSENT, Y_IS_X, Layer, RecordedStep
from .error_budget import half_ulp
from .tensor import Tensor

Judged = tuple[np.ndarray, np.ndarray]  # value, budget


class LocalisedTruth:
    """Stage name -> (value, budget) for one step after the other of one layer."""

    def __init__(self, layer: Layer, weights: dict[str, Tensor], tables: dict[str, Tensor]) -> None:
        self.layer = layer
        self.weights = {name: tensor.to_float64() for name, tensor in weights.items()}
        self.tables = {name: tensor.to_float64() for name, tensor in tables.items()}
        self.reset_cache()

    def reset_cache(self) -> None:
        cache, layer = self.layer.kv_cache, self.layer
        self.filled = 0
        if cache is not None and cache.enabled:
            shape = (cache.batch_size, layer.num_kv_heads, cache.max_seq_len, layer.head_dim)
            self.k_cache, self.v_cache = np.zeros(shape), np.zeros(shape)

    def forward(self, step: RecordedStep) -> dict[str, Judged]:
        if step.reset_cache:
            self.reset_cache()
        recorded = {name: tensor.to_float64() for name, tensor in step.expected.items()}
        x = step.inputs["x"].to_float64()
        positions = step.inputs["input_pos"].stored if "input_pos" in step.inputs else None
        judged: dict[str, Judged] = {}
        q = self._heads(judged, recorded, "q", x, positions)
        if step.y != Y_ABSENT:
            y = x if step.y == Y_IS_X else step.inputs["y"].to_float64()
            k = self._heads(judged, recorded, "k", y, positions)
            judged["v_proj"] = self._linear("v_proj", y)
            v = recorded["v_proj"].reshape(*y.shape[:2], -1, self.layer.head_dim).transpose(0, 2, 1, 3)
        if self.layer.kv_cache is not None and self.layer.kv_cache.enabled:
            if step.y != Y_ABSENT:
                self._update(k, v)
            for name, held in (("k_cache", self.k_cache), ("v_cache", self.v_cache)):
                judged[name] = held.copy(), np.zeros(held.shape)  # a copy has no rounding
            k, v = recorded["k_cache"], recorded["v_cache"]
        mask = step.inputs.get("mask")
        causal = truth.attends_causally(self.layer, mask)
        value = truth.attention(q, k, v, mask, causal)
        budget = error_budget.attention(q, k, v, mask, causal, self.layer.dtype)
        judged["attention"] = value, budget + half_ulp(value, self.layer.dtype)
        merged = recorded["attention"].transpose(0, 2, 1, 3).reshape(*x.shape[:2], -1)
        judged["output"] = self._linear("output_proj", merged)
        return judged

    def _linear(self, name: str, x: np.ndarray) -> Judged:
        weight, bias = self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias")
        value = truth.linear(x, weight, bias)
        return value, error_budget.linear(x, weight, bias) + half_ulp(value, self.layer.dtype)

    def _heads(
        self,
        judged: dict[str, Judged],
        recorded: dict[str, np.ndarray],
        letter: str,
        x: np.ndarray,
        positions: np.ndarray | None,
    ) -> np.ndarray:
        """Judges the projection, rotary embedding and norm of q or k; returns what attention reads [b, n, s, h_d]."""
        layer, (b, s, _) = self.layer, x.shape
        judged[f"{letter}_proj"] = self._linear(f"{letter}_proj", x)
        values = recorded[f"{letter}_proj"].reshape(b, s, -1, layer.head_dim)
        if layer.pos_embeddings is not None:
            judged[f"{letter}_rope"] = self._rotary(values, positions)
            values = recorded[f"{letter}_rope"]
        values = values.transpose(0, 2, 1, 3)
        norm = layer.q_norm if letter == "q" else layer.k_norm
        if norm is not None:
            y = truth.rms_norm(values, self.weights[f"{letter}_norm.scale"], norm.eps)
            judged[f"{letter}_norm"] = y, error_budget.rms_norm(y) + half_ulp(y, layer.dtype)
            values = recorded[f"{letter}_norm"]
        return values

    def _rotary(self, x: np.ndarray, positions: np.ndarray | None) -> Judged:
        embedding, dtype = self.layer.pos_embeddings, self.layer.dtype
        rows = truth.position_rows(positions, x.shape[1], embedding.max_seq_len)
        cos, sin = truth.rotary_factors(self.tables, rows, embedding, dtype)
        value = truth.rotary(x, cos, sin, embedding, dtype)
        a, b = (np.abs(part) for part in truth.split_pairs(x, embedding.kind))
        sizes = truth.join_pairs(a * np.abs(cos) + b * np.abs(sin), b * np.abs(cos) + a * np.abs(sin), embedding.kind)
        return value, error_budget.rotary(sizes) + half_ulp(value, dtype)

    def _update(self, k: np.ndarray, v: np.ndarray) -> None:
        end = self.filled + k.shape[2]
        self.k_cache[:, :, self.filled : end] = k
        self.v_cache[:, :, self.filled : end] = v
        self.filled = end
