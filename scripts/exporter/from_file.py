"""torchtune's own answer to a case that somebody else wrote: a counterexample that `attest replay --export` saved, or a
whole directory of drawn cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from . import criterion, provenance
from .case import RecordedCase, RefusedCase
from .layer import build_layer, rotary_tables
from .read_case import case_files, read_case
from .readers import compute_truth
from .recording import LayerCalls


def answered(path: Path, backend: str = "") -> Iterator[tuple[RecordedCase, list[criterion.Verdict]]]:
    """Each case with torchtune's own stages and the NumPy truth; `backend` as in a CaseEntry. Raises RefusedCase where
    torchtune raises, or where two files hold a case of one name."""
    names = set()
    for file in case_files(path):
        case = read_case(file)
        if case.name in names:
            raise RefusedCase(f"{file}: another file holds a case named {case.name} too")
        names.add(case.name)
        yield case, _answer(case, file, backend)


def _answer(case: RecordedCase, file: Path, backend: str) -> list[criterion.Verdict]:
    torch.set_num_threads(provenance.THREADS)
    module = build_layer(case.layer, case.weights)
    rows = len(case.tables["cos"].stored) if case.tables else 0
    case.tables = rotary_tables(module, rows)
    calls = LayerCalls(module, backend, case.layer.scale)
    for number, step in enumerate(case.steps):
        step.error = None
        calls.record(step, "")
        if step.error is not None:
            raise RefusedCase(f"{file}: torchtune raises in step {number}: {step.error.type}: {step.error.message}")
    drawn = {name: text for name, text in case.provenance.items() if name == "drawn"}
    case.provenance = provenance.collect(calls.backends) | drawn
    compute_truth(case)
    return criterion.judge(case)
