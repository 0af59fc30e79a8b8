"""How the numbers of a case are drawn. Every tensor has its own Philox stream, keyed by the case's and its own name, so
that the same bits come out on any machine and adding a tensor moves no other.

Two ways: a *dense* layer has random weights; a *selecting* layer has projections that pick q, k and v out of x, so that
a family can say exactly what attention sees.
"""

from __future__ import annotations

import hashlib

import numpy as np

from . import block_masks, generator, selected_inputs, selecting_weights
from .case import Y_ABSENT, Y_GIVEN, Y_IS_X, CaseEntry, RecordedStep
from .tensor import Generated, Tensor, from_array, from_float64

OUTPUT_STANDARD_DEVIATION = 1.0  # of a generated layer's projections
X_EXPONENT = -16  # generated x: a standard deviation of about 1.155
X_STREAM = 100


def stream(case: str, tensor: str) -> np.random.Generator:
    """The random numbers of one tensor of one case."""
    digest = hashlib.sha256(f"{case}:{tensor}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], dtype="<u8")))


def seed(case: str) -> int:
    """The generator's seed of a case; below 2^63, because HDF5 holds it as int64."""
    return int.from_bytes(hashlib.sha256(case.encode()).digest()[:8], "little") >> 1


def draw_weights(entry: CaseEntry) -> dict[str, Tensor]:
    """Parameter name -> tensor in the layer's dtype."""
    weights = {}
    for number, (name, shape) in enumerate(entry.layer.weight_shapes().items()):
        if entry.generated and name.endswith(".weight") and (name.startswith("output") or not entry.sampled):
            deviation = OUTPUT_STANDARD_DEVIATION / (np.sqrt(shape[1]) * generator.STANDARD_DEVIATION * 2.0**X_EXPONENT)
            spec = Generated(seed(entry.name), number, generator.exponent_for(deviation))
            weights[name] = generator.generate(spec, shape, entry.layer.dtype)
        else:
            weights[name] = from_float64(_weight(entry, name, shape), entry.layer.dtype)
    return weights


def _weight(entry: CaseEntry, name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = stream(entry.name, name)
    if entry.sampled:
        if name.endswith(".bias"):
            return selecting_weights.bias(entry, name, shape)
        return selecting_weights.weight(entry, name, shape, rng)
    if entry.selected and name != "output_proj.weight":
        return selected_inputs.selection(entry.layer, name)
    if name.endswith(".bias"):
        return 0.5 * rng.standard_normal(shape)
    if name.endswith(".scale"):
        return rng.uniform(0.5, 1.5, shape)
    values = rng.standard_normal(shape) / np.sqrt(shape[1])
    if entry.nan_weight == name:
        values[1, 2] = np.nan
    return values


def draw_steps(entry: CaseEntry) -> list[RecordedStep]:
    """The case's calls, nothing of them computed yet."""
    return [
        RecordedStep(
            call.reset_cache,
            call.y if call.y in (Y_IS_X, Y_ABSENT) else Y_GIVEN,
            draw_inputs(entry, number),
            rows=draw_rows(entry, number),
        )
        for number, call in enumerate(entry.calls)
    ]


def draw_inputs(entry: CaseEntry, number: int) -> dict[str, Tensor]:
    """x, and y, mask or seq_lens, input_pos where the call has them."""
    call, width = entry.calls[number], entry.layer.embed_dim
    place = f"steps/{number:03d}"
    inputs = {"x": _tokens(entry, call.x_shape or (call.b, call.s, width), f"{place}/x", X_STREAM + 2 * number)}
    if isinstance(call.y, int):
        shape = call.y_shape or (call.b, call.y, width)
        inputs["y"] = _tokens(entry, shape, f"{place}/y", X_STREAM + 2 * number + 1)
    if call.mask is not None:
        mask = call.mask(stream(entry.name, f"{place}/mask"))
        inputs["mask"] = mask if isinstance(mask, Tensor) else from_array(mask)
    if call.seq_lens is not None:
        inputs["seq_lens"] = from_array(_padded(call.seq_lens))
    if call.block_mask is not None:
        dense = call.block_mask(stream(entry.name, f"{place}/block_mask"))
        inputs |= block_masks.tensors_of(np.asarray(dense), call.block_size)
    if call.input_pos is not None:
        inputs["input_pos"] = from_array(np.asarray(call.input_pos))
    return inputs


def draw_rows(entry: CaseEntry, number: int) -> Tensor | None:
    """Of a sampled case: the samples and tokens of a call whose rows are recorded."""
    if entry.sampled == 0:
        return None
    call, rng = entry.calls[number], stream(entry.name, f"steps/{number:03d}/rows")
    return from_array(selecting_weights.sampled_rows(entry.sampled, call.b, call.s, rng))


def _padded(seq_lens: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """int64 [b, n]: zeros where a sample has fewer documents than another."""
    most = max(len(lengths) for lengths in seq_lens)
    return np.array([[*lengths, *[0] * (most - len(lengths))] for lengths in seq_lens])


def _tokens(entry: CaseEntry, shape: tuple[int, ...], place: str, number: int) -> Tensor:
    """x or y, usually [b, s, d]."""
    layer = entry.layer
    if entry.generated:
        return generator.generate(Generated(seed(entry.name), number, X_EXPONENT), shape, layer.dtype)
    rng = stream(entry.name, place)
    if entry.selected:
        return from_float64(selected_inputs.draw(entry.family, layer, shape[0], shape[1], rng), layer.dtype)
    return from_float64(rng.standard_normal(shape), layer.dtype)
