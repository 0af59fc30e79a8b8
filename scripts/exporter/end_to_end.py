"""Error budgets through the whole layer: each stage's own rounding plus what its inputs bring along, by root sum of
squares, because rounding errors of different elements are independent. Values come from the stored truth."""

from __future__ import annotations

import numpy as np

from . import error_budget
from .case import RecordedStep, Rotary
from .error_budget import U, half_ulp, logit_factor, stored, sum_factor, sum_underflow
from .layer_walk import LayerWalk, mask_of, merged_heads
from .tensor import Tensor
from .truth import NOTHING, attends_causally, join_pairs, position_rows, rotary_factors, split_pairs

KAPPA = 2.0
ILL_CONDITIONED_LOGIT = 0.25  # a propagated logit error above this on a key that matters
SHARE_THAT_MATTERS = 2.0**-8  # of a row's weight, with the error that the key's logit may have
LARGEST_EXPONENT = 700.0  # keeps exp finite; such a row is ill-conditioned anyway


class EndToEndBudgets(LayerWalk):
    """Follows a layer through its steps and keeps in the cache's slots the budgets of what they hold."""

    def forward(self, step: RecordedStep) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Stage name -> budget, and the condition [b, n_h, s_x]: the largest logit error on a key that matters."""
        x, y, positions = self.begin(step)
        truth = {name: tensor.to_float64() for name, tensor in step.truth.items()}
        budgets: dict[str, np.ndarray] = {}
        q, dq = self._heads(budgets, truth, "q", x, positions)
        k = v = dk = dv = NOTHING
        if y is not None:
            k, dk = self._heads(budgets, truth, "k", y, positions)
            budgets["v_proj"] = self._linear("v_proj", y, truth["v_proj"], None)
            v, dv = self.by_head(self.rounded(truth["v_proj"])), self.by_head(budgets["v_proj"])
        if self.slots is not None:
            if y is not None:
                self.slots.append(dk, dv)
            k, v, dk, dv = truth["k_cache"], truth["v_cache"], self.slots.k, self.slots.v
            budgets["k_cache"] = dk + half_ulp(k, self.layer.dtype)  # both sides were rounded to storage
            budgets["v_cache"] = dv + half_ulp(v, self.layer.dtype)
        condition = self._attention(budgets, truth, (q, k, v), (dq, dk, dv), mask_of(step))
        merged, brought = merged_heads(self.rounded(truth["attention"])), merged_heads(budgets["attention"])
        budgets["output"] = self._linear("output_proj", merged, truth["output"], brought)
        return budgets, condition

    def _linear(self, name: str, x: np.ndarray, value: np.ndarray, dx: np.ndarray | None) -> np.ndarray:
        weight = self.weights[f"{name}.weight"]
        budget = error_budget.linear(x, weight, self.weights.get(f"{name}.bias"))
        if dx is not None:
            budget += KAPPA * np.sqrt(np.square(dx) @ np.square(weight).T)
        return stored(budget, value, self.layer.dtype)

    def _heads(
        self,
        budgets: dict[str, np.ndarray],
        truth: dict[str, np.ndarray],
        letter: str,
        x: np.ndarray,
        positions: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """q or k [b, n, s, h_d] as attention reads it, and its budget."""
        layer, name = self.layer, f"{letter}_proj"
        budgets[name] = self._linear(name, x, truth[name], None)
        value, budget = self.by_head(self.rounded(truth[name])), self.by_head(budgets[name])
        if layer.pos_embeddings is not None:
            name = f"{letter}_rope"
            value, budget = value.transpose(0, 2, 1, 3), budget.transpose(0, 2, 1, 3)  # [b, s, n, h_d]
            budgets[name] = self._rotary(layer.pos_embeddings, (value, budget), truth[name], positions)
            value, budget = self.rounded(truth[name]).transpose(0, 2, 1, 3), budgets[name].transpose(0, 2, 1, 3)
        norm = layer.q_norm if letter == "q" else layer.k_norm
        if norm is not None:
            name = f"{letter}_norm"
            budget = budgets[name] = self._norm(value, budget, truth[name], letter, norm.eps)
            value = self.rounded(truth[name])
        return value, budget

    def _rotary(
        self,
        embedding: Rotary,
        given: tuple[np.ndarray, np.ndarray],
        value: np.ndarray,
        positions: np.ndarray | None,
    ) -> np.ndarray:
        """`given`: x and its budget."""
        (x, dx), dtype = given, self.layer.dtype
        rows = position_rows(positions, x.shape[1], embedding.max_seq_len)
        cos, sin = rotary_factors(self.tables, rows, embedding, dtype)
        (a, b), (da, db) = split_pairs(x, embedding.kind), split_pairs(dx, embedding.kind)
        products = [np.abs(a * cos), np.abs(b * sin), np.abs(b * cos), np.abs(a * sin)]
        squares = [np.square(d * factor) for d, factor in ((da, cos), (db, sin), (db, cos), (da, sin))]
        if embedding.kind == "Qwen2RotaryPositionalEmbeddings":  # a changed input changes each product's rounding too
            far = [product + np.sqrt(square) for product, square in zip(products, squares, strict=True)]
            squares = [square + np.square(half_ulp(p, dtype)) for square, p in zip(squares, far, strict=True)]
        sizes = join_pairs(products[0] + products[1], products[2] + products[3], embedding.kind)
        brought = join_pairs(squares[0] + squares[1], squares[2] + squares[3], embedding.kind)
        return stored(error_budget.rotary(sizes) + KAPPA * np.sqrt(brought), value, dtype)

    def _norm(self, x: np.ndarray, dx: np.ndarray, value: np.ndarray, letter: str, eps: float) -> np.ndarray:
        """dy = scale r (dx - n mean(n dx)), n = x r, r = 1 / sqrt(mean(x^2) + eps): dx_i counts 1 - n_i^2 / h_d."""
        scale, h_d = np.abs(self.weights[f"{letter}_norm.scale"]), x.shape[-1]
        r = 1.0 / np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True) + eps)
        squares = np.square(x * r * dx)
        others = np.maximum(np.sum(squares, axis=-1, keepdims=True) - squares, 0.0)
        brought = np.square((1.0 - np.square(x * r) / h_d) * dx) + np.square(x * r / h_d) * others
        budget = error_budget.rms_norm(value) + KAPPA * scale * r * np.sqrt(brought)
        return stored(budget, value, self.layer.dtype)

    def _attention(
        self,
        budgets: dict[str, np.ndarray],
        truth: dict[str, np.ndarray],
        values: tuple[np.ndarray, np.ndarray, np.ndarray],
        errors: tuple[np.ndarray, np.ndarray, np.ndarray],
        mask: Tensor | None,
    ) -> np.ndarray:
        """dy = sum_j p_j (v_j - y) ds_j, with exp(ds) - 1 for ds. Fills "attention", returns the condition."""
        (q, k, v), (dq, dk, dv) = values, errors
        y = truth["attention"]
        budget, condition = np.empty(y.shape), np.zeros(y.shape[:3])
        causal = attends_causally(self.layer, mask)
        for (sample, head), facts, kv_head, v_head in error_budget.heads(q, k, v, mask, causal):
            p = facts.weight
            brought = np.square(dq[sample, head]) @ np.square(k[sample, kv_head]).T
            brought += np.square(q[sample, head]) @ np.square(dk[sample, kv_head]).T
            logit = logit_factor(q.shape[-1]) * facts.condition + KAPPA * np.sqrt(brought / q.shape[-1])
            logit = np.minimum(logit + facts.mask_rounding, LARGEST_EXPONENT)
            deviation = np.abs(v_head[None, :, :] - y[sample, head][:, None, :])
            row = np.einsum("ij,ijc->ic", p * (np.expm1(logit) + U * facts.spread), deviation)
            row += sum_factor(facts, self.layer.dtype) * (p @ np.abs(v_head))
            row += KAPPA * np.sqrt(np.square(p) @ np.square(dv[sample, kv_head]))
            row += sum_underflow(facts, v_head, self.layer.dtype)
            budget[sample, head] = row
            matters = p * np.exp(logit) >= SHARE_THAT_MATTERS
            condition[sample, head] = np.max(np.where(matters, logit, 0.0), axis=-1)
        budgets["attention"] = stored(budget, y, self.layer.dtype)
        return condition
