"""The layer program's three readers: the truth, each stage alone, and the error budgets end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np

from .case import RecordedCase, RecordedStep
from .error_budget import UNDERFLOW, Judged, stored
from .layer_formulas import Formula, LayerFormulas
from .layer_program import LayerProgram
from .tensor import from_float64, half_ulp, round_to

T = TypeVar("T")


class Truth:
    """Float64 values from x. Hands on each as the module rounds it, and keeps it as it was before that."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.stages: dict[str, np.ndarray] = {}

    def exact(self, values: np.ndarray) -> np.ndarray:
        return values

    def stage(self, name: str, formula: Formula, *inputs: np.ndarray) -> np.ndarray:
        self.stages[name] = formula.value(*inputs)
        return round_to(self.stages[name], self.dtype)

    def moved(self, move: Callable[..., np.ndarray], *inputs: np.ndarray) -> np.ndarray:
        return move(*inputs)

    def empty_slots(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape)

    def cache(self, name: str, slots: np.ndarray) -> np.ndarray:
        self.stages[name] = slots
        return slots


class Localised(Truth):
    """Hands on what torchtune recorded. A sampled step's projections are not, and need not be: they are exact."""

    def __init__(self, step: RecordedStep, dtype: str) -> None:
        super().__init__(dtype)
        self._recorded = {name: tensor.to_float64() for name, tensor in step.expected.items()}
        self.judged: dict[str, Judged] = {}

    def stage(self, name: str, formula: Formula, *inputs: np.ndarray) -> np.ndarray:
        value = formula.value(*inputs)
        self.judged[name] = stored(formula.budget(value, *inputs), value, self.dtype)
        return self._recorded.get(name, value)

    def cache(self, name: str, slots: np.ndarray) -> np.ndarray:
        """A copy has no rounding."""
        self.judged[name] = Judged(slots, np.zeros(slots.shape))
        return self._recorded.get(name, slots)


class Link(NamedTuple):
    value: np.ndarray
    budget: np.ndarray | None  # None: exact


class EndToEnd:
    """Hands on the stored truth as the module rounds it, and its budget."""

    def __init__(self, step: RecordedStep, dtype: str) -> None:
        self.dtype = dtype
        self._truth = {name: tensor.to_float64() for name, tensor in step.truth.items()}
        self.judged: dict[str, Judged] = {}

    def exact(self, values: np.ndarray) -> Link:
        return Link(values, None)

    def stage(self, name: str, formula: Formula, *inputs: Link) -> Link:
        values, budgets = zip(*inputs, strict=True)
        value = self._truth[name] if name in self._truth else formula.value(*values)
        judged = stored(formula.budget(value, *values, *budgets), value, self.dtype)
        attention = self.judged.get("attention")
        if attention is not None and attention.condition is not None:  # a token's output reads all its heads
            judged = judged._replace(condition=np.max(attention.condition, axis=1))
        self.judged[name] = judged
        return Link(round_to(value, self.dtype), judged.budget)

    def moved(self, move: Callable[..., np.ndarray], *inputs: Link) -> Link:
        values, budgets = zip(*inputs, strict=True)
        return Link(move(*values), move(*budgets))

    def empty_slots(self, shape: tuple[int, ...]) -> Link:
        return Link(np.zeros(shape), np.full(shape, UNDERFLOW))

    def cache(self, name: str, slots: Link) -> Link:
        """The truth's cache holds rounded values, each half an ulp at most from the value that its budget is centred
        on: only the cache's own judgement needs that half."""
        assert slots.budget is not None
        rounding = half_ulp(slots.value, self.dtype) if self.dtype != "float32" else 0.0
        self.judged[name] = Judged(slots.value, slots.budget + rounding)
        return slots


def in_file(step: RecordedStep, stages: dict[str, T]) -> dict[str, T]:
    """The stages that a case file has, of all that the layer computes."""
    return {name: stage for name, stage in stages.items() if step.rows is None or name in ("attention", "output")}


@np.errstate(all="ignore")
def compute_truth(case: RecordedCase) -> None:
    """Fills every step's truth from its inputs and the case's tables."""
    program: LayerProgram[np.ndarray] = LayerProgram(LayerFormulas(case))
    for step in case.steps:
        if step.error is None:
            truth = Truth(case.layer.dtype)
            program.forward(step, truth)
            step.truth = {name: from_float64(value, "float64") for name, value in in_file(step, truth.stages).items()}


def judged_steps(case: RecordedCase) -> Iterator[tuple[int, RecordedStep, dict[str, Judged], dict[str, Judged]]]:
    """The number of each step that returned, the step, and its stages localised and end to end."""
    formulas, dtype = LayerFormulas(case), case.layer.dtype
    alone: LayerProgram[np.ndarray] = LayerProgram(formulas)
    chain: LayerProgram[Link] = LayerProgram(formulas)
    for number, step in enumerate(case.steps):
        if step.error is None:
            localised, end_to_end = Localised(step, dtype), EndToEnd(step, dtype)
            with np.errstate(all="ignore"):
                alone.forward(step, localised)
                chain.forward(step, end_to_end)
            yield number, step, in_file(step, localised.judged), in_file(step, end_to_end.judged)
