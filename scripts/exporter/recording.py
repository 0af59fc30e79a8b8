"""Calls torchtune's layer and records what it computes on the way. Only hooks: nothing of torchtune is repeated."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torchtune.modules import MultiHeadAttention
from torchtune.modules.attention_utils import packed_block_causal_mask

from . import block_masks
from .case import Y_ABSENT, Y_IS_X, RaisedError, RecordedStep
from .layer import stage_modules
from .tensor import Tensor
from .torch_tensors import from_torch, to_torch


class StageRecorder:
    """Keeps a copy of every stage's output of the latest call, under the contract's stage names."""

    def __init__(self, module: MultiHeadAttention) -> None:
        self.stages: dict[str, Tensor] = {}
        for name, part in stage_modules(module).items():
            self._hook(part, lambda name=name: name)
        if module.pos_embeddings is not None:  # called for q first, then for k
            self._hook(module.pos_embeddings, lambda: "k_rope" if "q_rope" in self.stages else "q_rope")
        attention_call = module._attention_call

        def recording_attention_call(*args: Any, **kwargs: Any) -> torch.Tensor:
            result = attention_call(*args, **kwargs)
            self.stages["attention"] = from_torch(result)
            return result

        module._attention_call = recording_attention_call

    def _hook(self, module: torch.nn.Module, name_of_stage: Any) -> None:
        def keep(_module: torch.nn.Module, _args: Any, output: torch.Tensor) -> None:
            self.stages[name_of_stage()] = from_torch(output)

        module.register_forward_hook(keep)


class AttentionBackend(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees which kernel scaled_dot_product_attention really ran: "flash" or "math"."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if "_flash_attention" in func.name():
            self.seen.add("flash")
        elif "_softmax" in func.name():
            self.seen.add("math")
        return func(*args, **(kwargs or {}))


def keep_rows(step: RecordedStep, stages: dict[str, Tensor]) -> None:
    """Fills `expected` and `sha256` of a sampled step from torchtune's whole stages."""
    assert step.rows is not None
    samples, tokens = step.rows.stored.T
    attention, output = stages["attention"], stages["output"]
    step.sha256 = {name: stages[name].sha256() for name in ("q_proj", "k_proj", "v_proj") if name in stages}
    step.expected = {
        "attention": Tensor(attention.dtype, np.ascontiguousarray(attention.stored[samples, :, tokens])),
        "output": Tensor(output.dtype, np.ascontiguousarray(output.stored[samples, tokens])),
    }


class TorchAttention:
    """Stands in for torch's scaled_dot_product_attention while a layer is called. torchtune never says a `scale`; where
    the layer has one, it is said. What a dropout keeps becomes an input of the step; if the step has it, it is fed
    back."""

    def __init__(self, step: RecordedStep, scale: float | None) -> None:
        self._step, self._scale = step, scale
        self._attention = nn.functional.scaled_dot_product_attention

    def __call__(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        *,
        attn_mask: torch.Tensor | None,
        dropout_p: float,
        is_causal: bool,
    ) -> torch.Tensor:
        words: dict[str, Any] = {"attn_mask": attn_mask, "dropout_p": dropout_p, "is_causal": is_causal}
        words["scale"] = self._scale
        if dropout_p > 0.0 and "keep" in self._step.inputs:
            keep = to_torch(self._step.inputs["keep"])
            result: torch.Tensor = torch._scaled_dot_product_attention_math(q, k, v, dropout_mask=keep, **words)[0]
            return result
        state = torch.get_rng_state()
        result = self._attention(q, k, v, **words)
        if dropout_p > 0.0:  # the same draw once more, of weights that are all 1
            torch.set_rng_state(state)
            weights = torch.ones(*q.shape[:-1], k.shape[-2])
            self._step.inputs["keep"] = from_torch(nn.functional.dropout(weights, dropout_p) != 0.0)
        return result


class LayerCalls:
    """Records one call of forward after the other. `backends` collects what was seen."""

    def __init__(self, module: MultiHeadAttention, backend: str = "", scale: float | None = None) -> None:
        self._module, self._scale = module, scale
        self._allowed = [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]
        if backend:
            self._allowed = [{"flash": SDPBackend.FLASH_ATTENTION, "math": SDPBackend.MATH}[backend]]
        self._recorder = StageRecorder(module)
        self.backends: set[str] = set()

    def record(self, step: RecordedStep, field: str) -> None:
        """Fills `expected`, or `error` if torchtune raises."""
        if step.reset_cache:
            self._module.reset_cache()
        self._recorder.stages = {}
        backend = AttentionBackend()
        attention = patch.object(nn.functional, "scaled_dot_product_attention", TorchAttention(step, self._scale))
        positional, keywords = self._positional(step), self._keywords(step)
        flex = "partial_blocks" in step.inputs  # flex_attention refuses to be watched
        try:
            with torch.no_grad(), sdpa_kernel(self._allowed), nullcontext() if flex else backend, attention:
                self._module(*positional, **keywords)
        except Exception as raised:  # torchtune's own refusal is the result
            step.error = RaisedError("forward", type(raised).__name__, str(raised), field)
            return
        self.backends |= {"flex"} if flex else backend.seen
        if step.rows is not None:
            keep_rows(step, self._recorder.stages)
            return
        step.expected = dict(self._recorder.stages)
        if self._module.kv_cache is not None and self._module.cache_enabled:
            step.expected["k_cache"] = from_torch(self._module.kv_cache.k_cache)
            step.expected["v_cache"] = from_torch(self._module.kv_cache.v_cache)

    @staticmethod
    def _positional(step: RecordedStep) -> list[torch.Tensor | None]:
        x = to_torch(step.inputs["x"])
        if step.y == Y_IS_X:
            return [x, x]
        return [x, None if step.y == Y_ABSENT else to_torch(step.inputs["y"])]

    def _keywords(self, step: RecordedStep) -> dict[str, Any]:
        given: tuple[str, ...] = ("mask", "input_pos")
        keywords: dict[str, Any] = {name: to_torch(step.inputs[name]) for name in given if name in step.inputs}
        if "seq_lens" in step.inputs:
            keywords["mask"] = packed_block_causal_mask(list(to_torch(step.inputs["seq_lens"])))
        if "partial_blocks" in step.inputs:
            keywords["mask"] = block_masks.to_torch(step.inputs, step.inputs["x"].shape[1], self._keys(step))
        return keywords

    def _keys(self, step: RecordedStep) -> int:
        if self._module.kv_cache is not None and self._module.cache_enabled:
            return int(self._module.kv_cache.k_cache.shape[2])
        return step.inputs["x" if step.y == Y_IS_X else "y"].shape[1]
