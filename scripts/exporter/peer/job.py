"""The work that `attest profile` times, as one line of JSON from harness/profile/peer_process.cpp describes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torchtune.modules import MultiHeadAttention

from .. import case, generator
from ..layer import build_layer
from ..read_case import read_case
from ..tensor import Generated, Tensor
from ..torch_tensors import to_torch

CHUNK = 512  # tokens a step that fills the cache, as in harness/profile/layer_work.cpp


def rotated_and_normed(
    module: MultiHeadAttention, heads: torch.Tensor, norm: str = "k_norm", positions: torch.Tensor | None = None
) -> torch.Tensor:
    """What torchtune's forward does between a projection and attention: [b, s, n, h_d] -> [b, n, s, h_d]."""
    if module.pos_embeddings is not None:
        heads = module.pos_embeddings(heads, input_pos=positions)
    heads = heads.transpose(1, 2)
    norm_module = getattr(module, norm)
    return heads if norm_module is None else norm_module(heads)


class Job:
    """Layer, inputs and cache contents, the same numbers as on the other side."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.kind: str = job["kind"]
        self.documents: int = job["documents"]
        self.length: int = job["length"]
        self.slots: int = job["slots"]
        self.batch: int = job["batch"]
        self.others: int = job["others"]  # tokens of y, where that is not x
        self.tokens = self.documents * self.length
        self.filled = self.slots - 1 if self.kind == "decode" else 0
        self._job = job

    def x(self) -> torch.Tensor:
        """[b, tokens, d]"""
        return self._activations(0, self.batch, self.tokens, self.layer.embed_dim)

    def y(self) -> torch.Tensor:
        """[b, others, d]: the other sequence of cross-attention"""
        return self._activations(1, self.batch, self.others, self.layer.embed_dim)

    def queries_keys_values(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of the attention alone: [b, n_h, s, h_d], then [b, n_kv, s, h_d] twice."""
        n, n_kv, h_d = self.layer.num_heads, self.layer.num_kv_heads, self.layer.head_dim
        heads = enumerate((n, n_kv, n_kv))
        q, k, v = (self._activations(number, self.batch, count, self.length, h_d) for number, count in heads)
        return q, k, v

    @cached_property
    def layer(self) -> case.Layer:
        """As the work needs it: with a cache or without, causal or, for cross-attention, neither that nor rotary."""
        longest = max(self.length, self.slots, CHUNK)
        layer = self._recorded.layer if self._recorded else self._named()
        rotary = layer.pos_embeddings
        return replace(
            layer,
            pos_embeddings=None if rotary is None or self.kind == "cross" else replace(rotary, max_seq_len=longest),
            kv_cache=case.KVCache(self.batch, self.slots) if self.slots else None,
            max_seq_len=longest,
            is_causal=self.kind != "cross",
        )

    def module(self) -> MultiHeadAttention:
        if self._recorded:
            return build_layer(self.layer, self._recorded.weights)
        shapes = self.layer.weight_shapes()
        weights = {
            weight["name"]: self._generated(weight["stream"], weight["exponent"], shapes[weight["name"]])
            for weight in self._job["weights"]
        }
        return build_layer(self.layer, weights)

    @cached_property
    def _recorded(self) -> case.RecordedCase | None:
        """The case whose layer it is, or None for a named one."""
        return read_case(Path(self._job["case_file"])) if self._job["case_file"] else None

    def _named(self) -> case.Layer:
        rotary = self._job["pos_embeddings"]
        return case.Layer(**self._job["layer"], pos_embeddings=rotary and case.Rotary(max_seq_len=0, **rotary))

    def positions(self) -> torch.Tensor:
        """[1, tokens]: packed documents count from their own begin."""
        return (self.filled + torch.arange(self.tokens) % self.length)[None]

    def mask(self) -> torch.Tensor:
        """As torchtune's recipes make it, [1, tokens, keys]: causal in a cache, block-causal for packed documents."""
        key = torch.arange(self.slots or self.tokens)[None, :]
        row = torch.arange(self.tokens)[:, None]
        return ((key >= row // self.length * self.length) & (key <= self.filled + row))[None]

    def cached(self, module: MultiHeadAttention) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Keys and values [b, n_kv, s, h_d] that fill the cache before the timed call."""
        d, h_d, stream = self.layer.embed_dim, self.layer.head_dim, self._job["stream_of_cached"]
        for number, first in enumerate(range(0, self.filled, CHUNK)):
            count = min(CHUNK, self.filled - first)
            y = to_torch(self._generated(stream + number, self._job["activation_exponent"], (self.batch, count, d)))
            heads = (self.batch, count, -1, h_d)
            yield rotated_and_normed(module, module.k_proj(y).view(heads)), module.v_proj(y).view(heads).transpose(1, 2)

    def _activations(self, number: int, *shape: int) -> torch.Tensor:
        stream = self._job["stream_of_x"] + number
        return to_torch(self._generated(stream, self._job["activation_exponent"], shape))

    def _generated(self, stream: int, exponent: int, shape: tuple[int, ...]) -> Tensor:
        return generator.generate(Generated(self._job["seed"], stream, exponent), shape, "float32")
