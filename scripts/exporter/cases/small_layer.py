"""The layer that most small cases vary: four heads of width 8 on two key/value heads, rotary, causal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..case import Layer, RMSNorm, Rotary
from ..selected_inputs import selecting_width

MAX_SEQ_LEN = 64  # of the rotary table


def rotary(
    dim: int = 8, kind: str = "RotaryPositionalEmbeddings", max_seq_len: int = MAX_SEQ_LEN, **words: Any
) -> Rotary:
    """A positional embedding with the default base of its class."""
    bases = {"Llama3ScaledRoPE": 500_000.0, "Qwen2RotaryPositionalEmbeddings": 1_000_000.0}
    return Rotary(kind, dim, max_seq_len, **{"base": bases.get(kind, 10_000.0), **words})


def small_layer(**words: Any) -> Layer:
    """The layer with some of torchtune's constructor words changed."""
    layer = Layer(embed_dim=32, num_heads=4, num_kv_heads=2, head_dim=8, pos_embeddings=rotary())
    return replace(layer, **words)


def tiny_layer(**words: Any) -> Layer:
    """Four heads of width 4 on two key/value heads: a file of a few kilobytes."""
    return replace(Layer(embed_dim=8, num_heads=4, num_kv_heads=2, head_dim=4, pos_embeddings=rotary(4)), **words)


def normed_layer(eps: float = 1e-6, **words: Any) -> Layer:
    """The small layer with q_norm and k_norm."""
    layer = small_layer(**words)
    return replace(layer, q_norm=RMSNorm(layer.head_dim, eps), k_norm=RMSNorm(layer.head_dim, eps))


def selecting_layer(num_heads: int, num_kv_heads: int, head_dim: int, **words: Any) -> Layer:
    """A layer whose projections pick q, k and v out of x; no rotary embedding."""
    width = selecting_width(num_heads, num_kv_heads, head_dim)
    return Layer(width, num_heads, num_kv_heads, head_dim, **words)
