"""What is recorded of torchtune beside its modules: block masks, what a dropout keeps, the order of Qwen3's norm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torchtune", reason="torch is not installed here")

import torch
from exporter import block_masks
from exporter.case import RecordedStep
from exporter.cases.block_masks import documents
from exporter.cases.norms import qwen3_layer
from exporter.layer import NormedProjection, build_layer
from exporter.recording import TorchAttention
from exporter.tensor import Tensor, from_array
from exporter.torch_tensors import from_torch, to_torch
from torch import nn
from torchtune.modules.attention_utils import packed_block_causal_mask

LENGTHS = ((70, 1, 129, 40, 60), (128, 64, 108))


def dense_of(inputs: Mapping[str, Tensor], s_x: int, s_k: int) -> np.ndarray:
    counts = inputs["kv_num_blocks"]
    b, n_h = counts.shape[:2]
    rows = [
        block_masks.seen_keys(inputs, sample, head, token, s_k)
        for sample in range(b)
        for head in range(n_h)
        for token in range(s_x)
    ]
    return np.array(rows).reshape(b, n_h, s_x, s_k)


@pytest.mark.parametrize("size", [(128, 128), (64, 64), (64, 128)])
def test_the_blocks_of_a_mask_show_what_it_shows(size: tuple[int, int]) -> None:
    dense = documents(*LENGTHS)
    assert np.array_equal(dense_of(block_masks.tensors_of(dense, size), 300, 300), dense)


def test_documents_are_those_of_torchtunes_own_mask() -> None:
    theirs = packed_block_causal_mask([torch.tensor(lengths) for lengths in LENGTHS])
    assert np.array_equal(theirs.numpy(), documents(*LENGTHS)[:, 0])


def test_the_weights_that_a_dropout_keeps_give_its_output_again() -> None:
    q, k, v = (torch.randn(2, 3, 11, 8) for _ in range(3))
    words: dict[str, Any] = {"attn_mask": None, "dropout_p": 0.3, "is_causal": True}
    step = RecordedStep(False, "x", {})
    drawn = TorchAttention(step, None)(q, k, v, **words)
    assert step.inputs["keep"].shape == (2, 3, 11, 11)
    again = TorchAttention(step, None)(q, k, v, **words)
    torch.testing.assert_close(again, drawn, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_torch_keeps_each_weight_with_the_same_chance_whatever_its_neighbour(p: float) -> None:
    torch.manual_seed(20240913)
    step = RecordedStep(False, "x", {})
    q = torch.zeros(1, 4, 500, 1)
    TorchAttention(step, None)(q, q, q, attn_mask=None, dropout_p=p, is_causal=False)
    keep = step.inputs["keep"].stored.astype(np.float64)
    deviation = math.sqrt(p * (1 - p) / keep.size)
    assert abs(keep.mean() - (1 - p)) < 5 * deviation
    centred = keep - (1 - p)
    for axis in (1, 2, 3):  # heads, tokens and keys are drawn apart
        neighbours = np.mean(centred * np.roll(centred, 1, axis)) / (p * (1 - p))
        assert abs(neighbours) < 5 / math.sqrt(keep.size)


def test_a_dropout_without_chance_is_not_recorded() -> None:
    q, step = torch.randn(1, 1, 3, 4), RecordedStep(False, "x", {})
    TorchAttention(step, None)(q, q, q, attn_mask=None, dropout_p=0.0, is_causal=False)
    assert step.inputs == {}


def test_the_scale_is_handed_to_torch() -> None:
    q, step = torch.randn(1, 1, 3, 4), RecordedStep(False, "x", {})
    words: dict[str, Any] = {"attn_mask": None, "dropout_p": 0.0, "is_causal": False}
    expected = nn.functional.scaled_dot_product_attention(q, q, q, scale=0.25)
    assert torch.equal(TorchAttention(step, 0.25)(q, q, q, **words), expected)


def test_a_normed_projection_normalises_each_head_before_it_is_rotated() -> None:
    layer = qwen3_layer()
    weights = {name: from_array(np.full(shape, 0.5, np.float32)) for name, shape in layer.weight_shapes().items()}
    module = build_layer(layer, weights)
    assert isinstance(module.q_proj, NormedProjection)
    assert module.q_norm is None
    x = torch.randn(1, 2, layer.embed_dim)
    heads = module.q_proj.projection(x).unflatten(-1, (-1, layer.head_dim))
    assert torch.equal(module.q_proj(x), module.q_proj.norm(heads).flatten(-2))
    assert torch.equal(to_torch(from_torch(x)), x)
