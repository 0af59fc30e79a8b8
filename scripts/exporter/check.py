"""Compares stored case files with freshly made ones, without writing.

Inputs, weights, masks, positions, configuration and generators must be bit-equal on any machine. torch picks its
kernels by processor and thread count, so rotary tables and torchtune's outputs are bit-equal only where the provenance
is the same; elsewhere they are judged by the criterion. The float64 truth, whose sums NumPy's BLAS orders as it likes,
must be within what two float64 results may differ by.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from . import criterion
from .case import RecordedCase
from .case_file import case_bytes, file_name
from .provenance import DECISIVE
from .read_case import read_case
from .readers import compute_truth
from .stored_case import Flat, describe_difference, flatten, same_bits

TRUTH = re.compile(r"/steps/\d+/truth/\w+")
BY_TORCH = re.compile(r"/tables/\w+|/steps/\d+/expected/\w+")
TRUTH_TOLERANCE = 1e-12  # relative to the stage's largest value: two float64 sums in another order
THETA_ULPS = 4  # between two correct float32 powers and divisions
TABLE_TOLERANCE = 2.0**-22  # of cos and sin, for the float32 angle: 2 ulp


def differences(fresh: RecordedCase, directory: Path) -> list[str]:
    """One sentence for each dataset or attribute of the stored file that is not what it should be."""
    file = directory / file_name(fresh.name)
    try:
        stored = flatten(file)
    except (OSError, RuntimeError) as problem:
        reason = "is missing" if not file.exists() else f"cannot be read as HDF5 ({problem})"
        return [f"{fresh.name}: {file} {reason}"]
    now = flatten(case_bytes(fresh))
    return [f"{fresh.name}: {what}" for what in _differences(stored, now, fresh, file)]


def _differences(stored: Flat, now: Flat, fresh: RecordedCase, file: Path) -> list[str]:
    found = [f"{path} is missing" for path in now if path not in stored and "/provenance@" not in path]
    found += [f"{path} is not part of the case" for path in stored if path not in now and "/provenance@" not in path]
    same_provenance = all(stored.get(f"/provenance@{name}") == now[f"/provenance@{name}"] for name in DECISIVE)
    for path in now:
        if path not in stored or "/provenance@" in path:
            continue
        judged = TRUTH.fullmatch(path) or (BY_TORCH.fullmatch(path) and not same_provenance)
        if judged and _same_layout(stored[path], now[path]):
            continue
        if not same_bits(stored[path], now[path]):
            found.append(f"{path} differs: {describe_difference(stored[path], now[path])}")
    if found or same_provenance:
        return found or _judge_truth(stored, fresh)
    return _judge_tables(stored, now) + _judge_outputs(stored, fresh, read_case(file))


def _same_layout(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape


def _judge_tables(stored: Flat, now: Flat) -> list[str]:
    """theta within a few ulp of ours; cos and sin those of the stored theta's own float32 angles."""
    if "/tables/theta" not in stored:
        return []
    theta, cos, sin = (stored[f"/tables/{name}"] for name in ("theta", "cos", "sin"))
    found = []
    if not np.all(np.abs(theta - now["/tables/theta"]) <= THETA_ULPS * np.spacing(np.abs(theta))):
        found.append(f"/tables/theta differs by more than {THETA_ULPS} ulp")
    angle = (np.arange(len(cos), dtype=np.float32)[:, None] * theta[None, :]).astype(np.float64)
    for name, table, exact in (("cos", cos, np.cos(angle)), ("sin", sin, np.sin(angle))):
        if not np.all(np.abs(table - exact) <= TABLE_TOLERANCE):
            found.append(f"/tables/{name} is not the {name} of position times theta")
    return found


def _judge_outputs(stored: Flat, fresh: RecordedCase, recorded: RecordedCase) -> list[str]:
    """Judges the stored truth and outputs on the stored tables."""
    fresh.tables = recorded.tables
    compute_truth(fresh)
    failed = [verdict for verdict in criterion.judge(recorded) if not verdict.passed]
    return _judge_truth(stored, fresh) + [
        f"torchtune's stored output fails the criterion: {verdict}" for verdict in failed
    ]


def _judge_truth(stored: Flat, fresh: RecordedCase) -> list[str]:
    """The stored truth must be what the tables of `fresh` and its inputs imply."""
    return [
        f"/steps/{number:03d}/truth/{name} is not what its inputs imply"
        for number, step in enumerate(fresh.steps)
        for name, value in step.truth.items()
        if not _close(stored[f"/steps/{number:03d}/truth/{name}"], value.stored)
    ]


def _close(stored: np.ndarray, value: np.ndarray) -> bool:
    finite = np.isfinite(value)
    if not np.array_equal(stored[~finite], value[~finite], equal_nan=True):
        return False
    scale = np.max(np.abs(value[finite]), initial=0.0)
    return bool(np.all(np.abs(stored[finite] - value[finite]) <= TRUTH_TOLERANCE * scale))
