"""fixtures/data/manifest.json: every case file with its SHA-256."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

NAME = "manifest.json"


def write_manifest(directory: Path, kept: dict[str, str]) -> int:
    """Lists all case files below `directory`; returns their number. `kept` holds the SHA-256 of files that were only
    carried over: a file that was damaged before stays recognisable as damaged."""
    files = [file.relative_to(directory).as_posix() for file in directory.glob("**/*.h5")]
    entries = [{"file": name, "sha256": kept.get(name) or _sha256(directory / name)} for name in sorted(files)]
    head = {"schema": "attest.manifest", "schema_version": 1, "cases": len(entries)}
    lines = ",\n".join(f"  {json.dumps(entry)}" for entry in entries)
    text = json.dumps(head)[:-1] + ',\n "files": [\n' + lines + "\n ]}\n"
    (directory / NAME).write_text(text, encoding="utf-8")
    return len(entries)


def read_manifest(directory: Path) -> dict[str, str]:
    """File -> SHA-256. Raises OSError or ValueError."""
    try:
        return {entry["file"]: entry["sha256"] for entry in json.loads((directory / NAME).read_bytes())["files"]}
    except (KeyError, TypeError) as problem:
        raise ValueError(f"no such key: {problem}") from problem


def differences(directory: Path) -> list[str]:
    """One sentence for each file that is missing, not listed, or not what the manifest says."""
    try:
        listed = read_manifest(directory)
    except (OSError, ValueError) as problem:
        return [f"{NAME}: cannot be read: {problem}"]
    present = {file.relative_to(directory).as_posix(): file for file in directory.glob("**/*.h5")}
    found = [f"{NAME}: {name} is listed but missing" for name in sorted(listed.keys() - present.keys())]
    found += [f"{NAME}: {name} is not listed" for name in sorted(present.keys() - listed.keys())]
    for name in sorted(listed.keys() & present.keys()):
        if _sha256(present[name]) != listed[name]:
            found.append(f"{NAME}: {name} has another SHA-256 than listed")
    return found


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
