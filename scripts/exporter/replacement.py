"""Rewrites a directory as a whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .interruption import held_back

PREFIX = ".regenerating-"


@contextmanager
def replacement_of(directory: Path) -> Iterator[Path]:
    """Yields an empty sibling to fill. Left normally, it takes the directory's place; left by an exception, it is
    removed and the directory is as it was."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    workplace = Path(tempfile.mkdtemp(prefix=PREFIX, dir=directory.parent))
    try:
        fresh = workplace / "fresh"
        fresh.mkdir()
        yield fresh
        _swap(directory, fresh, workplace / "replaced")
    finally:
        with held_back():
            shutil.rmtree(workplace, ignore_errors=True)


def _swap(directory: Path, fresh: Path, replaced: Path) -> None:
    """Two renames that no signal can part; if the second one fails, the first is undone."""
    with held_back():
        existed = directory.exists()
        if existed:
            directory.rename(replaced)
        try:
            fresh.rename(directory)
        except OSError:
            if existed:
                replaced.rename(directory)
            raise
