"""Case files: the same case gives the same bytes, what is written is read, and generated tensors are the contract's."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from exporter import generator
from exporter.case_file import case_bytes, file_name, write_case
from exporter.read_case import read_case
from exporter.stored_case import flatten, same_bits
from exporter.tensor import Generated

DATA = Path(__file__).resolve().parents[3] / "fixtures" / "data"
SOME = (
    "heads/grouped_query",
    "cache/reset",
    "packed/seq_lens_bfloat16",
    "positions/llama3_scaled",
    "masks/bool_full",
    "errors/num_heads",
    "large/129_keys_window_bool",
)


@pytest.mark.parametrize("name", SOME)
def test_what_is_read_is_written_again_bit_for_bit(name: str, tmp_path: Path) -> None:
    recorded = DATA / file_name(name)
    write_case(read_case(recorded), tmp_path)
    again, stored = flatten(tmp_path / file_name(name)), flatten(recorded)
    assert again.keys() == stored.keys()
    assert [path for path in stored if not same_bits(again[path], stored[path])] == []
    assert (tmp_path / file_name(name)).read_bytes() == case_bytes(read_case(recorded))


def test_a_generated_tensor_is_what_the_contract_recorded() -> None:
    """Its SHA-256 was written by another version of this code, and is checked by C++."""
    compared = 0
    with h5py.File(DATA / file_name("real_layers/llama3_2_1b")) as root:
        for place in root["weights"].values():
            if "generator" not in place.attrs or np.prod(place.attrs["shape"]) > 1 << 22:
                continue
            spec = Generated(int(place.attrs["seed"]), int(place.attrs["stream"]), int(place.attrs["exponent"]))
            dtype = place.attrs["dtype"].decode()
            tensor = generator.generate(spec, tuple(int(extent) for extent in place.attrs["shape"]), dtype)
            assert tensor.sha256() == place.attrs["sha256"].decode()
            compared += 1
    assert compared > 0


def test_the_chunks_of_a_long_tensor_do_not_show() -> None:
    spec = Generated(1, 2, -10)
    whole = generator.generate(spec, (generator.CHUNK + 3,), "float32").stored
    assert (
        hashlib.sha256(whole[: generator.CHUNK].tobytes()).digest()
        == hashlib.sha256(generator.generate(spec, (generator.CHUNK,), "float32").stored.tobytes()).digest()
    )
    assert abs(float(np.std(whole)) / (generator.STANDARD_DEVIATION * 2.0**-10) - 1) < 0.02
