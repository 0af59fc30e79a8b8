"""What produced a case file: versions, processor, threads, attention kernel. All strings."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import torch

from . import EXPORTER_VERSION

THREADS = 2  # fixed, so that two machines of one kind give the same bits

# Where these agree, torchtune's outputs are expected bit for bit.
DECISIVE = ("torch", "torchtune", "cpu_capability", "cpu_model", "threads", "sdpa_backend")


def collect(backends: set[str]) -> dict[str, str]:
    """`backends`: the attention kernels that ran, "flash" and "math"; empty where torchtune raised."""
    packages = {name: version(name) for name in ("torch", "torchtune", "torchao", "numpy", "h5py")}
    return {
        "exporter": EXPORTER_VERSION,
        "python": platform.python_version(),
        **packages,
        "torch_config": torch.__config__.show().partition("  - Build settings")[0].strip(),
        "cpu_model": _cpu_model(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "sdpa_backend": ",".join(sorted(backends)) or "none",
    }


def _cpu_model() -> str:
    """With family and model: a virtual machine's name may be a brand's alone, such as "AMD EPYC"."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    first = info.read_text().split("\n\n")[0]
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}
    return f"{facts.get('model name')}, family {facts.get('cpu family')} model {facts.get('model')}"
