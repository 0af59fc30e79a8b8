"""Command line of the exporter; scripts/regenerate is its front door."""

from __future__ import annotations

import argparse
import errno
import fnmatch
import logging
import os
import shutil
import signal
import sys
import warnings
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "fixtures" / "data"
PASSED, DIFFERENT, USAGE = 0, 1, 2


class Interrupted(BaseException):
    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number


class Refusal(Exception):
    """Ends the run; the message is the one sentence for the user."""


def main() -> int:
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _check(arguments) if arguments.check else _regenerate(arguments)
    except Interrupted as interrupted:
        return _stop(f"interrupted; {arguments.output} is as it was", interrupted.exit_code)
    except Refusal as refusal:
        return _stop(f"{refusal}; {arguments.output} is as it was", USAGE)
    except OSError as problem:
        return _stop(f"{_what_failed(problem)}; {arguments.output} is as it was", USAGE)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="regenerate", description="Runs torchtune and rewrites the fixtures.")
    parser.add_argument("--check", action="store_true", help="compare with what is stored, write nothing")
    parser.add_argument("--only", metavar="GLOB", help="only the cases whose name matches, e.g. 'masks/*'")
    parser.add_argument("--output", metavar="DIR", type=Path, default=DATA, help="another directory of case files")
    return parser.parse_args()


def _interrupt(number: int, _frame: object) -> None:
    raise Interrupted(number)


def _stop(sentence: str, code: int) -> int:
    print(f"regenerate: {sentence}.", file=sys.stderr)
    return code


def _what_failed(problem: OSError) -> str:
    where = f"cannot write {problem.filename}: " if problem.filename else ""
    reason = os.strerror(problem.errno) if problem.errno in errno.errorcode else str(problem)
    return where + reason


def _selected(glob: str | None) -> list:
    """The entries of the case list. Imports torch, quietly: torchao and torch warn about optional parts."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    from .case_list import CASES

    names = [entry.name for entry in CASES]
    if len(set(names)) != len(names):
        raise Refusal(f"the case list names {max(names, key=names.count)} twice")
    selected = [entry for entry in CASES if glob is None or fnmatch.fnmatchcase(entry.name, glob)]
    if not selected:
        raise Refusal(f"no case matches '{glob}'")
    return selected


def _exported(entries: list):
    """Yields each recorded case with its verdicts; shows progress on a terminal."""
    from .export import RefusedCase, export_case

    for number, entry in enumerate(entries, 1):
        if sys.stderr.isatty():
            print(f"\r\033[K[{number}/{len(entries)}] {entry.name}", end="", file=sys.stderr, flush=True)
        try:
            yield export_case(entry)
        except RefusedCase as refused:
            raise Refusal(str(refused)) from refused
        finally:
            if sys.stderr.isatty():
                print("\r\033[K", end="", file=sys.stderr, flush=True)


def _regenerate(arguments: argparse.Namespace) -> int:
    from . import manifest
    from .case_file import file_name, write_case
    from .replacement import replacement_of
    from .summary import Summary

    entries, summary = _selected(arguments.only), Summary()
    with replacement_of(arguments.output) as fresh:
        kept = {}
        if arguments.only is not None and arguments.output.exists():
            kept = _carried_over(arguments.output, fresh, {file_name(entry.name) for entry in entries})
        for case, verdicts in _exported(entries):
            write_case(case, fresh)
            summary.add(case.layer.dtype, verdicts)
        total = manifest.write_manifest(fresh, kept)
    print(f"{summary.cases} cases written to {arguments.output}, which now holds {total}.", *summary.lines(), sep="\n")
    return PASSED


def _carried_over(output: Path, fresh: Path, replaced: set[str]) -> dict[str, str]:
    """Copies what the run does not replace; returns its manifest entries."""
    from . import manifest

    try:
        listed = manifest.read_manifest(output)
    except ValueError as problem:
        raise Refusal(f"{output / manifest.NAME} cannot be read ({problem}), so nothing can be kept") from problem
    shutil.copytree(output, fresh, dirs_exist_ok=True)
    for name in replaced:
        (fresh / name).unlink(missing_ok=True)
    return {name: digest for name, digest in listed.items() if name not in replaced}


def _check(arguments: argparse.Namespace) -> int:
    from . import check, manifest

    if not arguments.output.is_dir():
        raise Refusal(f"{arguments.output} is not a directory of case files")
    entries = _selected(arguments.only)
    found = manifest.differences(arguments.output)
    if arguments.only is None:
        found += _unknown_files(arguments.output, {entry.name for entry in entries})
    for case, _ in _exported(entries):
        found += check.differences(case, arguments.output)
    for difference in found:
        print(difference)
    print(
        f"{len(entries)} cases compared with {arguments.output}: "
        + (f"{len(found)} differences." if found else "same.")
    )
    return DIFFERENT if found else PASSED


def _unknown_files(output: Path, known: set[str]) -> list[str]:
    names = [file.relative_to(output).with_suffix("").as_posix() for file in sorted(output.glob("**/*.h5"))]
    return [f"{name}: is not in the case list" for name in names if name not in known]


if __name__ == "__main__":
    sys.exit(main())
