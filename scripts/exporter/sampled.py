"""Calls too large to be stored: attention and output of sampled tokens only, each with all its keys. The projections
select (see selecting_weights.py), so q, k and v are exact in every kernel and carry no budget into the attention."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from .case import RecordedStep
from .tensor import Tensor

DIGESTED = ("q_proj", "k_proj", "v_proj")
T = TypeVar("T")


def keep_rows(step: RecordedStep, stages: dict[str, Tensor]) -> None:
    """Fills `expected` and `sha256` of a sampled step from torchtune's whole stages."""
    assert step.rows is not None
    samples, tokens = step.rows.stored.T
    attention, output = stages["attention"], stages["output"]
    step.sha256 = {name: stages[name].sha256() for name in DIGESTED if name in stages}
    step.expected = {
        "attention": Tensor(attention.dtype, np.ascontiguousarray(attention.stored[samples, :, tokens])),
        "output": Tensor(output.dtype, np.ascontiguousarray(output.stored[samples, tokens])),
    }


def in_file(step: RecordedStep, stages: dict[str, T]) -> dict[str, T]:
    """The stages that a case file has, of all that the layer computes."""
    whole = step.rows is None
    return {name: stage for name, stage in stages.items() if whole or name in ("attention", "output")}
