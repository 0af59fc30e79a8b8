"""Recorded cases, read and judged again."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from exporter.budgets import write_budgets
from exporter.case_file import file_name
from exporter.criterion import judge
from exporter.read_case import read_case
from exporter.readers import compute_truth

DATA = Path(__file__).resolve().parents[3] / "fixtures" / "data"
SOME = (
    *("heads/grouped_query", "cache/prefill_and_decode", "norms/after_rotary", "packed/two_documents", "cache/reset"),
    *("masks/float_lowest_number", "bfloat16/qwen2_positions", "bfloat16/cache", "large/129_keys_window_bool"),
    *("norms/before_rotary", "scales/negative", "dropout/bfloat16", "block_masks/cache", "block_masks/layer"),
)


@pytest.mark.parametrize("name", SOME)
def test_the_stored_truth_is_computed_again_and_torchtune_is_within_its_budget(name: str) -> None:
    case = read_case(DATA / file_name(name))
    verdicts = judge(case)
    assert verdicts
    assert [str(verdict) for verdict in verdicts if not verdict.passed] == []
    stored = [step.truth for step in case.steps]
    compute_truth(case)
    for before, step in zip(stored, case.steps, strict=True):
        assert before.keys() == step.truth.keys()
        for stage, value in step.truth.items():  # bit for bit where BLAS sums in the recording machine's order
            np.testing.assert_allclose(value.stored, before[stage].stored, rtol=0, atol=1e-14, err_msg=stage)


@pytest.mark.parametrize("name", ("cache/reset", "errors/num_heads", "large/129_keys_window_bool"))
def test_a_file_of_budgets_has_the_stages_that_were_recorded(name: str, tmp_path: Path) -> None:
    write_budgets(DATA / file_name(name), tmp_path)
    steps = [step for step in read_case(DATA / file_name(name)).steps if step.error is None]
    with h5py.File(tmp_path / file_name(name)) as root:
        assert len(root["steps"]) == len(steps)
        for number, step in enumerate(steps):
            shapes = {stage: tensor.shape for stage, tensor in step.expected.items()}
            for kind, conditions in (("localised", ()), ("end_to_end", () if step.rows else ("attention", "output"))):
                judged = root[f"steps/{number:03d}/{kind}"]
                assert {stage: facts["budget"].shape for stage, facts in judged.items()} == shapes
                assert tuple(stage for stage, facts in judged.items() if "condition" in facts) == conditions
