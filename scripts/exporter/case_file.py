"""The HDF5 case file of fixtures/README.md. The same case always gives the same bytes: no timestamps, fixed order."""

from __future__ import annotations

import io
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from . import generator
from .case import PROJECTIONS, STAGES, Layer, RecordedCase, RecordedStep
from .tensor import Tensor

SCHEMA = "attest.attention"
SAMPLED_VERSION = 2  # with sampled rows
LATER_FIELDS_VERSION = 3
COMPRESSED_FROM = (
    1024  # bytes of a dataset of a case from version 2 on: masks of runs and selecting weights shrink to nothing
)
INPUTS = (
    *("x", "y", "mask", "seq_lens", "kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices"),
    *("partial_blocks", "input_pos", "keep"),
)
LATER_INPUTS = ("partial_blocks", "keep")
LAYER_ATTRIBUTES = (
    *("embed_dim", "num_heads", "num_kv_heads", "head_dim", "max_seq_len"),
    *("is_causal", "attn_dropout", "training", "dtype"),
)
LATER_ATTRIBUTES = ("scale", "norm_order", "flex_attention")  # written where they are not a layer's default


def file_name(case_name: str) -> str:
    return f"{case_name}.h5"


def case_bytes(case: RecordedCase) -> bytes:
    """The file's contents. Built in memory: a full disk then shows where the bytes are written, not inside HDF5."""
    buffer = io.BytesIO()
    later = _version(case) >= LATER_FIELDS_VERSION  # half the size: no tables for each group and each chunk
    with h5py.File(buffer, "w", libver=("v110", "v110") if later else "earliest") as root:
        _write_root(root, case)
    return buffer.getvalue()


def _create_group(parent: h5py.Group, name: str) -> h5py.Group:
    """Without timestamps, which the later format would write."""
    creation = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
    creation.set_obj_track_times(False)
    return h5py.Group(h5py.h5g.create(parent.id, name.encode(), gcpl=creation))


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
    compressed = _version(case) >= SAMPLED_VERSION
    _set(root, schema=SCHEMA, schema_version=_version(case))
    _set(root, case=case.name, description=case.description, family=case.family)
    _write_config(_create_group(root, "config"), case.layer)
    _write_tensors(_create_group(root, "weights"), case.weights, compressed)
    if case.tables:
        _write_tensors(_create_group(root, "tables"), case.tables)
    steps = _create_group(root, "steps")
    for number, step in enumerate(case.steps):
        _write_step(_create_group(steps, f"{number:03d}"), step, compressed)
    _set(_create_group(root, "provenance"), **case.provenance)


def _version(case: RecordedCase) -> int:
    """The lowest that can hold it."""
    if _later_facts(case.layer) or any(name in step.inputs for step in case.steps for name in LATER_INPUTS):
        return LATER_FIELDS_VERSION
    return SAMPLED_VERSION if any(step.rows is not None for step in case.steps) else 1


def _later_facts(layer: Layer) -> dict[str, Any]:
    defaults = {field.name: field.default for field in fields(Layer)}
    facts = {name: getattr(layer, name) for name in LATER_ATTRIBUTES}
    return {name: fact for name, fact in facts.items() if fact != defaults[name]}


def _write_config(group: h5py.Group, layer: Layer) -> None:
    _set(group, module="MultiHeadAttention", **{name: getattr(layer, name) for name in LAYER_ATTRIBUTES})
    _set(group, **_later_facts(layer))
    for name in PROJECTIONS:
        _set(_create_group(group, name), kind="Linear", **asdict(layer.projection(name)))
    rotary = layer.pos_embeddings
    facts = {"kind": "none"} if rotary is None else {"kind": rotary.kind, **rotary.words()}
    _set(_create_group(group, "pos_embeddings"), **facts)
    for name, part, kind in (
        ("q_norm", layer.q_norm, "RMSNorm"),
        ("k_norm", layer.k_norm, "RMSNorm"),
        ("kv_cache", layer.kv_cache, "KVCache"),
    ):
        _set(_create_group(group, name), **({"kind": "none"} if part is None else {"kind": kind, **asdict(part)}))


def _write_step(group: h5py.Group, step: RecordedStep, compressed: bool) -> None:
    _set(group, reset_cache=step.reset_cache, y=step.y)
    inputs = {name: step.inputs[name] for name in INPUTS if name in step.inputs}
    _write_tensors(_create_group(group, "inputs"), inputs, compressed)
    if step.error is not None:
        _set(_create_group(group, "error"), **asdict(step.error))
        return
    if step.rows is not None:
        _write_tensors(group, {"rows": step.rows})
        _set(_create_group(group, "sha256"), **step.sha256)
    for name, stages in (("expected", step.expected), ("truth", step.truth)):
        _write_tensors(_create_group(group, name), {stage: stages[stage] for stage in STAGES if stage in stages})


def _write_tensors(group: h5py.Group, tensors: dict[str, Tensor], compressed: bool = False) -> None:
    for name, tensor in tensors.items():
        if tensor.generated is None:
            packed = compressed and tensor.stored.nbytes >= COMPRESSED_FROM
            filters: dict[str, Any] = {"chunks": tensor.shape, "compression": 9} if packed else {}
            _set(group.create_dataset(name, data=tensor.stored, track_times=False, **filters), dtype=tensor.dtype)
        else:
            _set(
                _create_group(group, name),
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
