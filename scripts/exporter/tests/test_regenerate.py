"""scripts/regenerate, with a python3 that only notes what it is asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENTS = ROOT / "scripts/exporter/requirements.txt"
TORCH = next(line for line in REQUIREMENTS.read_text().splitlines() if "torch==" in line)

# Stands for python3 and, once it "made" an environment, for that one's python.
FAKE_PYTHON = """#!/bin/bash
echo "$*" >> "$NOTES"
case "$*" in
  "-m venv --clear "*) mkdir -p "${@: -1}/bin" && cp "$0" "${@: -1}/bin/python" ;;
  "-m pip install"*) [[ -z $FAIL || "$*" != *"$FAIL"* ]] ;;
  *torch.version.cuda*) echo "$CUDA" ;;
esac
"""


class Clone:
    """A copy of the front door and its requirements."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.notes = folder, folder / "notes"
        (folder / "scripts/exporter").mkdir(parents=True)
        shutil.copy(ROOT / "scripts/regenerate", folder / "scripts")
        shutil.copy(REQUIREMENTS, folder / "scripts/exporter")
        python = folder / "bin/python3"
        python.parent.mkdir()
        python.write_text(FAKE_PYTHON)
        python.chmod(0o755)

    def regenerate(self, *arguments: str, cuda: str = "", fail: str = "") -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "NOTES": str(self.notes), "CUDA": cuda, "FAIL": fail}
        environment.pop("ATTEST_PYTHON", None)
        command = [str(self.folder / "scripts/regenerate"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def installed(self) -> list[str]:
        return [line for line in self.notes.read_text().splitlines() if "pip install" in line]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_torch_is_asked_for_first_where_its_cpu_builds_are(clone: Clone) -> None:
    assert clone.regenerate("--check").returncode == 0
    first, second = clone.installed()
    assert first.endswith(f"--extra-index-url https://download.pytorch.org/whl/cpu {TORCH}")
    assert "--no-deps" in first
    assert "--requirement" in second
    assert "index" not in second


def test_says_which_build_it_is(clone: Clone) -> None:
    assert "torch is a CPU build" in clone.regenerate().stderr
    shutil.rmtree(clone.folder / ".venv")
    said = clone.regenerate(cuda="12.8").stderr
    assert "CUDA 12.8" in said
    assert "several GB" in said


def test_an_environment_is_made_once_and_again_if_it_was_cut_short(clone: Clone) -> None:
    failed = clone.regenerate(fail="--requirement")
    assert failed.returncode == 2
    assert "pip could not install" in failed.stderr
    clone.regenerate()
    clone.regenerate()
    assert len(clone.installed()) == 4  # twice two; the third run needs none


def test_usage_errors_show_before_anything_is_installed(clone: Clone) -> None:
    assert clone.regenerate("--chekc").returncode == 2
    assert not clone.notes.exists()
