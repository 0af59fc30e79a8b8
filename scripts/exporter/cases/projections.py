"""Biases, and output projections of another width."""

from ..case import Call, CaseEntry
from .small_layer import rotary, small_layer

CALL = (Call(b=2, s=5),)

CASES = [
    CaseEntry(
        "projections/bias_qkv",
        "Biases on q, k and v, as in Qwen2.",
        small_layer(bias="qkv", pos_embeddings=rotary(kind="Qwen2RotaryPositionalEmbeddings")),
        CALL,
    ),
    CaseEntry(
        "projections/bias_all",
        "Biases on all four projections, as in CLIP's text encoder; no rotary embedding.",
        small_layer(bias="qkvo", num_kv_heads=4, pos_embeddings=None),
        CALL,
    ),
    CaseEntry(
        "projections/bias_multi_head",
        "Biases on q, k and v, as many key/value heads as heads; only a rotary embedding makes the bias of k count.",
        small_layer(bias="qkv", num_kv_heads=4),
        CALL,
    ),
    CaseEntry("projections/bias_output", "A bias on the output projection alone.", small_layer(bias="o"), CALL),
    CaseEntry(
        "projections/output_wider",
        "The output projection is wider than embed_dim.",
        small_layer(output_features=45, bias="o"),
        CALL,
    ),
    CaseEntry(
        "projections/output_one_feature",
        "The output projection has one feature.",
        small_layer(output_features=1),
        CALL,
    ),
    CaseEntry(
        "projections/bias_all_masked_row",
        "A fully masked row leaves the output projection's bias alone.",
        small_layer(bias="qkvo"),
        (Call(b=1, s=3, mask=lambda rng: rng.random((1, 3, 3)) < [[[0.9], [0.0], [0.9]]]),),
    ),
    CaseEntry(
        "projections/dropout_in_evaluation",
        "attn_dropout above 0 does nothing in evaluation mode.",
        small_layer(attn_dropout=0.3),
        CALL,
    ),
    CaseEntry(
        "projections/dropout_of_one_in_evaluation",
        "attn_dropout of exactly 1 is legal and does nothing in evaluation mode.",
        small_layer(attn_dropout=1.0),
        (Call(b=1, s=3),),
    ),
]
