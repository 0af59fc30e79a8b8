"""Layers whose q_proj, k_proj and v_proj copy channels of x (one 1 in a row of the weight) or hold a constant (a row of
zeros, and a bias). Large cases use them: no kernel rounds there, so that q, k and v need not be stored."""

from __future__ import annotations

import numpy as np

from .case import CaseEntry

SCORES = {"far_below": -200.0, "far_above": 200.0, "equal_huge": 300.0}  # family -> about what every score is
QUERY = 16.0  # the constant of the first channel of q in these families
TILES = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


def weight(entry: CaseEntry, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """[out, in]: each row picks a channel at random, so that heads differ however narrow x is."""
    selection = np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]
    if entry.family in SCORES and name == "q_proj.weight":
        selection[:: entry.layer.head_dim] = 0.0
    if entry.family in SCORES and name == "k_proj.weight":
        selection[:: 1 if entry.family == "equal_huge" else entry.layer.head_dim] = 0.0
    return selection


def bias(entry: CaseEntry, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """[out]: of each head's first channel, which together give the family's score."""
    values = np.zeros(shape)
    if entry.family in SCORES and name in ("q_proj.bias", "k_proj.bias"):
        key = SCORES[entry.family] * np.sqrt(entry.layer.head_dim) / QUERY
        values[:: entry.layer.head_dim] = QUERY if name == "q_proj.bias" else key
    return values


def sampled_rows(count: int, b: int, s: int, rng: np.random.Generator) -> np.ndarray:
    """int64 [count or fewer, 2], ascending (sample, token): the first, the last, borders of tiles, random ones."""
    rows = {(0, 0), (b - 1, s - 1)}
    borders = [edge - below for edge in TILES for below in (0, 1) if edge - below < s]
    while len(rows) < min(count, b * s):
        token = rng.choice(borders) if borders and len(rows) % 2 == 0 else rng.integers(s)
        rows.add((int(rng.integers(b)), int(token)))
        if len(rows) >= b * s:
            break
    return np.array(sorted(rows), dtype=np.int64)
