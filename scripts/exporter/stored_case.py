"""A case file as a flat dictionary, for comparing two of them: "/config@embed_dim" -> 32, "/weights/x" -> array."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Flat = dict[str, Any]


def flatten(source: Path | bytes) -> Flat:
    """Every attribute ("path@name") and dataset ("path"). Raises OSError for what is not HDF5."""
    found: Flat = {}
    with h5py.File(io.BytesIO(source) if isinstance(source, bytes) else source, "r") as root:
        _attributes(found, "/", root)

        def visit(name: str, place: h5py.Group | h5py.Dataset) -> None:
            _attributes(found, f"/{name}", place)
            if isinstance(place, h5py.Dataset):
                found[f"/{name}"] = place[()]
            elif len(place.attrs) == 0:
                found[f"/{name}/"] = "group"

        root.visititems(visit)
    return found


def _attributes(found: Flat, path: str, place: h5py.Group | h5py.Dataset) -> None:
    for name, value in place.attrs.items():
        found[f"{path}@{name}"] = value.decode() if isinstance(value, bytes) else value


def same_bits(one: Any, other: Any) -> bool:
    """Equal type, shape and bytes: NaN equals the same NaN, and 0 does not equal -0."""
    one, other = np.asarray(one), np.asarray(other)
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def describe_difference(stored: Any, fresh: Any) -> str:
    """Where two values first differ."""
    if isinstance(stored, str) or isinstance(fresh, str):
        return f"stored {stored!r}, now {fresh!r}"
    one, other = np.asarray(stored), np.asarray(fresh)
    if one.dtype != other.dtype or one.shape != other.shape:
        return f"stored {one.dtype} {list(one.shape)}, now {other.dtype} {list(other.shape)}"
    if one.ndim == 0:
        return f"stored {stored!r}, now {fresh!r}"
    bits = f"u{one.dtype.itemsize}"
    where = np.argwhere(one.view(bits) != other.view(bits))
    first = tuple(int(index) for index in where[0])
    return f"{len(where)} of {one.size} elements, first {list(first)}: stored {one[first]!r}, now {other[first]!r}"
