"""Builds a real torchtune.modules.MultiHeadAttention as torchtune's recipes do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import nn
from torchtune.models.llama3_1 import Llama3ScaledRoPE
from torchtune.models.phi3 import Phi3RotaryPositionalEmbeddings
from torchtune.models.qwen2 import Qwen2RotaryPositionalEmbeddings
from torchtune.modules import KVCache, MultiHeadAttention, RMSNorm, RotaryPositionalEmbeddings

from . import case
from .block_masks import torchtune_takes_block_masks
from .tensor import Tensor
from .torch_tensors import DTYPES, from_torch, to_torch

ROTARY = {
    "RotaryPositionalEmbeddings": RotaryPositionalEmbeddings,
    "Phi3RotaryPositionalEmbeddings": Phi3RotaryPositionalEmbeddings,
    "Qwen2RotaryPositionalEmbeddings": Qwen2RotaryPositionalEmbeddings,
    "Llama3ScaledRoPE": Llama3ScaledRoPE,
}


class NormedProjection(nn.Module):
    """A projection whose heads are normalised before MultiHeadAttention sees them, so before it rotates them: the order
    of Qwen3Attention, which torchtune 0.6.1 does not have yet, out of 0.6.1's own modules and forward."""

    def __init__(self, projection: nn.Linear, norm: RMSNorm, head_dim: int) -> None:
        super().__init__()
        self.projection, self.norm, self._head_dim = projection, norm, head_dim

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heads = self.projection(x).unflatten(-1, (-1, self._head_dim)).transpose(1, 2)
        normed: torch.Tensor = self.norm(heads)
        return normed.transpose(1, 2).flatten(-2)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """torchtune's recipes build a module under the wanted default dtype; its rotary tables stay float32 that way."""
    previous = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(previous)


def build_layer(layer: case.Layer, weights: dict[str, Tensor]) -> MultiHeadAttention:
    """A layer in evaluation mode (unless `training`) with the given parameters. Raises what torchtune raises."""
    dtype = DTYPES[layer.dtype]
    with default_dtype(dtype), torchtune_takes_block_masks() if layer.flex_attention else nullcontext():
        module = _construct(layer)
    module.load_state_dict({name: to_torch(tensor) for name, tensor in weights.items()}, strict=True)
    if layer.kv_cache is not None and layer.kv_cache.enabled:
        module.setup_cache(layer.kv_cache.batch_size, dtype, layer.kv_cache.max_seq_len)
    if layer.norm_order == "before_pos_embeddings":
        _normalise_first(module)
    return module.train(layer.training)


def _normalise_first(module: MultiHeadAttention) -> None:
    for letter in "qk":
        projection, norm = getattr(module, f"{letter}_proj"), getattr(module, f"{letter}_norm")
        setattr(module, f"{letter}_proj", NormedProjection(projection, norm, module.head_dim))
        setattr(module, f"{letter}_norm", None)


def stage_modules(module: MultiHeadAttention) -> dict[str, nn.Module]:
    """The modules whose outputs are stages, by the stages' names. The rotary embedding is two stages', and apart."""
    modules = {name: getattr(module, name) for name in ("q_proj", "k_proj", "v_proj", "q_norm", "k_norm")}
    for letter in "qk":
        if isinstance(normed := modules[f"{letter}_proj"], NormedProjection):
            modules |= {f"{letter}_proj": normed.projection, f"{letter}_norm": normed.norm}
    return {name: part for name, part in modules.items() if part is not None} | {"output": module.output_proj}


def rotary_tables(module: MultiHeadAttention, rows: int) -> dict[str, Tensor]:
    """theta [dim/2] and the first rows of cos and sin [rows, dim/2], as torchtune's module holds them."""
    rotary = module.pos_embeddings
    if rotary is None:
        return {}
    half = rotary.dim // 2
    if rotary.cache.dim() == 3:  # [max_seq_len, dim/2, (cos, sin)]
        cos, sin = rotary.cache[:rows, :, 0], rotary.cache[:rows, :, 1]
    else:  # [max_seq_len, cos cos sin sin]
        cos, sin = rotary.cache[:rows, :half], rotary.cache[:rows, rotary.dim : rotary.dim + half]
    return {"theta": from_torch(rotary.theta), "cos": from_torch(cos), "sin": from_torch(sin)}


def _construct(layer: case.Layer) -> MultiHeadAttention:
    return MultiHeadAttention(
        embed_dim=layer.embed_dim,
        num_heads=layer.num_heads,
        num_kv_heads=layer.num_kv_heads,
        head_dim=layer.head_dim,
        **{name: _linear(layer.projection(name)) for name in case.PROJECTIONS},
        pos_embeddings=_rotary(layer.pos_embeddings),
        q_norm=_norm(layer.q_norm),
        k_norm=_norm(layer.k_norm),
        kv_cache=_constructor_cache(layer),
        max_seq_len=layer.max_seq_len,
        is_causal=layer.is_causal,
        attn_dropout=layer.attn_dropout,
    )


def _linear(linear: case.Linear) -> nn.Linear:
    return nn.Linear(linear.in_features, linear.out_features, bias=linear.bias)


def _norm(norm: case.RMSNorm | None) -> RMSNorm | None:
    return None if norm is None else RMSNorm(norm.dim, norm.eps)


def _constructor_cache(layer: case.Layer) -> KVCache | None:
    cache = layer.kv_cache
    if cache is None or cache.enabled:
        return None
    return KVCache(cache.batch_size, cache.max_seq_len, layer.num_kv_heads, layer.head_dim, DTYPES[layer.dtype])


def _rotary(rotary: case.Rotary | None) -> nn.Module | None:
    return None if rotary is None else ROTARY[rotary.kind](**rotary.words())
