"""Masks of both kinds in every broadcast torchtune accepts. A mask always switches is_causal off."""

import numpy as np

from ..case import Call, CaseEntry
from .mask_makers import LOWEST, constant, random_bool, random_float
from .small_layer import small_layer

B, S = 2, 5

BOOL_SHAPES = {
    "full": (B, S, S),
    "shared_by_batch": (1, S, S),
    "keys_of_each_sample": (B, 1, S),
    "rows_of_each_sample": (B, S, 1),
    "whole_samples": (B, 1, 1),
    "shared_keys": (1, 1, S),
    "shared_rows": (1, S, 1),
}

CASES = [
    CaseEntry(
        f"masks/bool_{name}",
        f"bool mask {list(shape)}, broadcast over the scores.",
        small_layer(),
        (Call(B, S, mask=random_bool(*shape)),),
    )
    for name, shape in BOOL_SHAPES.items()
]

CASES += [
    CaseEntry(
        f"masks/float_{name}",
        f"float mask {list(shape)}, added to the scaled scores; some entries are -inf.",
        small_layer(),
        (Call(B, S, mask=random_float(*shape, hidden=0.25)),),
    )
    for name, shape in BOOL_SHAPES.items()
    if not name.startswith("shared_rows")
]

LOWEST_ROWS = np.zeros((1, S, S), dtype=np.float32)
LOWEST_ROWS[0, 1] = LOWEST
LOWEST_ROWS[0, 3, 2:] = LOWEST

CASES += [
    CaseEntry(
        "masks/bool_fully_masked_rows",
        "Rows that attend to nothing give exactly 0.",
        small_layer(),
        (Call(B, S, mask=random_bool(B, S, S, hidden_rows=(0, 3))),),
        family="masked_rows",
    ),
    CaseEntry(
        "masks/float_fully_masked_rows",
        "Rows of -inf give exactly 0.",
        small_layer(),
        (Call(B, S, mask=random_float(B, S, S, hidden_rows=(1, 4))),),
        family="masked_rows",
    ),
    CaseEntry(
        "masks/bool_all_false",
        "Nothing attends to anything: the output is 0 everywhere but for the bias.",
        small_layer(bias="o"),
        (Call(1, 3, mask=constant(np.zeros((1, 1, 1), dtype=bool))),),
        family="masked_rows",
    ),
    CaseEntry(
        "masks/bool_all_true",
        "An all-True mask switches causality off.",
        small_layer(),
        (Call(B, S, mask=constant(np.ones((B, S, S), dtype=bool))),),
    ),
    CaseEntry(
        "masks/bool_lower_triangle",
        "A lower-triangular mask is what is_causal does.",
        small_layer(is_causal=False),
        (Call(B, S, mask=constant(np.tri(S, dtype=bool)[None])),),
    ),
    CaseEntry(
        "masks/float_one_zero_triangle",
        "A triangle of ones and zeros is added, not applied: every key is seen.",
        small_layer(),
        (Call(B, S, mask=constant(np.tri(S, dtype=np.float32)[None])),),
    ),
    CaseEntry(
        "masks/float_lowest_number",
        "The lowest float32 swallows the scores: a row of it is the plain mean of the values, a part of it hides keys.",
        small_layer(),
        (Call(B, S, mask=constant(LOWEST_ROWS)),),
    ),
    CaseEntry(
        "masks/float_large_bias",
        "Biases of a few hundred decide every row.",
        small_layer(),
        (Call(B, S, mask=random_float(B, S, S, scale=300.0)),),
    ),
    CaseEntry(
        "masks/float_shifted_by_ten_thousand",
        "Minus 1e4 on a whole row shifts it and hides nothing.",
        small_layer(),
        (Call(B, S, mask=constant(np.full((1, S, 1), -1e4, dtype=np.float32))),),
    ),
    CaseEntry(
        "masks/bool_seventeen_tokens",
        "A random mask over seventeen tokens with three rows fully masked; multi-query.",
        small_layer(num_kv_heads=1),
        (Call(1, 17, mask=random_bool(1, 17, 17, hidden_rows=(0, 8, 16))),),
        family="masked_rows",
    ),
]
