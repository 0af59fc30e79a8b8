"""How queries share key/value heads, and widths that need not fit each other."""

from ..case import Call, CaseEntry
from .small_layer import rotary, small_layer

CALL = (Call(b=2, s=5),)

CASES = [
    CaseEntry(
        "heads/grouped_query",
        "Grouped-query attention: four heads share two key/value heads in pairs; rotary, causal.",
        small_layer(),
        CALL,
    ),
    CaseEntry(
        "heads/multi_head",
        "Multi-head attention: every head has a key/value head of its own.",
        small_layer(num_kv_heads=4),
        CALL,
    ),
    CaseEntry(
        "heads/multi_query",
        "Multi-query attention: all heads share one key/value head.",
        small_layer(num_kv_heads=1),
        CALL,
    ),
    CaseEntry("heads/one_head", "A single head.", small_layer(num_heads=1, num_kv_heads=1), CALL),
    CaseEntry(
        "heads/seven_heads_seven_kv",
        "Seven heads, no power of two anywhere.",
        small_layer(embed_dim=21, num_heads=7, num_kv_heads=7, head_dim=6, pos_embeddings=rotary(6)),
        CALL,
    ),
    CaseEntry(
        "heads/seven_heads_one_kv",
        "Seven heads on one key/value head.",
        small_layer(embed_dim=35, num_heads=7, num_kv_heads=1, head_dim=4, pos_embeddings=rotary(4)),
        (Call(b=3, s=3),),
    ),
    CaseEntry(
        "heads/fourteen_heads_two_kv",
        "Groups of seven: 14 heads on two key/value heads, as in Qwen2.5 0.5B.",
        small_layer(embed_dim=28, num_heads=14, num_kv_heads=2, head_dim=4, pos_embeddings=rotary(4)),
        (Call(b=1, s=5),),
    ),
    CaseEntry(
        "heads/wider_than_embed_dim",
        "head_dim times num_heads is larger than embed_dim.",
        small_layer(embed_dim=12, head_dim=16, pos_embeddings=rotary(16)),
        CALL,
    ),
    CaseEntry(
        "heads/narrower_than_embed_dim",
        "head_dim times num_heads is smaller than embed_dim.",
        small_layer(embed_dim=44, head_dim=6, pos_embeddings=rotary(6)),
        CALL,
    ),
]
