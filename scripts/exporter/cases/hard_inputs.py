"""Inputs that hurt: families that decide what attention sees (fixtures/family.h says what each one catches)."""

from ..case import Call, CaseEntry, Layer
from .mask_makers import even_keys
from .small_layer import selecting_layer, small_layer


def selected(family: str, name: str, description: str, layer: Layer, call: Call) -> CaseEntry:
    return CaseEntry(f"hard_inputs/{name}", description, layer, (call,), family=family, selected=True)


CASES = [
    selected(
        "one_hot",
        "one_hot",
        "Each token selects one key exactly: the attention stage is bit-equal in every correct kernel.",
        selecting_layer(4, 2, 16, is_causal=False),
        Call(1, 16),
    ),
    selected(
        "one_hot",
        "one_hot_causal",
        "One-hot selection among the keys a causal token may see; multi-query.",
        selecting_layer(3, 1, 20),
        Call(1, 17),
    ),
    selected(
        "identical_keys",
        "identical_keys",
        "Sixteen identical keys and integer values: every weight is exactly 1/16.",
        selecting_layer(2, 1, 16, is_causal=False),
        Call(2, 16),
    ),
    selected(
        "identical_keys",
        "identical_keys_64",
        "Sixty-four identical keys, heads of width 6.",
        selecting_layer(1, 1, 6, is_causal=False),
        Call(1, 64),
    ),
    selected(
        "small_integers",
        "small_integers_causal",
        "Integers with sharp peaks, causal.",
        selecting_layer(4, 2, 12),
        Call(1, 17),
    ),
    selected(
        "rare_key",
        "rare_key",
        "Keys of weight 1e-9, 1e-20, 1e-32 whose values are 1e9, 1e20, 1e32.",
        selecting_layer(2, 1, 8, is_causal=False),
        Call(2, 17),
    ),
    selected(
        "subnormal_v", "subnormal_v", "Values below the smallest normal float32.", selecting_layer(2, 1, 8), Call(1, 9)
    ),
    selected(
        "large_logits",
        "large_logits",
        "Logits of a standard deviation of 300.",
        selecting_layer(4, 2, 8, is_causal=False),
        Call(1, 17),
    ),
    selected(
        "large_logits",
        "large_logits_h_d_40",
        "Logits of a standard deviation of 300 where the scale is not exact; causal.",
        selecting_layer(1, 1, 40),
        Call(1, 17),
    ),
    selected(
        "ascending_logits",
        "ascending_logits",
        "Every key beats the ones before it, over more than one block.",
        selecting_layer(1, 1, 8, is_causal=False),
        Call(1, 130),
    ),
    selected(
        "max_in_last_block",
        "max_in_last_block",
        "The largest logit comes last, over more than one block.",
        selecting_layer(1, 1, 8, is_causal=False),
        Call(1, 129),
    ),
    selected(
        "unit_v",
        "unit_v",
        "Unit vectors as values: the output is the matrix of weights.",
        selecting_layer(2, 1, 17),
        Call(1, 17),
    ),
    selected(
        "cancelling_v",
        "cancelling_v",
        "Values of plus and minus 1e4 on keys of nearly equal weight.",
        selecting_layer(2, 2, 8, is_causal=False),
        Call(1, 16),
    ),
    selected(
        "masked_rows",
        "masked_keys_win",
        "Masked keys have logits 150 above the allowed ones; two rows are fully masked.",
        selecting_layer(2, 1, 8),
        Call(2, 9, mask=even_keys(9, 9, hidden_rows=(2, 8))),
    ),
]

CASES += [
    CaseEntry(
        f"hard_inputs/nan_in_{name}",
        f"One NaN in {name}.weight: legal data, and it must arrive where it belongs.",
        small_layer(),
        (call,),
        family="nan_weight",
        nan_weight=f"{name}.weight",
    )
    # torch's flash kernel takes a row of NaN scores for a fully masked one where it has fewer keys than its vectors
    # have lanes (16 with AVX-512), so the NaN that reaches the scores gets 17 tokens.
    for name, call in (("q_proj", Call(1, 17)), ("v_proj", Call(2, 5)), ("output_proj", Call(2, 5)))
]
