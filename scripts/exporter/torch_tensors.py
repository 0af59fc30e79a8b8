"""The contract's tensors to and from torch, bit for bit."""

from __future__ import annotations

import numpy as np
import torch

from .tensor import Tensor, from_array, from_float16

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def to_torch(tensor: Tensor) -> torch.Tensor:
    """A torch tensor that owns its memory."""
    stored = np.array(tensor.stored)
    if tensor.dtype == "bfloat16":
        return torch.from_numpy(stored.view(np.int16)).view(torch.bfloat16)
    if tensor.dtype == "float16":
        return torch.from_numpy(stored.view(np.float16))
    if tensor.dtype == "bool":
        return torch.from_numpy(stored.astype(np.bool_))
    return torch.from_numpy(stored)


def from_torch(tensor: torch.Tensor) -> Tensor:
    """A copy: torchtune's cache buffers change after they were handed out."""
    tensor = tensor.detach().clone(memory_format=torch.contiguous_format)
    if tensor.dtype == torch.bfloat16:
        return Tensor("bfloat16", tensor.view(torch.int16).numpy().view("<u2"))
    if tensor.dtype == torch.float16:
        return from_float16(tensor.numpy())
    return from_array(tensor.numpy())
