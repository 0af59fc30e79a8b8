"""Documents packed into one row: torchtune's own block-causal mask, and positions that restart with each document."""

from ..case import Call, CaseEntry
from .mask_makers import packed, packed_positions
from .small_layer import rotary, small_layer

CASES = [
    CaseEntry(
        f"packed/{name}",
        description,
        layer,
        (Call(len(lengths), sum(lengths[0]), mask=packed(*lengths), input_pos=packed_positions(*lengths)),),
        family="packed",
    )
    for name, description, layer, lengths in [
        ("two_documents", "Two documents of three and five tokens.", small_layer(), [(3, 5)]),
        (
            "different_samples",
            "Each sample is packed differently.",
            small_layer(num_kv_heads=4, pos_embeddings=rotary(kind="Llama3ScaledRoPE")),
            [(4, 1, 4), (2, 7)],
        ),
        (
            "single_tokens",
            "Documents of one token see themselves alone.",
            small_layer(num_kv_heads=1),
            [(1, 1, 1, 5, 1)],
        ),
        (
            "qwen2",
            "Packed with Qwen2's rotary embedding and biases.",
            small_layer(bias="qkv", pos_embeddings=rotary(kind="Qwen2RotaryPositionalEmbeddings")),
            [(6, 3), (1, 8)],
        ),
    ]
]
