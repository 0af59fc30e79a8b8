"""A scale of the scores of the layer's own, which torch's attention takes and torchtune never says."""

from ..case import Call, CaseEntry, KVCache
from .mask_makers import random_float
from .small_layer import tiny_layer

CASES = [
    CaseEntry(
        "scales/of_another_width",
        "Gemma 2's: 1/sqrt of another number than the heads' width.",
        tiny_layer(scale=1.0 / 12.0),
        (Call(b=1, s=7),),
    ),
    CaseEntry(
        "scales/none",
        "T5's: scores are not scaled; a float mask is added.",
        tiny_layer(scale=1.0, pos_embeddings=None),
        (Call(b=1, s=6, mask=random_float(1, 6, 6)),),
    ),
    CaseEntry(
        "scales/negative",
        "A negative scale prefers the keys that are least alike. torch's flash kernel gives NaN under causality there.",
        tiny_layer(scale=-0.5, num_kv_heads=1, pos_embeddings=None),
        (Call(b=1, s=9),),
        backend="math",
    ),
    CaseEntry(
        "scales/bfloat16_with_cache",
        "A scale in bfloat16, over a cache whose empty slots are seen.",
        tiny_layer(scale=0.25, dtype="bfloat16", kv_cache=KVCache(1, 5), pos_embeddings=None),
        (Call(b=1, s=4),),
    ),
]
