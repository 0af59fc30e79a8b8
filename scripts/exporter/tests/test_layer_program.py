"""The order of the layer's stages, seen by a reader for whom a stage's numbers are its name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from exporter.case import KVCache, RecordedCase, RecordedStep
from exporter.cases.small_layer import normed_layer
from exporter.layer_formulas import Formula, LayerFormulas
from exporter.layer_program import LayerProgram
from exporter.tensor import from_array

LAYER = normed_layer(kv_cache=KVCache(1, 4))
INPUTS = {"x": from_array(np.zeros((1, 2, 32), np.float32))}
QUERY = ["x > q_proj", "q_proj > q_rope", "q_rope > q_norm"]
KEYS = ["x > k_proj", "k_proj > k_rope", "k_rope > k_norm", "x > v_proj"]
REST = ["empty k_norm > k_cache", "empty v_proj > v_cache", "q_norm k_cache v_cache > attention", "attention > output"]


class Names(list[str]):
    """What each stage reads."""

    def exact(self, values: np.ndarray) -> str:
        return "x"

    def stage(self, name: str, formula: Formula, *inputs: str) -> str:
        self.append(f"{' '.join(inputs)} > {name}")
        return name

    def moved(self, move: Callable[..., np.ndarray], *inputs: str) -> str:
        return " ".join(inputs)

    def empty_slots(self, shape: tuple[int, ...]) -> str:
        return "empty"

    def cache(self, name: str, slots: str) -> str:
        self.append(f"{slots} > {name}")
        return name


def test_each_stage_reads_the_one_that_torchtune_s_does() -> None:
    weights = {name: from_array(np.zeros(shape, np.float32)) for name, shape in LAYER.weight_shapes().items()}
    program: LayerProgram[str] = LayerProgram(LayerFormulas(RecordedCase("", "", "", LAYER, weights, {}, [], {})))
    for reset, y, expected in (
        (False, "x", QUERY + KEYS + REST),
        (False, "absent", QUERY + REST),
        (True, "x", QUERY + KEYS + REST),
    ):
        names = Names()
        program.forward(RecordedStep(reset, y, INPUTS), names)
        assert names == expected
