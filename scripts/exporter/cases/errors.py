"""What torchtune refuses: every message is recorded by really raising it. `field` is what our own error must name."""

import numpy as np

from ..case import Call, CaseEntry, KVCache, Layer, RMSNorm
from .mask_makers import causal, constant, random_bool
from .small_layer import rotary, small_layer, tiny_layer

B, S = 2, 5


def refused(name: str, description: str, field: str, layer: Layer, *calls: Call) -> CaseEntry:
    return CaseEntry(f"errors/{name}", description, layer, calls or (Call(B, S),), family="error", field=field)


def bad_mask(name: str, description: str, values: np.ndarray) -> CaseEntry:
    return refused(name, description, "mask", small_layer(), Call(B, S, mask=constant(values)))


def bad_positions(name: str, description: str, positions: np.ndarray) -> CaseEntry:
    return refused(name, description, "input_pos", small_layer(), Call(B, S, input_pos=positions))


CONSTRUCTOR = [
    refused("num_heads", "num_heads is not divisible by num_kv_heads.", "num_heads", small_layer(num_kv_heads=3)),
    refused("embed_dim", "embed_dim is not divisible by num_heads.", "embed_dim", small_layer(embed_dim=30)),
    refused("dropout_above_one", "attn_dropout is above 1.", "attn_dropout", small_layer(attn_dropout=1.5)),
    refused("dropout_below_zero", "attn_dropout is below 0.", "attn_dropout", small_layer(attn_dropout=-0.1)),
    refused("q_norm_alone", "q_norm without k_norm.", "q_norm", small_layer(q_norm=RMSNorm(8))),
    refused("k_norm_alone", "k_norm without q_norm.", "q_norm", small_layer(k_norm=RMSNorm(8))),
]

MASKS = [
    bad_mask("mask_2d", "A mask must have three dimensions, not two.", np.ones((S, S), dtype=bool)),
    bad_mask("mask_4d", "A mask for each head is not possible.", np.ones((B, 4, S, S), dtype=bool)),
    bad_mask("mask_batch", "A mask for another batch.", np.ones((3, S, S), dtype=bool)),
    bad_mask("mask_rows", "A mask for another number of tokens.", np.ones((B, 4, S), dtype=bool)),
    bad_mask("mask_keys", "A mask for another number of keys.", np.ones((B, S, 6), dtype=bool)),
    bad_mask("mask_int64", "A mask of integers.", np.ones((B, S, S), dtype=np.int64)),
    bad_mask("mask_float64", "A mask of float64 on float32 queries.", np.zeros((B, S, S), dtype=np.float64)),
    refused(
        "mask_not_of_cache_length",
        "With a cache the mask must cover all its slots.",
        "mask",
        small_layer(kv_cache=KVCache(B, 8)),
        Call(B, S, mask=random_bool(B, S, S)),
    ),
    refused(
        "block_mask_on_a_cpu",
        "torchtune takes no BlockMask where it found no GPU for flex_attention.",
        "mask",
        tiny_layer(),
        Call(1, S, block_mask=constant(np.ones((1, 1, S, S), dtype=bool))),
    ),
    refused(
        "block_mask_and_dropout",
        "flex_attention has no dropout.",
        "attn_dropout",
        tiny_layer(flex_attention=True, training=True, attn_dropout=0.1),
        Call(1, S, block_mask=constant(np.ones((1, 1, S, S), dtype=bool))),
    ),
    refused(
        "seq_lens_of_another_sum",
        "The documents have fewer tokens than the call.",
        "seq_lens",
        small_layer(),
        Call(B, S, seq_lens=((2, 2),)),
    ),
]

POSITIONS = [
    bad_positions("position_beyond_table", "A position behind the rotary table.", np.array([0, 1, 2, 3, 64])),
    bad_positions("position_before_table", "A position before the rotary table.", np.array([0, 1, 2, 3, -65])),
    bad_positions("positions_float", "Positions must be integers.", np.arange(S, dtype=np.float32)),
    bad_positions("positions_too_few", "Fewer positions than tokens.", np.arange(4)),
    bad_positions("positions_for_three", "Positions for three samples of two.", np.arange(15).reshape(3, S)),
    refused(
        "positions_with_other_length_of_y",
        "q and k share input_pos, so it cannot fit two lengths.",
        "input_pos",
        small_layer(),
        Call(B, 3, y=7, input_pos=np.arange(3)),
    ),
]

CALLS = [
    refused("no_y_no_cache", "No y and no cache.", "y", small_layer(), Call(B, S, y="absent")),
    refused(
        "no_y_cache_not_enabled",
        "No y and a cache that is not enabled.",
        "y",
        small_layer(kv_cache=KVCache(B, 8, enabled=False)),
        Call(B, 1, y="absent"),
    ),
    refused(
        "batch_above_cache",
        "More samples than the cache was set up for.",
        "kv_cache",
        small_layer(kv_cache=KVCache(1, 8)),
        Call(B, S, mask=causal(S, 8)),
    ),
    refused(
        "batch_below_cache",
        "Fewer samples than the cache was set up for.",
        "kv_cache",
        small_layer(kv_cache=KVCache(3, 8)),
        Call(B, S, mask=causal(S, 8)),
    ),
    refused(
        "longer_than_rotary_table",
        "More tokens than the rotary table has positions.",
        "x",
        small_layer(pos_embeddings=rotary(max_seq_len=4)),
        Call(B, S),
    ),
    refused("x_width", "x is narrower than embed_dim.", "x", small_layer(), Call(B, S, x_shape=(B, S, 31))),
    refused("x_2d", "x has two dimensions.", "x", small_layer(), Call(B, S, x_shape=(S, 32))),
    refused("y_width", "y is wider than embed_dim.", "y", small_layer(), Call(B, S, y=3, y_shape=(B, 3, 33))),
    refused(
        "y_batch",
        "y has another batch than x.",
        "y",
        small_layer(num_kv_heads=1),
        Call(B, S, y=3, y_shape=(3, 3, 32)),
    ),
]

CASES = [*CONSTRUCTOR, *MASKS, *POSITIONS, *CALLS]
