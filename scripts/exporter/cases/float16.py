"""float16: rounded where bfloat16 is, with three more digits and far less range."""

from ..case import Call
from .bfloat16 import in_16_bits
from .hard_inputs import selected
from .small_layer import selecting_layer

CASES = [
    *in_16_bits("float16", ("base", "qwen2")),
    selected(
        "large_logits",
        "large_logits_float16",
        "Logits of a standard deviation of 300: most weights are subnormal or 0.",
        selecting_layer(4, 2, 8, dtype="float16"),
        Call(1, 17),
    ),
    selected(
        "unit_v",
        "unit_v_float16",
        "The output is the matrix of weights.",
        selecting_layer(2, 1, 17, dtype="float16"),
        Call(1, 17),
    ),
]
