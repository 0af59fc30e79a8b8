"""torchtune as shipped: its MultiHeadAttention, called as its recipes call it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import scaled_dot_product_attention

from .job import Job


class TorchtuneWork:
    """`run` is the timed call, `restore` brings the cache back before it."""

    name = "torchtune"

    def __init__(self, job: Job) -> None:
        self.run, self.restore = _attention_alone(job) if job.kind == "attention" else _layer(job)


def _attention_alone(job: Job) -> tuple[Callable[[], torch.Tensor], Callable[[], None]]:
    """What torchtune's forward does between its projections: copy keys and values to every head, then attend."""
    q, k, v = job.queries_keys_values()
    b, n, s, h_d = q.shape
    n_kv = k.shape[1]

    def copied(x: torch.Tensor) -> torch.Tensor:
        return x if n == n_kv else x.unsqueeze(2).expand(b, n_kv, n // n_kv, s, h_d).flatten(1, 2)

    return lambda: scaled_dot_product_attention(q, copied(k), copied(v), is_causal=True), lambda: None


def _layer(job: Job) -> tuple[Callable[[], torch.Tensor], Callable[[], None]]:
    module, x = job.module(), job.x()
    y = job.y() if job.others else x
    mask, positions = (None, None) if job.kind in ("prefill", "cross") else (job.mask(), job.positions())
    cache = module.kv_cache
    for k, v in job.cached(module):
        cache.update(k, v)

    def restore() -> None:
        if cache is not None:
            cache.cache_pos += job.filled - cache.size

    return lambda: module(x, y, mask=mask, input_pos=positions), restore
