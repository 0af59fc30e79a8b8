"""Causality, and keys and values from another tensor."""

from ..case import Call, CaseEntry
from . import mask_makers
from .small_layer import rotary, small_layer

CASES = [
    CaseEntry(
        "cross/self_not_causal", "Self-attention without causality.", small_layer(is_causal=False), (Call(2, 5),)
    ),
    CaseEntry(
        "cross/y_longer_causal",
        "y is longer than x: causality is aligned at the top left, trailing keys are never seen.",
        small_layer(),
        (Call(2, 3, y=7),),
    ),
    CaseEntry(
        "cross/y_shorter_causal",
        "y is shorter than x: later tokens see every key.",
        small_layer(),
        (Call(2, 7, y=3),),
    ),
    CaseEntry("cross/one_token_causal", "One query token sees only key 0.", small_layer(), (Call(2, 1, y=6),)),
    CaseEntry(
        "cross/y_longer_not_causal",
        "y is longer than x, every key is seen.",
        small_layer(is_causal=False, num_kv_heads=1),
        (Call(2, 3, y=17),),
    ),
    CaseEntry(
        "cross/y_shorter_not_causal",
        "y is shorter than x, every key is seen.",
        small_layer(is_causal=False, num_kv_heads=4),
        (Call(1, 17, y=3),),
    ),
    CaseEntry(
        "cross/same_length_other_tensor",
        "y has the length of x but is another tensor.",
        small_layer(pos_embeddings=rotary(kind="Phi3RotaryPositionalEmbeddings")),
        (Call(2, 5, y=5),),
    ),
    CaseEntry(
        "cross/long_context",
        "8197 keys: the order of accumulation, and keys beyond every block.",
        small_layer(embed_dim=4, num_heads=2, num_kv_heads=1, head_dim=2, pos_embeddings=None, is_causal=False),
        (Call(1, 3, y=8197),),
    ),
    CaseEntry("cross/one_key", "A single key gets all the weight.", small_layer(is_causal=False), (Call(2, 3, y=1),)),
    CaseEntry(
        "cross/masked",
        "A mask over another tensor's keys; causality is then ignored.",
        small_layer(pos_embeddings=None),
        (Call(2, 3, y=7, mask=mask_makers.random_bool(2, 3, 7)),),
    ),
]
