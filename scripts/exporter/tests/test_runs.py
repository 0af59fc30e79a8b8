"""Real runs of torchtune through scripts/regenerate: a check, another file's layer, and an interruption."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torchtune", reason="torch is not installed here")

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "fixtures" / "data"
PATIENCE = 600.0  # torch alone takes a while to import on a busy machine


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [ROOT / "scripts/regenerate", *arguments],
        env={**os.environ, "ATTEST_PYTHON": sys.executable},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def regenerate(*arguments: str | Path) -> tuple[int, str]:
    run = start(*arguments)
    out, err = run.communicate(timeout=PATIENCE)
    return run.returncode, out + err


def digests(folder: Path) -> dict[str, str]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The recorded cases of one group, with a manifest of their own."""
    from exporter import manifest

    folder = tmp_path / "data"
    shutil.copytree(DATA / "heads", folder / "heads")
    manifest.write_manifest(folder, {})
    return folder


def test_stored_cases_are_what_torchtune_computes_now(copy: Path) -> None:
    code, said = regenerate("--check", "--only", "heads/one_head", "--output", copy)
    assert (code, "same" in said) == (0, True), said


def test_a_changed_output_is_found(copy: Path) -> None:
    import h5py

    with h5py.File(copy / "heads/one_head.h5", "r+") as root:
        output = root["steps/000/expected/output"]
        output[0, 0, 0] += 1.0
    before = digests(copy)
    code, said = regenerate("--check", "--only", "heads/one_head", "--output", copy)
    assert (code, "heads/one_head: " in said, "output" in said) == (1, True, True), said
    assert digests(copy) == before


def test_a_case_of_another_file_gets_torchtune_s_answers(tmp_path: Path) -> None:
    code, said = regenerate("--from", DATA / "heads/multi_query.h5", "--output", tmp_path / "recorded")
    assert code == 0, said
    assert list(digests(tmp_path / "recorded")) == ["heads/multi_query.h5"]


def test_one_case_is_recorded_anew_and_the_others_stay(copy: Path) -> None:
    before = digests(copy)
    code, said = regenerate("--only", "heads/one_head", "--output", copy)
    assert code == 0, said
    changed = {name for name, digest in digests(copy).items() if before[name] != digest}
    assert changed <= {"heads/one_head.h5", "manifest.json"}


def test_an_interrupted_run_leaves_the_data_as_it_was(copy: Path) -> None:
    before = digests(copy)
    run = start("--only", "heads/*", "--output", copy)
    deadline = time.monotonic() + PATIENCE
    while not list(copy.parent.glob(".regenerating-*/fresh/heads/one_head.h5")) and time.monotonic() < deadline:
        assert run.poll() is None, run.communicate()
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 130, err
    assert "interrupted" in err
    assert digests(copy) == before
    assert not list(copy.parent.glob(".regenerating-*"))
