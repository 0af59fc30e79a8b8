"""Layers of published models, their shapes read from torchtune's own builders; weights and inputs are generated."""

import numpy as np

from ..builder_layer import layer_from_builder
from ..case import Call, CaseEntry, KVCache, Layer, RMSNorm
from .mask_makers import causal

SLOTS = 6


def prefill(s: int) -> tuple[Call, ...]:
    """Few tokens: a stage of four thousand channels takes 50 KiB a token."""
    return (Call(1, s),)


def prefill_and_decode() -> tuple[Call, ...]:
    return (
        Call(1, 4, mask=causal(4, SLOTS), input_pos=np.arange(4)),
        Call(1, 1, mask=causal(1, SLOTS, 4), input_pos=np.array([4])),
    )


def real_layer(name: str, description: str, layer: Layer, calls: tuple[Call, ...]) -> CaseEntry:
    return CaseEntry(f"real_layers/{name}", description, layer, calls, family="real_layer", generated=True)


# torchtune's package of this model wants torchvision, so its fusion cross-attention is written down here
# (torchtune/models/llama3_2_vision/_component_builders.py, llama3_2_vision_11b).
LLAMA3_2_VISION_11B_FUSION = Layer(
    embed_dim=4096,
    num_heads=32,
    num_kv_heads=8,
    head_dim=128,
    q_norm=RMSNorm(128, 1e-5),
    k_norm=RMSNorm(128, 1e-5),
    max_seq_len=128_080,
    is_causal=False,
)

CASES = [
    real_layer(name, description, layer_from_builder(builder), prefill(s))
    for name, description, builder, s in [
        ("llama3_2_3b", "Llama 3.2 3B.", "llama3_2.llama3_2_3b", 3),
        ("llama3_1_8b", "Llama 3.1 8B.", "llama3_1.llama3_1_8b", 3),
        ("qwen2_5_7b", "Qwen2.5 7B.", "qwen2_5.qwen2_5_7b_base", 3),
        ("phi3_mini", "Phi-3 mini.", "phi3.phi3_mini", 3),
        ("mistral_7b", "Mistral 7B.", "mistral.mistral_7b", 3),
        ("gemma_2b", "Gemma 2B.", "gemma.gemma_2b", 5),
        ("llama2_7b", "Llama 2 7B.", "llama2.llama2_7b", 2),
    ]
]

CASES += [
    real_layer(
        name,
        f"{title}: a prefill and a decode with a cache.",
        layer_from_builder(builder, kv_cache=KVCache(1, SLOTS)),
        prefill_and_decode(),
    )
    for name, title, builder in [
        ("llama3_2_1b", "Llama 3.2 1B", "llama3_2.llama3_2_1b"),
        ("qwen2_5_0_5b", "Qwen2.5 0.5B", "qwen2_5.qwen2_5_0_5b"),
    ]
]

CASES += [
    real_layer(
        "llama3_2_vision_11b_fusion",
        "Llama 3.2 11B vision's fusion cross-attention: keys and values from the image.",
        LLAMA3_2_VISION_11B_FUSION,
        (Call(1, 2, y=4),),
    ),
    real_layer(
        "llama3_2_1b_bfloat16",
        "Llama 3.2 1B in bfloat16.",
        layer_from_builder("llama3_2.llama3_2_1b", dtype="bfloat16"),
        prefill(3),
    ),
    real_layer(
        "qwen2_5_0_5b_bfloat16",
        "Qwen2.5 0.5B in bfloat16: a prefill and a decode with a cache.",
        layer_from_builder("qwen2_5.qwen2_5_0_5b", dtype="bfloat16", kv_cache=KVCache(1, SLOTS)),
        prefill_and_decode(),
    ),
    real_layer(
        "llama3_1_8b_bfloat16",
        "Llama 3.1 8B in bfloat16.",
        layer_from_builder("llama3_1.llama3_1_8b", dtype="bfloat16"),
        prefill(3),
    ),
]
