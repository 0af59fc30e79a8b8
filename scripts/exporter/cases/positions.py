"""Positional embeddings of every kind, and every shape of input_pos that torchtune accepts."""

import numpy as np

from ..case import Call, CaseEntry
from .small_layer import rotary, small_layer

B, S = 2, 5
PER_SAMPLE = np.array([[3, 4, 5, 6, 7], [0, 1, 2, 40, 41]])
KINDS = {
    "base": "RotaryPositionalEmbeddings",
    "llama3_scaled": "Llama3ScaledRoPE",
    "phi3": "Phi3RotaryPositionalEmbeddings",
    "qwen2": "Qwen2RotaryPositionalEmbeddings",
}

CASES = [
    CaseEntry(
        "positions/none",
        "No positional embedding; input_pos is then ignored.",
        small_layer(pos_embeddings=None),
        (Call(B, S), Call(B, S, input_pos=PER_SAMPLE)),
    ),
]

CASES += [
    CaseEntry(
        f"positions/{name}",
        f"{kind}: default positions, then others for each sample.",
        small_layer(pos_embeddings=rotary(kind=kind)),
        (Call(B, S), Call(B, S, input_pos=PER_SAMPLE)),
    )
    for name, kind in KINDS.items()
]

CASES += [
    CaseEntry(
        f"positions/{name}_far",
        f"{kind} at positions up to 255, wider heads.",
        small_layer(num_heads=2, num_kv_heads=1, head_dim=16, pos_embeddings=rotary(16, kind, 256)),
        (Call(1, 3, input_pos=np.array([0, 128, 255])),),
    )
    for name, kind in KINDS.items()
]

CASES += [
    CaseEntry(
        "positions/base_thousands",
        "Positions that do not fit a byte.",
        small_layer(head_dim=4, pos_embeddings=rotary(4, max_seq_len=4096)),
        (Call(1, 4, input_pos=np.array([255, 256, 700, 4095])),),
    ),
    CaseEntry(
        "positions/llama3_2_scaled",
        "Llama3ScaledRoPE with Llama 3.2's factor of 32.",
        small_layer(pos_embeddings=rotary(kind="Llama3ScaledRoPE", scale_factor=32.0)),
        (Call(B, S, input_pos=PER_SAMPLE),),
    ),
    CaseEntry(
        "positions/base_500000",
        "The base rotary embedding with Llama 3's base.",
        small_layer(pos_embeddings=rotary(base=500_000.0)),
        (Call(B, S, input_pos=PER_SAMPLE),),
    ),
]

INPUT_POS = {
    "shared_1d": ("[s]: shared by the batch", Call(B, S, input_pos=np.array([7, 8, 9, 30, 31]))),
    "shared_2d": ("[1, s]: shared by the batch", Call(B, S, input_pos=np.array([[7, 8, 9, 30, 31]]))),
    "flat": ("[b s]: re-read as [b, s]", Call(B, S, input_pos=PER_SAMPLE.reshape(-1))),
    "transposed": ("[s, b]: silently re-read row by row as [b, s]", Call(B, S, input_pos=PER_SAMPLE.T.copy())),
    "scalar": ("no dimension, with one token", Call(B, 1, input_pos=np.array(11))),
    "one_each": ("[b] with one token each: positions by sample", Call(3, 1, input_pos=np.array([11, 0, 63]))),
    "negative": ("negative positions wrap at the table's end", Call(B, S, input_pos=np.array([-1, -64, 0, -2, 5]))),
    "int32": ("int32", Call(B, S, input_pos=PER_SAMPLE.astype(np.int32))),
    "unordered": ("unordered and repeated", Call(B, S, input_pos=np.array([9, 2, 2, 0, 33]))),
}

CASES += [
    CaseEntry(f"positions/input_pos_{name}", f"input_pos {what}.", small_layer(), (call,))
    for name, (what, call) in INPUT_POS.items()
]
