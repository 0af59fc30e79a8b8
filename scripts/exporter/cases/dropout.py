"""Dropout of attention's weights in training: torch's own draw is recorded as the mask of what it kept."""

from __future__ import annotations

from ..case import Call, CaseEntry
from .mask_makers import causal, packed_positions, random_bool, random_float
from .small_layer import rotary, tiny_layer

CASES = [
    CaseEntry(
        f"dropout/{name}", description, tiny_layer(**{"training": True, "pos_embeddings": None, **words}), (call,)
    )
    for name, description, words, call in (
        ("a_tenth", "A tenth of the weights, of a causal layer.", {"attn_dropout": 0.1}, Call(1, 9)),
        ("a_half", "Half of the weights, without a mask.", {"attn_dropout": 0.5, "is_causal": False}, Call(1, 13)),
        (
            "most",
            "Nine weights of ten: rows whose every weight is dropped are 0.",
            {"attn_dropout": 0.9, "num_kv_heads": 1},
            Call(1, 12),
        ),
        (
            "documents",
            "A seventh, of two documents.",
            {"attn_dropout": 1.0 / 7.0},
            Call(1, 9, seq_lens=((4, 5),), input_pos=packed_positions((4, 5))),
        ),
        (
            "bool_mask",
            "A quarter, under a boolean mask that hides a whole row.",
            {"attn_dropout": 0.25},
            Call(1, 7, mask=random_bool(1, 7, 7, hidden_rows=(3,))),
        ),
        (
            "float_mask",
            "A third, with biases added to the scores, some of them -inf.",
            {"attn_dropout": 1.0 / 3.0, "num_kv_heads": 4, "pos_embeddings": rotary(4)},
            Call(1, 8, mask=random_float(1, 8, 8, hidden=0.2)),
        ),
        (
            "cross",
            "A fifth, of the keys of another sequence.",
            {"attn_dropout": 0.2, "is_causal": False},
            Call(2, 4, y=11),
        ),
        ("bfloat16", "A tenth, in bfloat16.", {"attn_dropout": 0.1, "dtype": "bfloat16"}, Call(1, 11)),
        (
            "none",
            "A layer in training without dropout is like any other.",
            {},
            Call(1, 6, mask=causal(6, 6)),
        ),
    )
]
