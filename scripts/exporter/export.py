"""From an entry of the case list to a recorded case: draw, build, run torchtune, compute the truth, judge."""

from __future__ import annotations

import numpy as np
import torch

from . import criterion, families, provenance
from .case import CaseEntry, RaisedError, RecordedCase, RefusedCase
from .layer import build_layer, rotary_tables
from .readers import compute_truth
from .recording import LayerCalls


def export_case(entry: CaseEntry) -> tuple[RecordedCase, list[criterion.Verdict]]:
    """Runs torchtune and judges what it computed. Raises RefusedCase."""
    torch.set_num_threads(provenance.THREADS)
    case = RecordedCase(
        entry.name, entry.description, entry.family, entry.layer, {}, {}, families.draw_steps(entry), {}
    )
    backends = _run_torchtune(entry, case)
    case.provenance = provenance.collect(backends)
    _refuse_unexpected_errors(entry, case)
    compute_truth(case)
    verdicts = criterion.judge(case)
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if failed:
        raise RefusedCase(f"{entry.name}: torchtune's own output fails the criterion: " + "; ".join(map(str, failed)))
    return case, verdicts


def _run_torchtune(entry: CaseEntry, case: RecordedCase) -> set[str]:
    """Fills weights, tables and the steps' expected stages or errors; returns the attention kernels that ran."""
    weights = families.draw_weights(entry)
    try:
        module = build_layer(entry.layer, weights)
    except ValueError as raised:
        case.steps[0].error = RaisedError("constructor", type(raised).__name__, str(raised), entry.field)
        return set()
    case.weights = weights
    case.tables = rotary_tables(module, _table_rows(entry))
    calls = LayerCalls(module, entry.backend, entry.layer.scale)
    for number, step in enumerate(case.steps):
        torch.manual_seed(families.seed(entry.name) + number)
        calls.record(step, entry.field)
    return calls.backends


def _table_rows(entry: CaseEntry) -> int:
    """As many rows of the rotary tables as the case's positions reach; all of them if a position wraps."""
    rotary = entry.layer.pos_embeddings
    if rotary is None:
        return 0
    rows = 1
    for call in entry.calls:
        length = max(call.s, call.y) if isinstance(call.y, int) else call.s
        last = length - 1 if call.input_pos is None else int(np.max(call.input_pos))
        wraps = call.input_pos is not None and np.min(call.input_pos) < 0
        rows = max(rows, rotary.max_seq_len if wraps else last + 1)
    return min(rows, rotary.max_seq_len)


def _refuse_unexpected_errors(entry: CaseEntry, case: RecordedCase) -> None:
    raised = [step.error for step in case.steps if step.error is not None]
    if bool(raised) != bool(entry.field):
        what = f"{raised[0].type}: {raised[0].message}" if raised else "nothing was raised"
        raise RefusedCase(f"{entry.name}: field is '{entry.field}', but {what}")
