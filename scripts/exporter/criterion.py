"""The parity criterion applied to torchtune's own recorded outputs: a case that fails it is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .case import RecordedCase, RecordedStep
from .end_to_end import ILL_CONDITIONED_LOGIT, EndToEndBudgets
from .localised import LocalisedTruth
from .sampled import SampledTruth
from .tensor import from_float64

LOCALISED, END_TO_END, EXACT = "localised", "end to end", "exact"
EXACT_ATTENTION = ("one_hot", "identical_keys")  # families whose attention every correct kernel computes bit for bit


@dataclass(frozen=True)
class Verdict:
    """e: the largest share of the error budget that any judged element used; infinite where a class differs."""

    step: int
    stage: str
    kind: str
    e: float
    ill_conditioned_rows: int = 0

    @property
    def passed(self) -> bool:
        return self.e <= 1.0

    def __str__(self) -> str:
        return f"step {self.step:03d} {self.stage} ({self.kind}): e = {self.e:.4g}"


def judge(case: RecordedCase) -> list[Verdict]:
    """Every stage of every step, localised and end to end."""
    localised = LocalisedTruth(case.layer, case.weights, case.tables)
    end_to_end = EndToEndBudgets(case.layer, case.weights, case.tables)
    sampled = SampledTruth(case.layer, case.weights, case.tables)
    verdicts: list[Verdict] = []
    with np.errstate(invalid="ignore"):
        for number, step in enumerate(case.steps):
            if step.error is not None:
                continue
            if step.rows is not None:
                verdicts += _sampled(number, step, sampled)
                continue
            for stage, (value, budget) in localised.forward(step).items():
                e = share_of_budget(step.expected[stage].to_float64(), value, budget)
                verdicts.append(Verdict(number, stage, LOCALISED, e))
            verdicts += _end_to_end(number, step, end_to_end)
            if case.family in EXACT_ATTENTION:
                exact = from_float64(step.truth["attention"].stored, case.layer.dtype)
                same = np.array_equal(exact.to_float64(), step.expected["attention"].to_float64())
                verdicts.append(Verdict(number, "attention", EXACT, 0.0 if same else np.inf))
    return verdicts


def _sampled(number: int, step: RecordedStep, truth_of: SampledTruth) -> list[Verdict]:
    """The attention is judged once: alone and end to end it reads the same exact q, k and v."""
    truth = truth_of.forward(step)
    attention, output = (step.expected[name].to_float64() for name in ("attention", "output"))
    alone = truth_of.output(attention, None)
    return [
        Verdict(number, "attention", LOCALISED, share_of_budget(attention, truth.attention, truth.attention_budget)),
        Verdict(number, "output", LOCALISED, share_of_budget(output, *alone)),
        Verdict(number, "output", END_TO_END, share_of_budget(output, truth.output, truth.output_budget)),
    ]


def _end_to_end(number: int, step: RecordedStep, budgets_of: EndToEndBudgets) -> list[Verdict]:
    budgets, condition = budgets_of.forward(step)
    ill = condition > ILL_CONDITIONED_LOGIT  # [b, n_h, s_x]
    left_out = {"attention": ill, "output": np.any(ill, axis=1)}
    verdicts = []
    for stage, budget in budgets.items():
        value, actual = step.truth[stage].to_float64(), step.expected[stage].to_float64()
        rows = left_out.get(stage, np.zeros(value.shape[:-1], dtype=bool))
        e = share_of_budget(actual[~rows], value[~rows], budget[~rows])
        verdicts.append(Verdict(number, stage, END_TO_END, e, int(np.sum(rows))))
    return verdicts


def share_of_budget(actual: np.ndarray, value: np.ndarray, budget: np.ndarray) -> float:
    """max |actual - value| / budget over finite elements. NaN, +inf and -inf must be where the value has them."""
    if actual.shape != value.shape:
        return np.inf
    finite = np.isfinite(value)
    same_class = np.where(finite, np.isfinite(actual), (actual == value) | (np.isnan(actual) & np.isnan(value)))
    if not np.all(same_class):
        return np.inf
    error, allowed = np.abs(actual - value)[finite], budget[finite]
    if error.size == 0:
        return 0.0
    share = np.where(error == 0.0, 0.0, error / np.where(allowed > 0.0, allowed, np.nan))
    return float(np.max(np.where(np.isnan(share), np.inf, share)))
