"""Masks for the case list. Each function returns what draws the mask, so that random ones follow the case's seed."""

from __future__ import annotations

import numpy as np

from ..case import MaskMaker
from ..tensor import Tensor, from_float64

LOWEST = float(np.finfo(np.float32).min)


def random_bool(*shape: int, hidden_rows: tuple[int, ...] = ()) -> MaskMaker:
    """bool of the given shape, about two thirds True; the named rows attend to nothing."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        mask = rng.random(shape) < 0.65
        mask[:, list(hidden_rows)] = False
        return mask

    return draw


def random_float(*shape: int, scale: float = 1.0, hidden_rows: tuple[int, ...] = (), hidden: float = 0.0) -> MaskMaker:
    """float32 normal biases; a share of `hidden` of them and the named rows are -inf."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        mask = scale * rng.standard_normal(shape)
        mask[rng.random(shape) < hidden] = -np.inf
        mask[:, list(hidden_rows)] = -np.inf
        return mask.astype(np.float32)

    return draw


def bfloat16_bias(*shape: int) -> MaskMaker:
    """bfloat16 normal biases."""
    return lambda rng: from_float64(rng.standard_normal(shape), "bfloat16")


def constant(values: np.ndarray | Tensor) -> MaskMaker:
    """Exactly this mask."""
    return lambda _rng: values


def causal(s_x: int, s_k: int, start: int = 0) -> MaskMaker:
    """bool [1, s_x, s_k]: token i, at slot start + i, attends to the slots up to its own."""
    return constant(np.tri(s_x, s_k, start, dtype=bool)[None])


def even_keys(s_x: int, s_k: int, hidden_rows: tuple[int, ...] = ()) -> MaskMaker:
    """bool [1, s_x, s_k]: only even keys, and nothing at all for the named rows."""
    mask = np.broadcast_to(np.arange(s_k) % 2 == 0, (1, s_x, s_k)).copy()
    mask[:, list(hidden_rows)] = False
    return constant(mask)


def packed(*seq_lens: tuple[int, ...]) -> MaskMaker:
    """bool [b, s, s]: torchtune's own mask for documents packed into each sample."""

    def draw(_rng: np.random.Generator) -> np.ndarray:
        import torch
        from torchtune.modules.attention_utils import create_block_causal_mask

        return create_block_causal_mask([torch.tensor(lengths) for lengths in seq_lens]).numpy()

    return draw


def packed_positions(*seq_lens: tuple[int, ...]) -> np.ndarray:
    """int64 [b, s]: positions that restart with each document, as torchtune's PackedDataset makes them."""
    return np.stack([np.concatenate([np.arange(length) for length in lengths]) for lengths in seq_lens])
