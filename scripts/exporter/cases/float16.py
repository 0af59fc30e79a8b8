"""float16: rounded where bfloat16 is, with three more digits and far less range."""

from typing import Any

import numpy as np

from ..case import Call, CaseEntry, KVCache, Layer
from .cache import SLOTS, B, chunk
from .hard_inputs import selected
from .mask_makers import random_bool, random_float
from .positions import KINDS, PER_SAMPLE
from .small_layer import normed_layer, rotary, selecting_layer, small_layer


def half(**words: Any) -> Layer:
    return small_layer(dtype="float16", **words)


CALL = (Call(2, 5),)

CASES = [
    CaseEntry("float16/grouped_query", "Grouped-query attention, rotary, causal.", half(), CALL),
    CaseEntry(
        "float16/bias_all",
        "Biases on all projections; no rotary embedding, not causal.",
        half(bias="qkvo", pos_embeddings=None, is_causal=False),
        CALL,
    ),
    CaseEntry(
        "float16/cross_attention",
        "y is another tensor; norms, no rotary embedding, not causal.",
        normed_layer(eps=1e-5, dtype="float16", pos_embeddings=None, is_causal=False),
        (Call(2, 3, y=7),),
    ),
    CaseEntry(
        "float16/bool_mask",
        "A random mask with fully masked rows.",
        half(),
        (Call(2, 5, mask=random_bool(2, 5, 5, hidden_rows=(0, 3))),),
        family="masked_rows",
    ),
    CaseEntry(
        "float16/float32_mask",
        "A float32 mask on float16 queries.",
        half(),
        (Call(2, 5, mask=random_float(2, 5, 5, hidden=0.2)),),
    ),
    CaseEntry(
        "float16/cache",
        "Prefill and two decodes; the cache holds float16.",
        half(kv_cache=KVCache(B, SLOTS)),
        (chunk(0, 5), chunk(5, 1), chunk(6, 1)),
    ),
    CaseEntry(
        "float16/sixty_five_tokens",
        "Sixty-five tokens, more than one block: weights near the smallest normal number.",
        half(num_heads=2, num_kv_heads=1, embed_dim=16, pos_embeddings=rotary(max_seq_len=65)),
        (Call(1, 65),),
    ),
    selected(
        "large_logits",
        "large_logits_float16",
        "Logits of a standard deviation of 300: most weights are subnormal or 0.",
        selecting_layer(4, 2, 8, dtype="float16"),
        Call(1, 17),
    ),
    selected(
        "unit_v",
        "unit_v_float16",
        "The output is the matrix of weights.",
        selecting_layer(2, 1, 17, dtype="float16"),
        Call(1, 17),
    ),
]

CASES += [
    CaseEntry(
        f"float16/{name}_positions",
        f"{kind}, other positions for each sample.",
        half(pos_embeddings=rotary(kind=kind)),
        (Call(2, 5, input_pos=np.asarray(PER_SAMPLE)),),
    )
    for name, kind in KINDS.items()
    if name in ("base", "qwen2")
]
