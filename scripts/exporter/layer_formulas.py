"""A layer's modules as formulas: what each stage computes in float64, and how far a kernel may be from it."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np

from .attention import Attention
from .case import PROJECTIONS, Layer, RecordedCase, RecordedStep
from .error_budget import Budget
from .linear import Linear
from .rms_norm import RMSNorm
from .rotary import Rotation


class Formula(Protocol):
    def value(self, *inputs: Any) -> np.ndarray:
        """Before the last rounding."""

    def budget(self, y: np.ndarray, *inputs_then_their_errors: Any) -> Budget:
        """Without what storing y costs. Inputs whose errors are not given are exact."""


class LayerFormulas:
    """By torchtune's names. Where the constructor raises, a case has no weights, and nobody asks for formulas."""

    def __init__(self, case: RecordedCase) -> None:
        self.config: Layer = case.layer
        self._weights = {name: tensor.to_float64() for name, tensor in case.weights.items()}
        self._tables = {name: tensor.to_float64() for name, tensor in case.tables.items()}

    @cached_property
    def projections(self) -> dict[str, Linear]:
        weights = self._weights
        return {name: Linear(weights[f"{name}.weight"], weights.get(f"{name}.bias")) for name in PROJECTIONS}

    @cached_property
    def norms(self) -> dict[str, RMSNorm]:
        """Those that the layer has."""
        parts = {"q_norm": self.config.q_norm, "k_norm": self.config.k_norm}
        return {name: RMSNorm(self._weights[f"{name}.scale"], part.eps) for name, part in parts.items() if part}

    @property
    def cache_shape(self) -> tuple[int, ...] | None:
        """[batch_size, n_kv, max_seq_len, h_d] of an enabled cache's buffers."""
        cache, layer = self.config.kv_cache, self.config
        if cache is None or not cache.enabled:
            return None
        return cache.batch_size, layer.num_kv_heads, cache.max_seq_len, layer.head_dim

    def pos_embeddings(self, step: RecordedStep) -> Rotation | None:
        positions, embedding = step.inputs.get("input_pos"), self.config.pos_embeddings
        if embedding is None:
            return None
        return Rotation(embedding, self._tables, positions.stored if positions else None, self.config.dtype)

    def attention(self, step: RecordedStep) -> Attention:
        """torchtune attends causally without a cache object, enabled or not, and without a mask."""
        layer = self.config
        dropout_p = layer.attn_dropout if layer.training else 0.0
        return Attention(step, layer.kv_cache is None and layer.is_causal, layer.dtype, layer.scale, dropout_p)
