"""The HDF5 case file of fixtures/README.md. The same case always gives the same bytes: no timestamps, fixed order."""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from . import generator
from .case import PROJECTIONS, STAGES, Layer, RecordedCase, RecordedStep
from .tensor import Tensor

SCHEMA = "attest.attention"
SAMPLED_VERSION = 2  # with sampled rows; every other file is of version 1
COMPRESSED_FROM = 1024  # bytes of a dataset of a sampled case: masks of runs and selecting weights shrink to nothing
INPUTS = ("x", "y", "mask", "seq_lens", "input_pos")
LAYER_ATTRIBUTES = (
    *("embed_dim", "num_heads", "num_kv_heads", "head_dim", "max_seq_len"),
    *("is_causal", "attn_dropout", "training", "dtype"),
)


def file_name(case_name: str) -> str:
    return f"{case_name}.h5"


def case_bytes(case: RecordedCase) -> bytes:
    """The file's contents. Built in memory: a full disk then shows where the bytes are written, not inside HDF5."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver="earliest") as root:
        _write_root(root, case)
    return buffer.getvalue()


def write_case(case: RecordedCase, directory: Path) -> None:
    """Writes `directory`/<group>/<case>.h5."""
    file = directory / file_name(case.name)
    file.parent.mkdir(parents=True, exist_ok=True)
    contents = case_bytes(case)
    try:
        file.write_bytes(contents)
    except OSError as problem:  # a failed write, unlike a failed open, does not know its file
        raise OSError(problem.errno, problem.strerror, str(file)) from problem


def _write_root(root: h5py.Group, case: RecordedCase) -> None:
    sampled = any(step.rows is not None for step in case.steps)
    _set(root, schema=SCHEMA, schema_version=SAMPLED_VERSION if sampled else 1)
    _set(root, case=case.name, description=case.description, family=case.family)
    _write_config(root.create_group("config"), case.layer)
    _write_tensors(root.create_group("weights"), case.weights, compressed=sampled)
    if case.tables:
        _write_tensors(root.create_group("tables"), case.tables)
    steps = root.create_group("steps")
    for number, step in enumerate(case.steps):
        _write_step(steps.create_group(f"{number:03d}"), step)
    _set(root.create_group("provenance"), **case.provenance)


def _write_config(group: h5py.Group, layer: Layer) -> None:
    _set(group, module="MultiHeadAttention", **{name: getattr(layer, name) for name in LAYER_ATTRIBUTES})
    for name in PROJECTIONS:
        _set(group.create_group(name), kind="Linear", **asdict(layer.projection(name)))
    rotary = layer.pos_embeddings
    facts = {"kind": "none"} if rotary is None else {"kind": rotary.kind, **rotary.words()}
    _set(group.create_group("pos_embeddings"), **facts)
    for name, part, kind in (
        ("q_norm", layer.q_norm, "RMSNorm"),
        ("k_norm", layer.k_norm, "RMSNorm"),
        ("kv_cache", layer.kv_cache, "KVCache"),
    ):
        _set(group.create_group(name), **({"kind": "none"} if part is None else {"kind": kind, **asdict(part)}))


def _write_step(group: h5py.Group, step: RecordedStep) -> None:
    _set(group, reset_cache=step.reset_cache, y=step.y)
    inputs = {name: step.inputs[name] for name in INPUTS if name in step.inputs}
    _write_tensors(group.create_group("inputs"), inputs, compressed=step.rows is not None)
    if step.error is not None:
        _set(group.create_group("error"), **asdict(step.error))
        return
    if step.rows is not None:
        _write_tensors(group, {"rows": step.rows})
        _set(group.create_group("sha256"), **step.sha256)
    for name, stages in (("expected", step.expected), ("truth", step.truth)):
        _write_tensors(group.create_group(name), {stage: stages[stage] for stage in STAGES if stage in stages})


def _write_tensors(group: h5py.Group, tensors: dict[str, Tensor], compressed: bool = False) -> None:
    for name, tensor in tensors.items():
        if tensor.generated is None:
            packed = compressed and tensor.stored.nbytes >= COMPRESSED_FROM
            filters: dict[str, Any] = {"chunks": tensor.shape, "compression": 9} if packed else {}
            _set(group.create_dataset(name, data=tensor.stored, track_times=False, **filters), dtype=tensor.dtype)
        else:
            _set(
                group.create_group(name),
                generator=generator.NAME,
                **asdict(tensor.generated),
                shape=np.array(tensor.shape, dtype="<i8"),
                dtype=tensor.dtype,
                sha256=tensor.sha256(),
            )


def _set(place: Any, **attributes: Any) -> None:
    """int64, float64, uint8 truth values, fixed-length UTF-8 strings."""
    for name, value in attributes.items():
        if isinstance(value, str):
            bits = value.encode()
            place.attrs.create(name, bits, dtype=h5py.string_dtype("utf-8", max(1, len(bits))))
        elif isinstance(value, bool):
            place.attrs.create(name, value, dtype="u1")
        elif isinstance(value, int):
            place.attrs.create(name, value, dtype="<i8")
        elif isinstance(value, float):
            place.attrs.create(name, value, dtype="<f8")
        else:
            place.attrs.create(name, value)
