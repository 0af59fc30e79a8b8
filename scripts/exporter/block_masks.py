"""torch's BlockMask: made by torch from a mask as a whole, held as tensors, and made again of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import torch
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from torchtune.modules import attention_utils

from .tensor import Tensor, from_array

OF_PARTIAL = ("kv_num_blocks", "kv_indices")
OF_FULL = ("full_kv_num_blocks", "full_kv_indices")
TENSORS = (*OF_PARTIAL, *OF_FULL, "partial_blocks")


@contextmanager
def torchtune_takes_block_masks() -> Iterator[None]:
    """torchtune decides when it is imported, by the GPU that it finds, whether a BlockMask goes to flex_attention, and
    compiles that. A layer constructed in here takes one, and calls torch's own function as it is."""

    def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, block_mask: BlockMask) -> torch.Tensor:
        with torch.inference_mode():
            result: torch.Tensor = flex_attention(q, k, v, block_mask=block_mask)
            return result

    attention_utils.BlockMask = BlockMask
    attention_utils.compile_friendly_flex_attention = attention
    with patch.object(attention_utils, "_SUPPORTS_FLEX_ATTENTION", True):
        yield


def tensors_of(dense: np.ndarray, block_size: tuple[int, int]) -> dict[str, Tensor]:
    """What torch's create_block_mask makes of bool [b|1, n_h|1, s_x, s_k]."""
    b, n_h, s_x, s_k = dense.shape
    values = torch.from_numpy(dense)
    mask = create_block_mask(
        lambda sample, head, i, j: values[sample, head, i, j], b, n_h, s_x, s_k, device="cpu", BLOCK_SIZE=block_size
    )
    found = {name: from_array(getattr(mask, name).numpy()) for name in (*OF_PARTIAL, *OF_FULL)}
    return found | {"partial_blocks": from_array(_partial_blocks(dense, found, block_size))}


def _partial_blocks(dense: np.ndarray, found: Mapping[str, Tensor], block_size: tuple[int, int]) -> np.ndarray:
    """bool [p, q_block, kv_block]: what the blocks that are seen in part show, in the order of kv_indices; nothing
    beyond the last token and key."""
    rows, columns = block_size
    blocks = [
        dense[b, h, i * rows : (i + 1) * rows, j * columns : (j + 1) * columns]
        for (b, h, i), count in np.ndenumerate(found["kv_num_blocks"].stored)
        for j in found["kv_indices"].stored[b, h, i, :count]
    ]
    values = np.zeros((len(blocks), rows, columns), dtype=bool)
    for place, block in zip(values, blocks, strict=True):
        place[: block.shape[0], : block.shape[1]] = block
    return values


def seen_keys(inputs: Mapping[str, Tensor], sample: int, head: int, token: int, s_k: int) -> np.ndarray:
    """bool [s_k]: the row of a token."""
    partial = inputs["partial_blocks"].stored
    counts = inputs["kv_num_blocks"].stored
    sample, head = min(sample, counts.shape[0] - 1), min(head, counts.shape[1] - 1)
    row, inside = divmod(token, partial.shape[1])
    width = partial.shape[2]
    seen = np.zeros(-(-s_k // width) * width, dtype=bool)
    first = int(np.sum(counts.reshape(-1)[: np.ravel_multi_index((sample, head, row), counts.shape)]))
    for place, column in enumerate(inputs["kv_indices"].stored[sample, head, row, : counts[sample, head, row]]):
        seen[column * width : (column + 1) * width] = partial[first + place, inside]
    full = inputs["full_kv_num_blocks"].stored[sample, head, row]
    for column in inputs["full_kv_indices"].stored[sample, head, row, :full]:
        seen[column * width : (column + 1) * width] = True
    return seen[:s_k]


def to_torch(inputs: Mapping[str, Tensor], s_x: int, s_k: int) -> BlockMask:
    """The BlockMask that these tensors are."""
    b, n_h = inputs["kv_num_blocks"].shape[:2]
    dense = torch.from_numpy(
        np.array(
            [
                [[seen_keys(inputs, sample, head, token, s_k) for token in range(s_x)] for head in range(n_h)]
                for sample in range(b)
            ]
        )
    )
    num_blocks, indices, full_num_blocks, full_indices = (
        torch.from_numpy(inputs[name].stored) for name in (*OF_PARTIAL, *OF_FULL)
    )
    _, rows, columns = inputs["partial_blocks"].shape
    return BlockMask.from_kv_blocks(
        num_blocks,
        indices,
        full_num_blocks,
        full_indices,
        BLOCK_SIZE=(rows, columns),
        mask_mod=lambda sample, head, i, j: dense[sample * (b > 1), head * (n_h > 1), i, j],
        seq_lengths=(s_x, s_k),
    )
