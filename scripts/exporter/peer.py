"""torchtune as the peer of `attest profile --peer torchtune`: the same layer, the same work, timed on request.

The first line of standard input is the job (harness/peer_process.cpp writes it); every further line asks for one
repetition or for rows of the output. Every answer is one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

CHUNK = 512  # tokens a step that fills the cache, as in harness/layer_work.cpp


class Peer:
    """The layer and the inputs of one job; `run` is the timed call, `restore` brings the cache back before it."""

    def __init__(self, job: dict[str, Any]) -> None:
        import torch

        torch.set_num_threads(job["threads"])
        self.job = job
        self.filled = job["slots"] - 1 if job["kind"] == "decode" else 0
        self.module = None
        self.output: torch.Tensor | None = None
        self.run, self.restore = self._attention_alone() if job["kind"] == "attention" else self._layer()

    def repeat(self) -> dict[str, float]:
        return {"cold": self._timed(), "warm": self._timed()}

    def rows(self, tokens: list[int]) -> list[float]:
        heads = self.job["kind"] == "attention"
        rows = self.output[0, :, tokens] if heads else self.output[0, tokens]
        return rows.reshape(-1).tolist()

    def _timed(self) -> float:
        import torch

        self.restore()
        with torch.inference_mode():
            start = time.perf_counter()
            self.output = self.run()
            return time.perf_counter() - start

    def _generated(self, stream: int, exponent: int, shape: tuple[int, ...]) -> Any:
        from . import generator
        from .tensor import Generated

        return generator.generate(Generated(self.job["seed"], stream, exponent), shape, "float32")

    def _activations(self, stream: int, *shape: int) -> Any:
        from .torch_tensors import to_torch

        return to_torch(self._generated(stream, self.job["activation_exponent"], shape))

    def _attention_alone(self) -> tuple[Callable, Callable]:
        """What torchtune's forward does between its projections: copy keys and values to every head, then attend."""
        from torch.nn.functional import scaled_dot_product_attention

        layer, s, stream = self.job["layer"], self.job["length"], self.job["stream_of_x"]
        n, n_kv, h_d = layer["num_heads"], layer["num_kv_heads"], layer["head_dim"]
        q = self._activations(stream, 1, n, s, h_d)
        k = self._activations(stream + 1, 1, n_kv, s, h_d)
        v = self._activations(stream + 2, 1, n_kv, s, h_d)

        def copied(x: Any) -> Any:
            return x if n == n_kv else x.unsqueeze(2).expand(1, n_kv, n // n_kv, -1, h_d).flatten(1, 2)

        def run() -> Any:
            return scaled_dot_product_attention(q, copied(k), copied(v), is_causal=True)

        return run, lambda: None

    def _layer(self) -> tuple[Callable, Callable]:
        job = self.job
        self.module = module = self._build()
        tokens = job["documents"] * job["length"]
        x = self._activations(job["stream_of_x"], 1, tokens, job["layer"]["embed_dim"])
        mask, positions = self._mask_and_positions(tokens)
        self._fill_cache()

        def restore() -> None:
            if module.kv_cache is not None:
                module.kv_cache.cache_pos += self.filled - module.kv_cache.size

        return lambda: module(x, x, mask=mask, input_pos=positions), restore

    def _build(self) -> Any:
        from . import case
        from .layer import build_layer

        job, slots = self.job, self.job["slots"]
        longest = max(job["length"], slots, CHUNK)
        layer = case.Layer(
            **job["layer"],
            pos_embeddings=case.Rotary(max_seq_len=longest, **job["pos_embeddings"]),
            kv_cache=case.KVCache(1, slots) if slots else None,
            max_seq_len=longest,
        )
        shapes = layer.weight_shapes()
        weights = {
            weight["name"]: self._generated(weight["stream"], weight["exponent"], shapes[weight["name"]])
            for weight in job["weights"]
        }
        return build_layer(layer, weights)

    def _mask_and_positions(self, tokens: int) -> tuple[Any, Any]:
        import torch

        if self.job["kind"] == "prefill":
            return None, None
        length = self.job["length"]
        key = torch.arange(self.job["slots"] or tokens)[None, :]
        row = torch.arange(tokens)[:, None]
        mask = (key >= row // length * length) & (key <= self.filled + row)
        return mask[None], (self.filled + torch.arange(tokens) % length)[None]

    def _fill_cache(self) -> None:
        import torch

        d, stream = self.job["layer"]["embed_dim"], self.job["stream_of_cached"]
        with torch.inference_mode():
            for number, first in enumerate(range(0, self.filled, CHUNK)):
                y = self._activations(stream + number, 1, min(CHUNK, self.filled - first), d)
                heads = (1, y.shape[1], -1, self.job["layer"]["head_dim"])
                k = self.module.pos_embeddings(self.module.k_proj(y).view(heads))
                v = self.module.v_proj(y).view(heads)
                self.module.kv_cache.update(k.transpose(1, 2), v.transpose(1, 2))


def _versions() -> str:
    from importlib.metadata import version

    return f"torchtune {version('torchtune')}, torch {version('torch')}, numpy {version('numpy')}"


def main() -> int:
    # Standard output carries the answers alone. What libraries print while they load (torchao: which of its kernels
    # this machine lacks) is nobody's concern; an exception becomes an answer.
    answers = os.fdopen(os.dup(1), "w")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)

    def answer(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        peer = Peer(json.loads(sys.stdin.readline()))
        answer({"versions": _versions()})
        for line in sys.stdin:
            request = json.loads(line)
            answer(peer.repeat() if request["request"] == "repeat" else {"rows": peer.rows(request["tokens"])})
    except Exception as error:
        answer({"error": f"{type(error).__name__}: {error}".replace("\n", " ")})
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
