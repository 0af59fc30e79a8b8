"""Calls too large to be stored: attention and output of sampled tokens only, each with all its keys. The projections
select (see selecting_weights.py), so q, k and v are exact in every kernel and carry no budget into the attention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import error_budget, truth
from .case import RecordedStep
from .end_to_end import KAPPA
from .error_budget import stored
from .layer_walk import LayerWalk, mask_of
from .tensor import Tensor, from_array, from_float64

DIGESTED = ("q_proj", "k_proj", "v_proj")


def rows_of(step: RecordedStep) -> np.ndarray:
    """int64 [r, 2]."""
    assert step.rows is not None
    return step.rows.stored


def keep_rows(step: RecordedStep, stages: dict[str, Tensor]) -> None:
    """Fills `expected` and `sha256` of a sampled step from torchtune's whole stages."""
    samples, tokens = rows_of(step).T
    attention, output = stages["attention"], stages["output"]
    step.sha256 = {name: stages[name].sha256() for name in DIGESTED if name in stages}
    step.expected = {
        "attention": Tensor(attention.dtype, np.ascontiguousarray(attention.stored[samples, :, tokens])),
        "output": Tensor(output.dtype, np.ascontiguousarray(output.stored[samples, tokens])),
    }


@dataclass(frozen=True)
class SampledStages:
    """float64 values and budgets of the sampled rows: attention [r, n_h, h_d], output [r, out_features]."""

    attention: np.ndarray
    attention_budget: np.ndarray
    output: np.ndarray
    output_budget: np.ndarray  # end to end


class SampledTruth(LayerWalk):
    """Follows a layer of sampled steps."""

    def forward(self, step: RecordedStep) -> SampledStages:
        x, y, _ = self.begin(step)
        k = v = truth.NOTHING
        if y is not None:
            k, v = (self.by_head(self._linear(name, y)) for name in ("k_proj", "v_proj"))
        if self.slots is not None:
            if y is not None:
                self.slots.append(k, v)
            k, v = self.slots.k, self.slots.v
        rows = [self._attention(step, x, k, v, sample, token) for sample, token in rows_of(step)]
        value, budget = (np.stack(part) for part in zip(*rows, strict=True))
        value_out, budget_out = self.output(self.rounded(value), budget)
        return SampledStages(value, budget, value_out, budget_out)

    def truth(self, step: RecordedStep) -> dict[str, Tensor]:
        """Stage name -> float64 tensor."""
        stages = self.forward(step)
        return {name: from_float64(getattr(stages, name), "float64") for name in ("attention", "output")}

    def output(self, attention: np.ndarray, dx: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Value and budget [r, out_features] after attention [r, n_h, h_d] with the budget dx."""
        merged = attention.reshape(len(attention), -1)
        weight, bias = self.weights["output_proj.weight"], self.weights.get("output_proj.bias")
        value = truth.linear(merged, weight, bias)
        budget = error_budget.linear(merged, weight, bias)
        if dx is not None:
            budget += KAPPA * np.sqrt(np.square(dx.reshape(merged.shape)) @ np.square(weight).T)
        return value, stored(budget, value, self.layer.dtype)

    def _linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return truth.linear(x, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def _attention(
        self, step: RecordedStep, x: np.ndarray, k: np.ndarray, v: np.ndarray, sample: int, token: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """One token's value and budget [n_h, h_d]."""
        dtype = self.layer.dtype
        q = self.by_head(self._linear("q_proj", x[sample : sample + 1, token : token + 1]))
        k, v = k[sample : sample + 1], v[sample : sample + 1]
        mask = self._mask_row(step, k.shape[2], sample, token)
        value = truth.attention(q, k, v, mask, is_causal=False)
        budget = stored(error_budget.attention(q, k, v, mask, False, dtype), value, dtype)
        return value[0, :, 0], budget[0, :, 0]

    def _mask_row(self, step: RecordedStep, s_k: int, sample: int, token: int) -> Tensor | None:
        """[1, 1, s_k]: what this token sees, the causal rule included."""
        if "seq_lens" in step.inputs:
            lengths = step.inputs["seq_lens"].stored
            document = np.repeat(np.arange(lengths.shape[1]), lengths[min(sample, len(lengths) - 1)])
            return from_array(((document == document[token]) & (np.arange(s_k) <= token))[None, None])
        mask = mask_of(step)
        if mask is None:
            causal = truth.attends_causally(self.layer, None)
            return from_array((np.arange(s_k) <= token)[None, None]) if causal else None
        at = tuple(min(index, extent - 1) for index, extent in zip((sample, token), mask.shape, strict=False))
        return Tensor(mask.dtype, mask.stored[at][None, None])
