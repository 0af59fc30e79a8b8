"""A case file, read again. The C++ reader (fixtures/read_case.cpp) is the one that
validates; this one trusts a file that `attest` wrote or accepts."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py

from . import generator
from .case import PROJECTIONS, KVCache, Layer, RaisedError, RecordedCase, RecordedStep, RefusedCase, RMSNorm, Rotary
from .case_file import LATER_ATTRIBUTES, LAYER_ATTRIBUTES
from .rotary import INTERLEAVED
from .tensor import Generated, Tensor


def case_files(path: Path) -> list[Path]:
    """The file itself, or every case file below a directory."""
    return sorted(path.glob("**/*.h5")) if path.is_dir() else [path]


def read_case(file: Path) -> RecordedCase:
    with h5py.File(file, "r") as root:
        facts = _attributes(root)
        layer = _layer(root["config"])
        if unknown := sorted(set(root["weights"]) - set(layer.weight_shapes())):
            raise RefusedCase(f"{file}: {', '.join(unknown)}: parameters of modules that a case cannot say")
        return RecordedCase(
            facts["case"],
            facts["description"],
            facts["family"],
            layer,
            _tensors(root["weights"]),
            _tensors(root["tables"]) if "tables" in root else {},
            [_step(root["steps"][number]) for number in sorted(root["steps"])],
            _attributes(root["provenance"]),
        )


SUPPORTED = {
    **dict.fromkeys(PROJECTIONS, ("Linear",)),
    **dict.fromkeys(("q_norm", "k_norm"), ("none", "RMSNorm")),
    "kv_cache": ("none", "KVCache"),
    "pos_embeddings": ("none", *INTERLEAVED),
}


def _refuse_unsupported(config: h5py.Group) -> None:
    """torchtune lets a builder put any module there; these are the ones that a case can say."""
    for name, kinds in SUPPORTED.items():
        kind = _attributes(config[name])["kind"]
        if kind not in kinds:
            raise RefusedCase(f"{config.file.filename}: {name} is a {kind}, but a case can only say {', '.join(kinds)}")


def _layer(config: h5py.Group) -> Layer:
    _refuse_unsupported(config)
    linears = {name: _attributes(config[name]) for name in PROJECTIONS}
    own = _attributes(config)
    return Layer(
        **{name: own[name] for name in LAYER_ATTRIBUTES},
        **{name: own[name] for name in LATER_ATTRIBUTES if name in own},
        bias="".join(name[0] for name in PROJECTIONS if linears[name]["bias"]),
        pos_embeddings=_part(Rotary, config["pos_embeddings"]),
        q_norm=_part(RMSNorm, config["q_norm"]),
        k_norm=_part(RMSNorm, config["k_norm"]),
        kv_cache=_part(KVCache, config["kv_cache"]),
        output_features=linears["output_proj"]["out_features"],
    )


def _part(kind: type, group: h5py.Group) -> Any:
    """An instance from the group's attributes; None where its kind is "none"."""
    facts = _attributes(group)
    if facts["kind"] == "none":
        return None
    return kind(**{field.name: facts[field.name] for field in fields(kind) if field.name in facts})


def _step(group: h5py.Group) -> RecordedStep:
    facts = _attributes(group)
    recorded = RecordedStep(facts["reset_cache"], facts["y"], _tensors(group["inputs"]))
    if "error" in group:
        recorded.error = RaisedError(**_attributes(group["error"]))
    if "rows" in group:
        recorded.rows, recorded.sha256 = _tensor(group["rows"]), _attributes(group["sha256"])
    if "expected" in group:  # a case that waits for torchtune's answers has none
        recorded.expected, recorded.truth = _tensors(group["expected"]), _tensors(group["truth"])
    return recorded


def _tensors(group: h5py.Group) -> dict[str, Tensor]:
    return {name: _tensor(place) for name, place in group.items()}


def _tensor(place: h5py.Dataset | h5py.Group) -> Tensor:
    facts = _attributes(place)
    if isinstance(place, h5py.Dataset):
        return Tensor(facts["dtype"], place[()])
    spec = Generated(facts["seed"], facts["stream"], facts["exponent"])
    return generator.generate(spec, tuple(int(extent) for extent in facts["shape"]), facts["dtype"])


def _attributes(place: h5py.Group | h5py.Dataset) -> dict[str, Any]:
    """As Python's own types: the truth values that h5py gives as uint8 too."""
    found: dict[str, Any] = {}
    for name, value in place.attrs.items():
        if isinstance(value, bytes):
            found[name] = value.decode()
        elif getattr(value, "dtype", None) == "uint8":
            found[name] = bool(value)
        else:
            found[name] = value.item() if getattr(value, "ndim", 1) == 0 else value
    return found
