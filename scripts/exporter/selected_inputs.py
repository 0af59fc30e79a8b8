"""Input families that decide what attention sees: x holds q, k and v side by side, and the projections select them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .case import Layer


@dataclass(frozen=True)
class Sizes:
    b: int
    s: int
    n_h: int
    n_kv: int
    h_d: int
    is_causal: bool

    def queries(self) -> tuple[int, ...]:
        return (self.b, self.s, self.n_h, self.h_d)

    def keys(self) -> tuple[int, ...]:
        return (self.b, self.s, self.n_kv, self.h_d)


RARE_WEIGHTS = (1e-9, 1e-20, 1e-32)  # down to where float32 has its last normal numbers

Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]  # q [b, s, n_h, h_d]; k, v [b, s, n_kv, h_d]


def selecting_width(num_heads: int, num_kv_heads: int, head_dim: int) -> int:
    """The smallest embed_dim that holds q, k and v side by side and that torchtune accepts."""
    width = (num_heads + 2 * num_kv_heads) * head_dim
    return -(-width // num_heads) * num_heads


def selection(layer: Layer, name: str) -> np.ndarray:
    """The weight [n h_d, d] of q_proj, k_proj or v_proj that picks its part of x."""
    q_width, kv_width = layer.num_heads * layer.head_dim, layer.num_kv_heads * layer.head_dim
    start, width = {
        "q_proj.weight": (0, q_width),
        "k_proj.weight": (q_width, kv_width),
        "v_proj.weight": (q_width + kv_width, kv_width),
    }[name]
    return np.eye(width, layer.embed_dim, start)


def draw(family: str, layer: Layer, b: int, s: int, rng: np.random.Generator) -> np.ndarray:
    """x [b, s, d]."""
    sizes = Sizes(b, s, layer.num_heads, layer.num_kv_heads, layer.head_dim, layer.is_causal)
    parts = [part.reshape(b, s, -1) for part in FAMILIES[family](sizes, rng)]
    x = np.concatenate(parts, axis=-1)
    return np.pad(x, ((0, 0), (0, 0), (0, layer.embed_dim - x.shape[-1])))


def _one_hot(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    """Each token selects one key; V is an integer code of (key, head, channel), never 0, exact in bfloat16."""
    q, k = np.zeros(sizes.queries()), np.zeros(sizes.keys())
    for sample, token, head in np.ndindex(*sizes.queries()[:3]):
        q[sample, token, head, rng.integers(token + 1 if sizes.is_causal else sizes.s)] = 64.0
    for token in range(sizes.s):
        k[:, token, :, token] = 64.0
    code = np.arange(k.size).reshape(k.shape)
    return q, k, 1.0 + (code * 7 + code // 251) % 255


def _identical_keys(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    """All keys of a head are one integer vector: every weight is exactly 1 / s_k."""
    q = rng.integers(-3, 4, sizes.queries())
    k = np.repeat(rng.integers(-3, 4, (sizes.b, 1, sizes.n_kv, sizes.h_d)), sizes.s, axis=1)
    return q, k, rng.integers(-8, 9, sizes.keys())


def _small_integers(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    """Integers, rows with a few sharp peaks."""
    q, k, v = (rng.integers(-3, 4, shape) for shape in (sizes.queries(), sizes.keys(), sizes.keys()))
    return q, k, v


def _steered(sizes: Sizes, rng: np.random.Generator, logits: np.ndarray) -> Drawn:
    """Key j of every head gets about the logit logits[j]; the other channels carry small noise; V is random."""
    q, k = 0.1 * rng.standard_normal(sizes.queries()), 0.1 * rng.standard_normal(sizes.keys())
    q[..., 0] = np.sqrt(sizes.h_d)
    k[..., 0] = np.asarray(logits)[None, :, None]
    return q, k, rng.standard_normal(sizes.keys())


def _rare_key(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    """The first keys have the weights RARE_WEIGHTS, about, and values that make up for them. Their logits are one
    product: noise on top of one that large would be rounded again and again, and a plain sum may then exceed the
    budget."""
    weights = np.ones(sizes.s)
    weights[: len(RARE_WEIGHTS)] = RARE_WEIGHTS[: sizes.s]
    q, k, v = _steered(sizes, rng, np.log(weights))
    k[:, : len(RARE_WEIGHTS), :, 1:] = 0.0
    return q, k, v / weights[None, :, None, None]


def _ascending_logits(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    """Every key beats the ones before it: an online softmax rescales at each block."""
    return _steered(sizes, rng, 1.5 * np.arange(sizes.s))


def _max_in_last_block(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    """The last key has by far the largest logit, but the others still count."""
    return _steered(sizes, rng, np.where(np.arange(sizes.s) == sizes.s - 1, 6.0, 0.0))


def _masked_rows(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    """Odd keys, which the case's mask hides, have logits 150 above the others: a finite mask such as -1e2 fails."""
    return _steered(sizes, rng, np.where(np.arange(sizes.s) % 2 == 1, 150.0, 0.0))


def _large_logits(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    """Random logits of a standard deviation of 300."""
    q, k, v = (rng.standard_normal(shape) for shape in (sizes.queries(), sizes.keys(), sizes.keys()))
    return 300.0 * q, k, v


def _subnormal_v(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    """Values below the smallest normal float32."""
    q, k, v = (rng.standard_normal(shape) for shape in (sizes.queries(), sizes.keys(), sizes.keys()))
    return q, k, 1e-40 * v


def _unit_v(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    """Value j is the unit vector j: the output is the matrix of weights itself (s <= h_d)."""
    q, k = rng.standard_normal(sizes.queries()), rng.standard_normal(sizes.keys())
    v = np.broadcast_to(np.eye(sizes.s, sizes.h_d)[None, :, None, :], sizes.keys())
    return q, k, v


def _cancelling_v(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    """Pairs of values near +1e4 and -1e4 on keys of nearly equal weight."""
    q, k = 0.1 * rng.standard_normal(sizes.queries()), 0.1 * rng.standard_normal(sizes.keys())
    sign = np.where(np.arange(sizes.s) % 2 == 0, 1e4, -1e4)[None, :, None, None]
    return q, k, sign + rng.standard_normal(sizes.keys())


FAMILIES: dict[str, Callable[[Sizes, np.random.Generator], Drawn]] = {
    "one_hot": _one_hot,
    "identical_keys": _identical_keys,
    "small_integers": _small_integers,
    "rare_key": _rare_key,
    "ascending_logits": _ascending_logits,
    "max_in_last_block": _max_in_last_block,
    "masked_rows": _masked_rows,
    "large_logits": _large_logits,
    "subnormal_v": _subnormal_v,
    "unit_v": _unit_v,
    "cancelling_v": _cancelling_v,
}
