"""The independent truth: straight formulas in float64, stage by stage from x, with the roundings of fixtures/README.md.

Torch is not used. Each function returns its value before the last rounding; the chain rounds before the next stage
reads. Shape letters: b batch, s_x query tokens, s_y (s_k) key tokens, n_h heads, n_kv key/value heads, h_d head_dim.
"""

from __future__ import annotations

import numpy as np

from .case import Layer, RecordedStep, Rotary
from .layer_walk import LayerWalk, mask_of, merged_heads
from .tensor import Tensor, from_float64, round_to

NOTHING: np.ndarray = np.empty(0)  # keys where there are none
INTERLEAVED = ("RotaryPositionalEmbeddings", "Llama3ScaledRoPE")


def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """y [..., out] = x [..., in] W^T + bias."""
    y = x @ weight.T
    return y if bias is None else y + bias


def position_rows(input_pos: np.ndarray | None, s: int, max_seq_len: int) -> np.ndarray:
    """[1 or b, s]: the table row of each token, as torchtune's `cache[input_pos].view(-1, s, ...)` reads it."""
    positions = np.arange(s) if input_pos is None else input_pos
    return np.where(positions < 0, positions + max_seq_len, positions).reshape(-1, s)


def split_pairs(x: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The two members of each rotated pair, [..., h_d/2] each."""
    half = x.shape[-1] // 2
    return (x[..., 0::2], x[..., 1::2]) if kind in INTERLEAVED else (x[..., :half], x[..., half:])


def join_pairs(first: np.ndarray, second: np.ndarray, kind: str) -> np.ndarray:
    """The inverse of split_pairs."""
    if kind in INTERLEAVED:
        return np.stack([first, second], axis=-1).reshape(*first.shape[:-1], -1)
    return np.concatenate([first, second], axis=-1)


def rotary_factors(
    tables: dict[str, np.ndarray], rows: np.ndarray, embedding: Rotary, dtype: str
) -> tuple[np.ndarray, np.ndarray]:
    """cos and sin [1 or b, s, 1, dim/2]. Qwen2 rounds its tables to the dtype of x first."""
    cos, sin = tables["cos"][rows][:, :, None, :], tables["sin"][rows][:, :, None, :]
    if embedding.kind == "Qwen2RotaryPositionalEmbeddings":
        return round_to(cos, dtype), round_to(sin, dtype)
    return cos, sin


def rotary(x: np.ndarray, cos: np.ndarray, sin: np.ndarray, embedding: Rotary, dtype: str) -> np.ndarray:
    """y [b, s, n, h_d]: (a, b) -> (a cos - b sin, b cos + a sin). Qwen2 rounds each product to the dtype of x."""
    a, b = split_pairs(x, embedding.kind)
    products = [a * cos, b * sin, b * cos, a * sin]
    if embedding.kind == "Qwen2RotaryPositionalEmbeddings":
        products = [round_to(product, dtype) for product in products]
    return join_pairs(products[0] - products[1], products[2] + products[3], embedding.kind)


def rms_norm(x: np.ndarray, scale: np.ndarray, eps: float) -> np.ndarray:
    """y [..., h_d] = x / sqrt(mean(x^2) + eps) scale."""
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps) * scale


def visible_keys(mask: Tensor | None, is_causal: bool, b: int, s_x: int, s_k: int) -> np.ndarray:
    """bool [b, s_x, s_k]: True where the token attends to the key. Causality is aligned at the top left."""
    visible = np.ones((b, s_x, s_k), dtype=bool)
    if mask is not None and mask.dtype == "bool":
        visible &= mask.stored.astype(bool)
    elif mask is not None:
        visible &= ~np.isneginf(mask.to_float64())
    if is_causal:
        visible &= np.tri(s_x, s_k, dtype=bool)
    return visible


def additive_mask(mask: Tensor | None, b: int, s_x: int, s_k: int) -> np.ndarray:
    """[b, s_x, s_k]: what is added to the scaled scores."""
    if mask is None or mask.dtype == "bool":
        return np.zeros((b, s_x, s_k))
    return np.broadcast_to(mask.to_float64(), (b, s_x, s_k))


def attention_row(q: np.ndarray, k: np.ndarray, v: np.ndarray, added: np.ndarray) -> np.ndarray:
    """y [h_d] of one query over its visible keys k, v [n, h_d]; exactly 0 where there is none."""
    if len(k) == 0:
        return np.zeros(v.shape[-1])
    score = k @ q / np.sqrt(q.size) + added
    weight = np.exp(score - np.max(score))
    return weight @ v / np.sum(weight)


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: Tensor | None, is_causal: bool) -> np.ndarray:
    """y [b, n_h, s_x, h_d] from q [b, n_h, s_x, h_d] and k, v [b, n_kv, s_k, h_d]; head h reads h // (n_h / n_kv).

    A hidden key is not read at all: NaN in it has no effect.
    """
    b, n_h, s_x, _ = q.shape
    n_kv, s_k = k.shape[1], k.shape[2]
    visible = visible_keys(mask, is_causal, b, s_x, s_k)
    added = additive_mask(mask, b, s_x, s_k)
    y = np.empty(q.shape)
    for sample, head, token in np.ndindex(b, n_h, s_x):
        keys = visible[sample, token]
        kv_head = head // (n_h // n_kv)
        y[sample, head, token] = attention_row(
            q[sample, head, token], k[sample, kv_head][keys], v[sample, kv_head][keys], added[sample, token][keys]
        )
    return y


class TruthChain(LayerWalk):
    """The whole layer, with its cache. `forward` gives every stage's value before its own last rounding."""

    def forward(self, step: RecordedStep) -> dict[str, Tensor]:
        """Stage name -> float64 tensor."""
        x, y, positions = self.begin(step)
        stages: dict[str, np.ndarray] = {}
        q = self._heads(stages, "q", x, positions)
        k = v = NOTHING
        if y is not None:
            k = self._heads(stages, "k", y, positions)
            stages["v_proj"] = self._linear("v_proj", y)
            v = self.by_head(self.rounded(stages["v_proj"]))
        if self.slots is not None:
            if y is not None:
                self.slots.append(k, v)
            k, v = stages["k_cache"], stages["v_cache"] = self.slots.k.copy(), self.slots.v.copy()
        mask = mask_of(step)
        stages["attention"] = attention(q, k, v, mask, attends_causally(self.layer, mask))
        stages["output"] = self._linear("output_proj", merged_heads(self.rounded(stages["attention"])))
        return {name: from_float64(value, "float64") for name, value in stages.items()}

    def _linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return linear(x, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def _heads(
        self, stages: dict[str, np.ndarray], letter: str, x: np.ndarray, positions: np.ndarray | None
    ) -> np.ndarray:
        """q or k [b, n, s, h_d] after projection, rotary embedding and norm, each rounded."""
        stages[f"{letter}_proj"] = self._linear(f"{letter}_proj", x)
        values = self.by_head(self.rounded(stages[f"{letter}_proj"]))
        embedding = self.layer.pos_embeddings
        if embedding is not None:
            rows = position_rows(positions, x.shape[1], embedding.max_seq_len)
            cos, sin = rotary_factors(self.tables, rows, embedding, self.layer.dtype)
            by_token = values.transpose(0, 2, 1, 3)  # [b, s, n, h_d]
            stages[f"{letter}_rope"] = rotary(by_token, cos, sin, embedding, self.layer.dtype)
            values = self.rounded(stages[f"{letter}_rope"]).transpose(0, 2, 1, 3)
        norm = self.layer.q_norm if letter == "q" else self.layer.k_norm
        if norm is not None:
            stages[f"{letter}_norm"] = rms_norm(values, self.weights[f"{letter}_norm.scale"], norm.eps)
            values = self.rounded(stages[f"{letter}_norm"])
        return values


def attends_causally(layer: Layer, mask: Tensor | None) -> bool:
    """torchtune's rule: no cache object at all, enabled or not, no mask, and is_causal."""
    return layer.kv_cache is None and mask is None and layer.is_causal
