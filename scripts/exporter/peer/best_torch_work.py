"""The fastest plain PyTorch found for the same work: q, k and v in one product, keys and values never copied to the
query heads, a cache sliced to what is filled, packed documents as a batch; eager and compiled, whichever is faster
here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch
from torch.nn.functional import linear, scaled_dot_product_attention
from torchtune.modules import MultiHeadAttention

from .job import Job, rotated_and_normed

TRIALS = 5

Run = Callable[[], torch.Tensor]
Attend = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
QueriesKeysValues = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class BestTorchWork:
    """`run` is the fastest candidate; `name` says which."""

    def __init__(self, job: Job) -> None:
        candidates = _attention_alone(job) if job.kind == "attention" else _layer(job)
        compiled = {f"{name}, compiled": torch.compile(run, dynamic=False) for name, run in candidates.items()}
        times = {name: _seconds(run) for name, run in (candidates | compiled).items()}
        fastest = min(times, key=times.__getitem__)
        self.run = (candidates | compiled)[fastest]
        self.name = f"plain torch ({fastest})"

    def restore(self) -> None:
        """Every run writes the same slots of the cache."""


def _seconds(run: Run) -> float:
    def once() -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    once()  # compiles
    return min(once() for _ in range(TRIALS))


def _enable_gqa(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, is_causal: bool) -> torch.Tensor:
    return scaled_dot_product_attention(q, k, v, is_causal=is_causal, enable_gqa=True)


def _group_as_tokens(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """One token: the query heads of a group are as good as that many tokens, and see the same keys."""
    b, n, _, h_d = q.shape
    out = scaled_dot_product_attention(q.view(b, k.shape[1], -1, h_d), k, v)
    return out.view(b, n, 1, h_d)


def _attention_alone(job: Job) -> dict[str, Run]:
    q, k, v = job.queries_keys_values()
    return {"enable_gqa": lambda: _enable_gqa(q, k, v, is_causal=True)}


def _layer(job: Job) -> dict[str, Run]:
    module = job.module()
    x = job.x().view(job.batch * job.documents, job.length, -1)
    h_d, n = job.layer.head_dim, job.layer.num_heads
    project = _projections(job, module, x)
    end = job.filled + job.length

    cache = None
    if job.slots:
        shape = (job.batch, job.layer.num_kv_heads, job.slots, h_d)
        cache = (torch.zeros(shape), torch.zeros(shape))
        first = 0
        for k, v in job.cached(module):
            for buffer, new in zip(cache, (k, v), strict=True):
                buffer[:, :, first : first + k.shape[2]] = new
            first += k.shape[2]

    def seen(new: torch.Tensor, buffer: torch.Tensor) -> torch.Tensor:
        buffer[:, :, job.filled : end] = new
        return buffer[:, :, :end]

    def forward(attend: Attend) -> torch.Tensor:
        q, k, v = project()
        if cache is not None:
            k, v = seen(k, cache[0]), seen(v, cache[1])
        out = attend(q, k, v).transpose(1, 2).reshape(job.batch, job.tokens, n * h_d)
        return module.output_proj(out)

    sees_all = job.kind in ("decode", "cross")
    ways: dict[str, Attend] = {"enable_gqa": lambda q, k, v: _enable_gqa(q, k, v, is_causal=not sees_all)}
    if job.kind == "decode":
        ways["grouped heads"] = _group_as_tokens
    return {name: partial(forward, attend) for name, attend in ways.items()}


def _projections(job: Job, module: MultiHeadAttention, x: torch.Tensor) -> Callable[[], QueriesKeysValues]:
    """What computes q, k and v [b, n, s, h_d]: all three in one product, or k and v where they come from y."""
    positions = job.positions().view(job.documents, job.length).repeat(job.batch, 1)
    together = [module.q_proj, module.k_proj, module.v_proj][1 if job.others else 0 :]
    source = job.y() if job.others else x
    weight = torch.cat([projection.weight for projection in together])
    biases = [projection.bias for projection in together if projection.bias is not None]
    bias = torch.cat(biases) if biases else None
    widths = [projection.out_features for projection in together]

    def project() -> QueriesKeysValues:
        parts = linear(source, weight, bias).split(widths, dim=-1)  # type: ignore[no-untyped-call]
        if job.others:
            parts = (module.q_proj(x), *parts)
        q, k, v = (part.view(*part.shape[:2], -1, job.layer.head_dim) for part in parts)
        q = rotated_and_normed(module, q, "q_norm", positions)
        return q, rotated_and_normed(module, k, "k_norm", positions), v.transpose(1, 2)

    return project
