"""q_norm and k_norm, which torchtune applies after the rotary embedding; scales are far from uniform."""

from dataclasses import replace

from ..case import Call, CaseEntry, RMSNorm
from .small_layer import normed_layer, rotary

CALL = (Call(b=2, s=5),)

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
]
