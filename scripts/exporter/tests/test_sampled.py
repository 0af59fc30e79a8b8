"""Sampled rows are rows of the whole truth, on inputs that every kernel gets exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from exporter import families
from exporter.case import Call, CaseEntry, KVCache, Layer, RecordedCase
from exporter.cases.large import CASES, MOST_WORK, layer, work
from exporter.cases.mask_makers import causal, random_bool, random_float
from exporter.readers import compute_truth
from exporter.selecting_weights import sampled_rows

CALLS: dict[str, tuple[dict[str, Any], tuple[Call, ...]]] = {
    "causal": ({"is_causal": True}, (Call(2, 21),)),
    "mask of each sample": ({}, (Call(2, 5, y=33, mask=random_bool(2, 5, 33, hidden_rows=(2,))),)),
    "mask for all": ({}, (Call(2, 5, y=33, mask=random_float(1, 1, 33, hidden=0.3)),)),
    "documents": ({}, (Call(2, 12, seq_lens=((5, 7), (12,))),)),
    "cache": ({"slots": 40}, (Call(1, 2, y=30, mask=causal(2, 40, 28)), Call(1, 3, mask=causal(3, 40, 30)))),
}


def entry_of(of: Layer, calls: tuple[Call, ...], family: str = "randn") -> CaseEntry:
    return CaseEntry("large/test", "", of, calls, family, generated=True, sampled=6)


def drawn_case(entry: CaseEntry) -> RecordedCase:
    weights, steps = families.draw_weights(entry), families.draw_steps(entry)
    return RecordedCase(entry.name, "", entry.family, entry.layer, weights, {}, steps, {})


@pytest.mark.parametrize("dtype", ("float32", "bfloat16"))
@pytest.mark.parametrize("name", CALLS)
def test_rows_are_those_of_the_whole_truth(name: str, dtype: str) -> None:
    words, calls = CALLS[name]
    entry = entry_of(layer(4, 2, 8, dtype, **words), calls)
    sampled, whole = drawn_case(entry), drawn_case(entry)
    for step in whole.steps:
        step.rows = None
    compute_truth(sampled)
    compute_truth(whole)
    for of_rows, step in zip(sampled.steps, whole.steps, strict=True):
        assert of_rows.rows is not None
        samples, tokens = of_rows.rows.stored.T
        attention = step.truth["attention"].stored[samples, :, tokens]
        np.testing.assert_allclose(of_rows.truth["attention"].stored, attention, rtol=0, atol=1e-14)
        output = step.truth["output"].stored[samples, tokens]
        # An attention on a tie may be rounded to either neighbour.
        np.testing.assert_allclose(of_rows.truth["output"].stored, output, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("family", "score"), (("far_below", -200), ("far_above", 200), ("equal_huge", 300)))
def test_the_constant_channels_make_the_familys_score(family: str, score: float) -> None:
    entry = entry_of(layer(4, 2, 64, bias="qk"), (Call(1, 3, y=9),), family)
    weights = {name: tensor.to_float64() for name, tensor in families.draw_weights(entry).items()}
    inputs = {name: tensor.to_float64() for name, tensor in families.draw_inputs(entry, 0).items()}
    q = (inputs["x"][0] @ weights["q_proj.weight"].T + weights["q_proj.bias"])[:, :64]
    k = (inputs["y"][0] @ weights["k_proj.weight"].T + weights["k_proj.bias"])[:, :64]
    scores = q @ k.T / 8.0
    assert np.all(np.abs(scores - score) < 12.0)
    assert np.all(np.ptp(scores, axis=1) == 0.0) == (family == "equal_huge")


def test_rows_ascend_and_hold_the_first_and_the_last() -> None:
    rows = sampled_rows(6, 3, 1000, np.random.default_rng(1)).tolist()
    assert rows == sorted(rows) and len({tuple(row) for row in rows}) == 6
    assert rows[0] == [0, 0] and rows[-1] == [2, 999]
    assert sampled_rows(6, 1, 2, np.random.default_rng(1)).tolist() == [[0, 0], [0, 1]]


def test_what_takes_long_is_in_larger() -> None:
    for entry in CASES:
        assert entry.name.startswith("larger/") == (work(entry.layer, entry.calls) > MOST_WORK), entry.name


def test_dropout_in_training_is_recorded_with_what_it_kept() -> None:
    pytest.importorskip("torchtune", reason="torch is not installed here")
    from exporter.export import export_case

    layer = Layer(8, 2, 2, 4, kv_cache=KVCache(1, 4, enabled=False), attn_dropout=0.5, training=True)
    case, verdicts = export_case(CaseEntry("a/b", "", layer, (Call(1, 3),)))
    assert case.steps[0].inputs["keep"].shape == (1, 2, 3, 3)
    assert verdicts and all(verdict.passed for verdict in verdicts)
