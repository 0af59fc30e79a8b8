"""The data folder is replaced as a whole or stays as it was, and its manifest tells what is in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from exporter import interruption, manifest
from exporter.replacement import PREFIX, replacement_of


def fill(folder: Path, **files: str) -> None:
    for name, text in files.items():
        file = folder / "group" / f"{name}.h5"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    manifest.write_manifest(folder, {})


def contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    fill(folder, one="1", two="2")
    return folder


def nothing_left_beside(data: Path) -> bool:
    return not [name for name in os.listdir(data.parent) if name.startswith(PREFIX)]


def test_what_was_filled_takes_the_place(data: Path) -> None:
    with replacement_of(data) as fresh:
        fill(fresh, three="3")
    assert set(contents(data)) == {"group/three.h5", manifest.NAME}
    assert nothing_left_beside(data)


ENDS = (OSError("disk full"), interruption.Interrupted(signal.SIGINT), KeyboardInterrupt())


@pytest.mark.parametrize("problem", ENDS)
def test_whatever_ends_it_early_leaves_everything_as_it_was(data: Path, problem: BaseException) -> None:
    before = contents(data)
    with pytest.raises(type(problem)), replacement_of(data) as fresh:
        fill(fresh, three="3")
        raise problem
    assert contents(data) == before
    assert nothing_left_beside(data)


def test_a_rename_that_fails_is_undone(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, rename = contents(data), Path.rename

    def fails_for_fresh(self: Path, target: Path) -> Path:
        if self.name == "fresh":
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_for_fresh)
    with pytest.raises(OSError, match="no"), replacement_of(data) as fresh:
        fill(fresh, three="3")
    assert contents(data) == before


def test_a_signal_is_remembered_even_if_its_exception_is_swallowed() -> None:
    script = (
        "import os, signal\n"
        "from exporter import interruption\n"
        "interruption.listen()\n"
        "try: os.kill(os.getpid(), signal.SIGTERM)\n"
        "except BaseException: pass\n"
        "try: interruption.raise_if_any()\n"
        "except interruption.Interrupted as interrupted: print(interrupted.exit_code)\n"
    )
    scripts = Path(interruption.__file__).parents[1]
    run = subprocess.run([sys.executable, "-c", script], cwd=scripts, capture_output=True, text=True, check=True)
    assert run.stdout == "143\n"


def test_the_manifest_finds_what_is_missing_added_or_changed(data: Path) -> None:
    assert manifest.differences(data) == []
    (data / "group/one.h5").write_text("other")
    (data / "group/two.h5").unlink()
    (data / "group/three.h5").write_text("3")
    found = "\n".join(manifest.differences(data))
    assert "group/one.h5 has another SHA-256" in found
    assert "group/two.h5 is listed but missing" in found
    assert "group/three.h5 is not listed" in found


def test_a_file_that_was_carried_over_damaged_stays_recognisable(data: Path) -> None:
    listed = manifest.read_manifest(data)
    (data / "group/one.h5").write_text("damaged")
    manifest.write_manifest(data, {"group/one.h5": listed["group/one.h5"]})
    assert manifest.differences(data) == [f"{manifest.NAME}: group/one.h5 has another SHA-256 than listed"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"files": [{"file": "a"}]}'])
def test_an_unreadable_manifest_is_one_sentence(data: Path, text: str) -> None:
    (data / manifest.NAME).write_text(text)
    assert len(manifest.differences(data)) == 1
