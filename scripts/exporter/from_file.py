"""torchtune's own answer to a case that somebody else wrote: a counterexample that `attest replay --export` saved, or a
whole directory of drawn cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from . import criterion, provenance
from .case import RecordedCase
from .export import RefusedCase, compute_truth, refuse_random
from .layer import build_layer, rotary_tables
from .read_case import read_case
from .recording import LayerCalls


def case_files(path: Path) -> list[Path]:
    """The file itself, or every case file below a directory."""
    return sorted(path.glob("**/*.h5")) if path.is_dir() else [path]


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
    refuse_random(case)
    torch.set_num_threads(provenance.THREADS)
    module = build_layer(case.layer, case.weights)
    rows = len(case.tables["cos"].stored) if case.tables else 0
    case.tables = rotary_tables(module, rows)
    calls = LayerCalls(module, backend)
    for number, step in enumerate(case.steps):
        calls.record(step, "")
        if step.error is not None:
            raise RefusedCase(f"{file}: torchtune raises in step {number}: {step.error.type}: {step.error.message}")
    drawn = {name: text for name, text in case.provenance.items() if name == "drawn"}
    case.provenance = provenance.collect(calls.backends) | drawn
    compute_truth(case)
    return criterion.judge(case)
