"""Documents packed into one row: torchtune's own block-causal mask, and positions that restart with each document."""

from collections.abc import Sequence
from typing import Any

from ..case import Call, CaseEntry, Layer
from .mask_makers import packed, packed_positions
from .small_layer import rotary, small_layer

Lengths = Sequence[tuple[int, ...]]  # of each sample's documents
Packed = tuple[str, str, Layer, Lengths]


def packed_case(name: str, description: str, layer: Layer, lengths: Lengths, **mask: Any) -> CaseEntry:
    """`mask` is how torchtune gets the documents' mask: `mask` or `seq_lens` of the call."""
    call = Call(len(lengths), sum(lengths[0]), input_pos=packed_positions(*lengths), **mask)
    return CaseEntry(f"packed/{name}", description, layer, (call,), family="packed")


GIVEN_AS_MASK: list[Packed] = [
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

GIVEN_AS_SEQ_LENS: list[Packed] = [
    (
        "seq_lens",
        "Two samples of three documents and one, given as their lengths.",
        small_layer(),
        ((2, 6, 1), (9,)),
    ),
    (
        "seq_lens_sixty_five_tokens",
        "Documents that begin and end within a block of keys, given as their lengths.",
        small_layer(num_kv_heads=1, pos_embeddings=rotary(kind="Phi3RotaryPositionalEmbeddings")),
        ((20, 1, 33, 11),),
    ),
    (
        "seq_lens_bfloat16",
        "Documents in bfloat16, given as their lengths.",
        small_layer(dtype="bfloat16"),
        ((4, 5), (1, 8)),
    ),
]

CASES = [
    packed_case(name, description, layer, lengths, mask=packed(*lengths))
    for name, description, layer, lengths in GIVEN_AS_MASK
] + [
    packed_case(name, description, layer, lengths, seq_lens=lengths)
    for name, description, layer, lengths in GIVEN_AS_SEQ_LENS
]
