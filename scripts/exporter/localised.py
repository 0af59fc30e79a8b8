"""Each stage judged alone: value and error budget in float64 from torchtune's own recorded input of that stage."""

from __future__ import annotations

import numpy as np

from . import error_budget, truth
from .case import RecordedStep, Rotary
from .error_budget import stored
from .layer_walk import LayerWalk, mask_of, merged_heads

Judged = tuple[np.ndarray, np.ndarray]  # value, budget


class LocalisedTruth(LayerWalk):
    """Stage name -> (value, budget) for one step after the other of one layer."""

    def forward(self, step: RecordedStep) -> dict[str, Judged]:
        x, y, positions = self.begin(step)
        recorded = {name: tensor.to_float64() for name, tensor in step.expected.items()}
        judged: dict[str, Judged] = {}
        q = self._heads(judged, recorded, "q", x, positions)
        k = v = truth.NOTHING
        if y is not None:
            k = self._heads(judged, recorded, "k", y, positions)
            judged["v_proj"] = self._linear("v_proj", y)
            v = self.by_head(recorded["v_proj"])
        if self.slots is not None:
            if y is not None:
                self.slots.append(k, v)
            for name, held in (("k_cache", self.slots.k), ("v_cache", self.slots.v)):
                judged[name] = held.copy(), np.zeros(held.shape)  # a copy has no rounding
            k, v = recorded["k_cache"], recorded["v_cache"]
        mask = mask_of(step)
        causal = truth.attends_causally(self.layer, mask)
        value = truth.attention(q, k, v, mask, causal)
        budget = error_budget.attention(q, k, v, mask, causal, self.layer.dtype)
        judged["attention"] = value, stored(budget, value, self.layer.dtype)
        judged["output"] = self._linear("output_proj", merged_heads(recorded["attention"]))
        return judged

    def _linear(self, name: str, x: np.ndarray) -> Judged:
        weight, bias = self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias")
        value = truth.linear(x, weight, bias)
        return value, stored(error_budget.linear(x, weight, bias), value, self.layer.dtype)

    def _heads(
        self,
        judged: dict[str, Judged],
        recorded: dict[str, np.ndarray],
        letter: str,
        x: np.ndarray,
        positions: np.ndarray | None,
    ) -> np.ndarray:
        """Judges the projection, rotary embedding and norm of q or k; returns what attention reads [b, n, s, h_d]."""
        layer = self.layer
        judged[f"{letter}_proj"] = self._linear(f"{letter}_proj", x)
        values = self.by_head(recorded[f"{letter}_proj"])
        if layer.pos_embeddings is not None:
            judged[f"{letter}_rope"] = self._rotary(layer.pos_embeddings, values.transpose(0, 2, 1, 3), positions)
            values = recorded[f"{letter}_rope"].transpose(0, 2, 1, 3)
        norm = layer.q_norm if letter == "q" else layer.k_norm
        if norm is not None:
            y = truth.rms_norm(values, self.weights[f"{letter}_norm.scale"], norm.eps)
            judged[f"{letter}_norm"] = y, stored(error_budget.rms_norm(y), y, layer.dtype)
            values = recorded[f"{letter}_norm"]
        return values

    def _rotary(self, embedding: Rotary, x: np.ndarray, positions: np.ndarray | None) -> Judged:
        dtype = self.layer.dtype
        rows = truth.position_rows(positions, x.shape[1], embedding.max_seq_len)
        cos, sin = truth.rotary_factors(self.tables, rows, embedding, dtype)
        value = truth.rotary(x, cos, sin, embedding, dtype)
        a, b = (np.abs(part) for part in truth.split_pairs(x, embedding.kind))
        sizes = truth.join_pairs(a * np.abs(cos) + b * np.abs(sin), b * np.abs(cos) + a * np.abs(sin), embedding.kind)
        return value, stored(error_budget.rotary(sizes), value, dtype)
