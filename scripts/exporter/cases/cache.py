"""The KV cache: sequences of calls on one layer."""

from typing import Any

import numpy as np

from ..case import Call, CaseEntry, KVCache, Layer
from .mask_makers import causal, constant, random_float
from .small_layer import normed_layer, rotary, small_layer

B, SLOTS = 2, 8


def cached(**words: Any) -> Layer:
    """The small layer with an enabled cache of eight slots."""
    return small_layer(kv_cache=KVCache(B, SLOTS), **words)


def chunk(start: int, s: int, **words: Any) -> Call:
    """The next s tokens at their positions, with the mask that a decoder passes."""
    return Call(B, s, mask=causal(s, SLOTS, start), input_pos=np.arange(start, start + s), **words)


# bool [b, s, slots]: causal, and the second sample's first two slots are padding that only sees itself.
PADDED = np.repeat(np.tri(5, SLOTS, dtype=bool)[None], B, axis=0)
PADDED[1, 2:, :2] = False
PADDED[1, 1, 0] = False

FILL = (chunk(0, 5), chunk(5, 1), chunk(6, 1), chunk(7, 1))

CASES = [
    CaseEntry(
        "cache/prefill_and_decode",
        "Prefill of five tokens, then one token at a time until the cache is exactly full.",
        cached(),
        FILL,
    ),
    CaseEntry(
        "cache/prefill_in_chunks",
        "Prefill in chunks of three, one and four tokens.",
        cached(num_kv_heads=1),
        (chunk(0, 3), chunk(3, 1), chunk(4, 4)),
    ),
    CaseEntry(
        "cache/exactly_full_at_once",
        "One prefill fills every slot.",
        cached(num_kv_heads=4),
        (chunk(0, SLOTS),),
    ),
    CaseEntry(
        "cache/reset",
        "Prefill, decode, reset, prefill again: nothing is left of the first sequence.",
        cached(),
        (chunk(0, 5), chunk(5, 1), chunk(0, 3, reset_cache=True), chunk(3, 1)),
    ),
    CaseEntry(
        "cache/reset_before_anything",
        "Resetting an empty cache changes nothing.",
        cached(),
        (chunk(0, 2, reset_cache=True),),
    ),
    CaseEntry(
        "cache/one_too_many",
        "A call that does not fit raises and leaves the cache as it was: the next one that fits succeeds.",
        cached(),
        (chunk(0, 5), Call(B, 4, mask=causal(4, SLOTS, 5), input_pos=np.arange(5, 9)), chunk(5, 3)),
        family="error",
        field="kv_cache",
    ),
    CaseEntry(
        "cache/full_and_one_more",
        "A full cache refuses one more token, and a reset makes room.",
        cached(),
        (
            chunk(0, SLOTS),
            Call(B, 1, mask=causal(1, SLOTS, SLOTS), input_pos=np.array([8])),
            chunk(0, 2, reset_cache=True),
        ),
        family="error",
        field="kv_cache",
    ),
    CaseEntry(
        "cache/no_mask",
        "Without a mask every slot is attended to, the empty ones with a score of 0 and a value of 0.",
        cached(),
        (Call(B, 3), Call(B, 1, input_pos=np.array([3]))),
    ),
    CaseEntry(
        "cache/no_input_pos",
        "Without input_pos the positions restart at 0 with every call, whatever the cache holds.",
        cached(),
        (Call(B, 3, mask=causal(3, SLOTS)), Call(B, 2, mask=causal(2, SLOTS, 3))),
    ),
    CaseEntry(
        "cache/constructor_cache_not_enabled",
        "A cache handed to the constructor is not used, but switches is_causal off.",
        small_layer(kv_cache=KVCache(B, SLOTS, enabled=False)),
        (Call(B, 5), Call(B, 3)),
    ),
    CaseEntry(
        "cache/constructor_cache_not_enabled_masked",
        "A cache that is not enabled and a mask over the call's own keys.",
        small_layer(kv_cache=KVCache(B, SLOTS, enabled=False)),
        (Call(B, 5, mask=causal(5, 5)),),
    ),
    CaseEntry(
        "cache/cross_attention_decode",
        "The first call fills the cache from y; the next ones pass no y and read it.",
        normed_layer(eps=1e-5, pos_embeddings=None, is_causal=False, kv_cache=KVCache(B, SLOTS)),
        (Call(B, 3, y=SLOTS), Call(B, 1, y="absent"), Call(B, 2, y="absent")),
    ),
    CaseEntry(
        "cache/y_absent_masked",
        "No y, a partly filled cache and a mask over its slots; q is rotated, the cached k stays.",
        cached(),
        (
            Call(B, 1, y=5, mask=causal(1, SLOTS, 4)),
            Call(B, 2, y="absent", mask=causal(2, SLOTS, 4), input_pos=np.array([9, 3])),
        ),
    ),
    CaseEntry(
        "cache/y_absent_empty",
        "No y and an empty cache: every score and every value is 0.",
        cached(bias="o"),
        (Call(B, 2, y="absent"),),
    ),
    CaseEntry(
        "cache/positions_of_each_sample",
        "The second sample is padded on its left by two, as torchtune's generate() decodes prompts of unequal length.",
        cached(),
        (
            Call(B, 4, mask=constant(PADDED[:, :4]), input_pos=np.array([[0, 1, 2, 3], [0, 0, 0, 1]])),
            Call(B, 1, mask=constant(PADDED[:, 4:5]), input_pos=np.array([4, 2])),
        ),
    ),
    CaseEntry(
        "cache/float_mask",
        "A float mask over the cache's slots.",
        cached(),
        (Call(B, 3, mask=random_float(B, 3, SLOTS, hidden=0.3)), Call(B, 1, mask=random_float(1, 1, SLOTS))),
    ),
    CaseEntry(
        "cache/phi3",
        "Prefill and decode with Phi-3's rotary embedding.",
        cached(num_kv_heads=4, pos_embeddings=rotary(kind="Phi3RotaryPositionalEmbeddings")),
        FILL[:2],
    ),
    CaseEntry(
        "cache/qwen2",
        "Prefill and decode with Qwen2's rotary embedding and biases.",
        cached(bias="qkv", pos_embeddings=rotary(kind="Qwen2RotaryPositionalEmbeddings")),
        FILL[:2],
    ),
    CaseEntry(
        "cache/norms",
        "The cache holds keys after the norm.",
        normed_layer(kv_cache=KVCache(B, SLOTS)),
        FILL[:2],
    ),
    CaseEntry(
        "cache/seventeen_then_one",
        "A longer prefill, one decode, slots left over.",
        small_layer(kv_cache=KVCache(1, 24), num_kv_heads=1),
        (
            Call(1, 17, mask=causal(17, 24), input_pos=np.arange(17)),
            Call(1, 1, mask=causal(1, 24, 17), input_pos=np.array([17])),
        ),
    ),
]
