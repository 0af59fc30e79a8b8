"""How much of the error budget torchtune itself used: median and largest e by dtype and stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from .case import STAGES
from .criterion import END_TO_END, LOCALISED, Verdict
from .tensor import FORMATS


class Summary:
    def __init__(self) -> None:
        self._e: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.cases = 0

    def add(self, dtype: str, verdicts: Iterable[Verdict]) -> None:
        self.cases += 1
        for verdict in verdicts:
            self._e[f"{dtype}, {verdict.kind}", verdict.stage].append(verdict.e)

    def lines(self) -> list[str]:
        """A small table."""
        kinds = [f"{dtype}, {kind}" for dtype in FORMATS for kind in (LOCALISED, END_TO_END)]
        rows = ["torchtune's own e, median / largest:", " " * 10 + "".join(f"{kind:>24}" for kind in kinds)]
        for stage in STAGES:
            rows.append(f"{stage:<10}" + "".join(f"{self._cell(kind, stage):>24}" for kind in kinds))
        return rows

    def _cell(self, kind: str, stage: str) -> str:
        values = self._e.get((kind, stage))
        return f"{np.median(values):.3f} / {np.max(values):.3f}" if values else "-"
