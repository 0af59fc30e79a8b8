"""A peer process: the first line of standard input is the job; every further line asks for one repetition or for rows
of the output. Every answer is one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


class Peer:
    def __init__(self, request: dict[str, Any]) -> None:
        import torch

        from .best_torch_work import BestTorchWork
        from .job import Job
        from .torchtune_work import TorchtuneWork

        torch.set_num_threads(request["threads"])
        self.job = Job(request)
        works: dict[str, type[TorchtuneWork | BestTorchWork]]
        works = {"torchtune": TorchtuneWork, "torch-best": BestTorchWork}
        self.work = works[request["peer"]](self.job)
        self.output = torch.empty(0)

    def repeat(self) -> dict[str, float]:
        return {"cold": self._timed(), "warm": self._timed()}

    def rows(self, tokens: list[int]) -> list[float]:
        rows = self.output[0, :, tokens] if self.job.kind == "attention" else self.output[0, tokens]
        return rows.reshape(-1).tolist()

    def versions(self) -> str:
        from importlib.metadata import version

        packages = ("torchtune", "torch", "numpy") if self.work.name == "torchtune" else ("torch", "numpy")
        return f"{self.work.name}: " + ", ".join(f"{package} {version(package)}" for package in packages)

    def _timed(self) -> float:
        self.work.restore()
        start = time.perf_counter()
        self.output = self.work.run()
        return time.perf_counter() - start


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
        import torch

        with torch.inference_mode():
            peer = Peer(json.loads(sys.stdin.readline()))
            answer({"versions": peer.versions()})
            for line in sys.stdin:
                request = json.loads(line)
                answer(peer.repeat() if request["request"] == "repeat" else {"rows": peer.rows(request["tokens"])})
    except Exception as error:
        answer({"error": f"{type(error).__name__}: {error}".replace("\n", " ")})
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
