"""The parity criterion applied to torchtune's own recorded outputs: a case that fails it is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .case import RecordedCase
from .error_budget import Judged
from .readers import judged_steps
from .tensor import from_float64

ILL_CONDITIONED_LOGIT = 0.25  # a propagated logit error above this on a key that matters
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
    """Every recorded stage of every step, localised and end to end."""
    verdicts: list[Verdict] = []
    for number, step, localised, end_to_end in judged_steps(case):
        recorded = {stage: tensor.to_float64() for stage, tensor in step.expected.items()}
        for kind, judged in ((LOCALISED, localised), (END_TO_END, end_to_end)):
            verdicts += [_verdict(number, stage, kind, actual, judged[stage]) for stage, actual in recorded.items()]
        if case.family in EXACT_ATTENTION:
            exact = from_float64(end_to_end["attention"].value, case.layer.dtype).to_float64()
            same = np.array_equal(exact, recorded["attention"])
            verdicts.append(Verdict(number, "attention", EXACT, 0.0 if same else np.inf))
    return verdicts


def _verdict(number: int, stage: str, kind: str, actual: np.ndarray, judged: Judged) -> Verdict:
    value, budget, condition = judged
    left_out = np.zeros(value.shape[:-1], dtype=bool) if condition is None else condition > ILL_CONDITIONED_LOGIT
    e = share_of_budget(actual[~left_out], value[~left_out], budget[~left_out])
    return Verdict(number, stage, kind, e, int(np.sum(left_out)))


@np.errstate(invalid="ignore")
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
