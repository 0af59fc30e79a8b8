"""bfloat16: weights, activations and cache are rounded where torchtune's modules round; rotary tables stay float32."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..case import Call, CaseEntry, KVCache, Layer
from .cache import SLOTS, B, chunk
from .hard_inputs import selected
from .mask_makers import bfloat16_bias, packed, packed_positions, random_bool, random_float
from .positions import KINDS, PER_SAMPLE
from .small_layer import normed_layer, rotary, selecting_layer, small_layer


def narrow(**words: Any) -> Layer:
    return small_layer(dtype="bfloat16", **words)


CALL = (Call(2, 5),)


def in_16_bits(dtype: str, positions: Iterable[str]) -> list[CaseEntry]:
    """What each format of 16 bits is recorded with, and these rotary embeddings."""
    return [
        CaseEntry(f"{dtype}/grouped_query", "Grouped-query attention, rotary, causal.", small_layer(dtype=dtype), CALL),
        CaseEntry(
            f"{dtype}/bias_all",
            "Biases on all projections; no rotary embedding, not causal.",
            small_layer(dtype=dtype, bias="qkvo", pos_embeddings=None, is_causal=False),
            CALL,
        ),
        CaseEntry(
            f"{dtype}/cross_attention",
            "y is another tensor; norms, no rotary embedding, not causal.",
            normed_layer(eps=1e-5, dtype=dtype, pos_embeddings=None, is_causal=False),
            (Call(2, 3, y=7),),
        ),
        CaseEntry(
            f"{dtype}/bool_mask",
            "A random mask with fully masked rows.",
            small_layer(dtype=dtype),
            (Call(2, 5, mask=random_bool(2, 5, 5, hidden_rows=(0, 3))),),
            family="masked_rows",
        ),
        CaseEntry(
            f"{dtype}/float32_mask",
            f"A float32 mask on {dtype} queries.",
            small_layer(dtype=dtype),
            (Call(2, 5, mask=random_float(2, 5, 5, hidden=0.2)),),
        ),
        CaseEntry(
            f"{dtype}/cache",
            f"Prefill and two decodes; the cache holds {dtype}.",
            small_layer(dtype=dtype, kv_cache=KVCache(B, SLOTS)),
            (chunk(0, 5), chunk(5, 1), chunk(6, 1)),
        ),
        CaseEntry(
            f"{dtype}/sixty_five_tokens",
            "Sixty-five tokens, more than one block.",
            small_layer(dtype=dtype, num_heads=2, num_kv_heads=1, embed_dim=16, pos_embeddings=rotary(max_seq_len=65)),
            (Call(1, 65),),
        ),
        *(
            CaseEntry(
                f"{dtype}/{name}_positions",
                f"{KINDS[name]}, other positions for each sample.",
                small_layer(dtype=dtype, pos_embeddings=rotary(kind=KINDS[name])),
                (Call(2, 5, input_pos=np.asarray(PER_SAMPLE)),),
            )
            for name in positions
        ),
    ]


CASES = [
    *in_16_bits("bfloat16", KINDS),
    CaseEntry("bfloat16/multi_head", "Multi-head attention.", narrow(num_kv_heads=4), CALL),
    CaseEntry(
        "bfloat16/multi_query_h_d_40",
        "Multi-query attention, heads of width 40.",
        narrow(num_kv_heads=1, head_dim=40, pos_embeddings=rotary(40)),
        CALL,
    ),
    CaseEntry("bfloat16/norms", "q_norm and k_norm after the rotary embedding.", normed_layer(dtype="bfloat16"), CALL),
    CaseEntry("bfloat16/bfloat16_mask", "A bfloat16 mask.", narrow(), (Call(2, 5, mask=bfloat16_bias(2, 5, 5)),)),
    CaseEntry(
        "bfloat16/packed",
        "Packed documents.",
        narrow(),
        (Call(2, 9, mask=packed((4, 1, 4), (2, 7)), input_pos=packed_positions((4, 1, 4), (2, 7))),),
        family="packed",
    ),
    CaseEntry(
        "bfloat16/h_d_128",
        "Heads of width 128.",
        narrow(num_heads=2, num_kv_heads=1, head_dim=128, pos_embeddings=rotary(128)),
        (Call(1, 3),),
    ),
    selected(
        "one_hot",
        "one_hot_bfloat16",
        "One-hot selection with values that bfloat16 holds exactly.",
        selecting_layer(4, 2, 16, is_causal=False, dtype="bfloat16"),
        Call(1, 16),
    ),
    selected(
        "identical_keys",
        "identical_keys_bfloat16",
        "Sixteen identical keys and integer values.",
        selecting_layer(2, 1, 16, is_causal=False, dtype="bfloat16"),
        Call(1, 16),
    ),
    selected(
        "large_logits",
        "large_logits_bfloat16",
        "Logits of a standard deviation of 300: most rows are ill-conditioned end to end.",
        selecting_layer(4, 2, 8, dtype="bfloat16"),
        Call(1, 17),
    ),
    selected(
        "unit_v",
        "unit_v_bfloat16",
        "The output is the matrix of weights.",
        selecting_layer(2, 1, 17, dtype="bfloat16"),
        Call(1, 17),
    ),
]
