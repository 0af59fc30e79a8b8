"""q_norm and k_norm, which torchtune applies after the rotary embedding, and Qwen3's layer before it; scales are far
from uniform."""

from dataclasses import replace
from typing import Any

import numpy as np

from ..case import NORM_ORDERS, Call, CaseEntry, KVCache, Layer, RMSNorm
from .mask_makers import causal
from .small_layer import normed_layer, rotary, tiny_layer

CALL = (Call(b=2, s=5),)


def qwen3_layer(**words: Any) -> Layer:
    """A tiny layer in the order of Qwen3Attention."""
    norm, embedding = RMSNorm(4), rotary(4, kind="Qwen2RotaryPositionalEmbeddings")
    return tiny_layer(norm_order=NORM_ORDERS[1], q_norm=norm, k_norm=norm, pos_embeddings=embedding, **words)


CASES = [
    CaseEntry("norms/after_rotary", "RMSNorm on q and k after the rotary embedding.", normed_layer(), CALL),
    CaseEntry(
        "norms/after_phi3_rotary",
        "RMSNorm after Phi-3's rotary embedding; multi-query.",
        normed_layer(num_kv_heads=1, pos_embeddings=rotary(kind="Phi3RotaryPositionalEmbeddings")),
        CALL,
    ),
    CaseEntry("norms/no_rotary", "RMSNorm without a rotary embedding.", normed_layer(pos_embeddings=None), CALL),
    CaseEntry(
        "norms/large_eps",
        "An eps large enough to be seen.",
        normed_layer(eps=0.125, bias="qk"),
        CALL,
    ),
    CaseEntry(
        "norms/other_eps_for_k",
        "q_norm and k_norm have an eps of their own.",
        replace(normed_layer(), k_norm=RMSNorm(8, eps=0.125)),
        CALL,
    ),
    CaseEntry(
        "norms/cross_attention",
        "Llama 3.2 vision's fusion layer in small: y is another tensor, norms, no rotary embedding, not causal.",
        normed_layer(eps=1e-5, pos_embeddings=None, is_causal=False),
        (Call(b=2, s=3, y=7),),
    ),
    CaseEntry(
        "norms/before_rotary",
        "RMSNorm on q and k before the rotary embedding, as Qwen3Attention has it.",
        qwen3_layer(),
        (Call(b=1, s=5),),
    ),
    CaseEntry(
        "norms/before_rotary_with_cache",
        "Qwen3's order in bfloat16, which rounds in another order: a prefill and a decode; k_norm's eps is its own.",
        replace(qwen3_layer(dtype="bfloat16", kv_cache=KVCache(1, 5)), k_norm=RMSNorm(4, eps=0.125)),
        (
            Call(b=1, s=4, mask=causal(4, 5), input_pos=np.arange(4)),
            Call(b=1, s=1, mask=causal(1, 5, 4), input_pos=np.array([4])),
        ),
    ),
]
