"""Reads a layer's configuration from one of torchtune's own model builders, without allocating its weights."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import torch
from torchtune.modules import MultiHeadAttention

from . import case


def layer_from_builder(builder: str, **changes: Any) -> case.Layer:
    """The first attention layer of e.g. "llama3_1.llama3_1_8b" below torchtune.models, with some words changed."""
    package, function = builder.split(".")
    with torch.device("meta"):
        model = getattr(importlib.import_module(f"torchtune.models.{package}"), function)()
    attention = next(module for module in model.modules() if isinstance(module, MultiHeadAttention))
    layer = case.Layer(
        embed_dim=attention.embed_dim,
        num_heads=attention.num_heads,
        num_kv_heads=attention.num_kv_heads,
        head_dim=attention.head_dim,
        bias="".join(name[0] for name in case.PROJECTIONS if getattr(attention, name).bias is not None),
        pos_embeddings=_rotary(attention.pos_embeddings),
        q_norm=_norm(attention.q_norm),
        k_norm=_norm(attention.k_norm),
        max_seq_len=attention.max_seq_len,
        is_causal=attention.is_causal,
        attn_dropout=attention.attn_dropout,
        output_features=attention.output_proj.out_features,
    )
    return replace(layer, **changes)


def _rotary(rotary: Any) -> case.Rotary | None:
    if rotary is None:
        return None
    facts = {"dim": rotary.dim, "max_seq_len": rotary.max_seq_len, "base": float(rotary.base)}
    if type(rotary).__name__ == "Llama3ScaledRoPE":
        facts |= {
            "scale_factor": float(rotary.scale_factor),
            "low_freq_factor": float(rotary.low_freq_factor),
            "high_freq_factor": float(rotary.high_freq_factor),
            "old_context_len": rotary.old_context_len,
        }
    return case.Rotary(type(rotary).__name__, **facts)


def _norm(norm: Any) -> case.RMSNorm | None:
    return None if norm is None else case.RMSNorm(norm.normalized_shape[0], norm.eps)
