"""How queries share key/value heads."""

from ..case import Call, CaseEntry, Layer, Rotary

CASES = [
    CaseEntry(
        "heads/grouped_query",
        "Grouped-query attention: four heads share one of two key/value heads in pairs; rotary, causal.",
        Layer(
            embed_dim=32,
            num_heads=4,
            num_kv_heads=2,
            head_dim=8,
            pos_embeddings=Rotary("RotaryPositionalEmbeddings", 8, 64),
        ),
        (Call(b=2, s=5),),
    ),
]
