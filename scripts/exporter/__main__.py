"""Command line of the exporter; scripts/regenerate is its front door."""

from __future__ import annotations

import argparse
import fnmatch
import logging
import shutil
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from . import interruption

if TYPE_CHECKING:  # NumPy and torch are imported after the options were parsed
    from .case import CaseEntry, RecordedCase
    from .criterion import Verdict

    Exported = tuple[RecordedCase, list[Verdict]]

DATA = Path(__file__).resolve().parents[2] / "fixtures" / "data"
PASSED, DIFFERENT, USAGE = 0, 1, 2


class Refusal(Exception):
    """Ends the run; the message is the one sentence for the user."""


class OneSentenceParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.exit(_stop(f"{message}; see scripts/regenerate --help", USAGE))


def main() -> int:
    arguments = _arguments()
    interruption.listen()
    logging.disable(logging.WARNING)  # torch and torchao warn about optional parts when they are imported
    warnings.simplefilter("ignore")
    untouched = "" if arguments.check or arguments.source else f"; {arguments.output} is as it was"
    try:
        if arguments.source:
            return _answer(arguments)
        return _check(arguments) if arguments.check else _regenerate(arguments)
    except interruption.Interrupted as interrupted:
        return _stop("interrupted" + untouched, interrupted.exit_code)
    except Refusal as refusal:
        return _stop(f"{refusal}{untouched}", USAGE)
    except Exception as problem:  # whatever it is, the user gets one sentence
        return _stop(_what_failed(problem) + untouched, USAGE)


def _arguments() -> argparse.Namespace:
    parser = OneSentenceParser(prog="regenerate", description="Runs torchtune and rewrites the fixtures.")
    parser.add_argument("--check", action="store_true", help="compare with what is stored, write nothing")
    parser.add_argument("--only", metavar="GLOB", help="only the cases whose name matches, e.g. 'masks/*'")
    parser.add_argument("--from", metavar="PATH", type=Path, dest="source", help="run the cases of a file or directory")
    parser.add_argument("--backend", choices=("flash", "math"), default="", help="torch's kernel, with --from")
    parser.add_argument("--output", metavar="DIR", type=Path, help="another directory of case files")
    arguments = parser.parse_args()
    if arguments.source and (arguments.check or arguments.only or not arguments.output):
        parser.error("--from goes with --output and --backend alone, and needs the former")
    if arguments.backend and not arguments.source:
        parser.error("--backend goes with --from: a recorded case names its own")
    arguments.output = (arguments.output or DATA).resolve()
    return arguments


def _stop(sentence: str, code: int) -> int:
    print(f"regenerate: {sentence}.", file=sys.stderr)
    return code


def _what_failed(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.strerror is not None:
        where = f"cannot read or write {problem.filename}: " if problem.filename else "cannot write: "
        return where + problem.strerror
    place = traceback.extract_tb(problem.__traceback__)[-1]
    return f"{type(problem).__name__}: {problem} ({Path(place.filename).name}, line {place.lineno})"


def _selected(glob: str | None) -> list[CaseEntry]:
    """The entries of the case list."""
    from .case_list import CASES

    names = [entry.name for entry in CASES]
    if len(set(names)) != len(names):
        raise Refusal(f"the case list names {max(names, key=names.count)} twice")
    selected = [entry for entry in CASES if glob is None or fnmatch.fnmatchcase(entry.name, glob)]
    if not selected:
        raise Refusal(f"no case matches '{glob}'")
    return selected


def _exported(entries: list[CaseEntry], refused: list[str] | None = None) -> Iterator[Exported]:
    """Yields each recorded case with its verdicts; shows progress on a terminal. A case in which torchtune's output
    fails the criterion ends the run, or is only noted in `refused`."""
    from .case import RefusedCase
    from .export import export_case

    for number, entry in enumerate(entries, 1):
        if sys.stderr.isatty():
            print(f"\r\033[K[{number}/{len(entries)}] {entry.name}", end="", file=sys.stderr, flush=True)
        interruption.raise_if_any()
        try:
            yield export_case(entry)
        except RefusedCase as problem:
            if refused is None:
                raise Refusal(str(problem)) from problem
            refused.append(str(problem))
        except Exception as problem:
            raise Refusal(f"{entry.name}: {_what_failed(problem)}") from problem
        finally:
            if sys.stderr.isatty():
                print("\r\033[K", end="", file=sys.stderr, flush=True)


def _regenerate(arguments: argparse.Namespace) -> int:
    from . import manifest
    from .case_file import file_name, write_case
    from .replacement import replacement_of
    from .summary import Summary

    _refuse_foreign(arguments.output)
    entries, summary = _selected(arguments.only), Summary()
    with replacement_of(arguments.output) as fresh:
        kept = {}
        if arguments.only is not None and (arguments.output / manifest.NAME).exists():
            kept = _carried_over(arguments.output, fresh, {file_name(entry.name) for entry in entries})
        for case, verdicts in _exported(entries):
            write_case(case, fresh)
            summary.add(case.layer.dtype, verdicts)
        total = manifest.write_manifest(fresh, kept)
        interruption.raise_if_any()
    print(f"{summary.cases} cases written to {arguments.output}, which now holds {total}.", *summary.lines(), sep="\n")
    return PASSED


def _refuse_foreign(output: Path) -> None:
    """The directory is replaced as a whole, so it must be ours, or empty, or not exist yet."""
    from . import manifest

    if not output.exists() or (output / manifest.NAME).is_file():
        return
    if not output.is_dir():
        raise Refusal(f"{output} is not a directory")
    if any(output.iterdir()):
        raise Refusal(f"{output} is not empty and has no {manifest.NAME}, so it holds something else")


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


def _answer(arguments: argparse.Namespace) -> int:
    """Writes the cases of other files with torchtune's own stages; says where these fail the criterion."""
    from .case import RefusedCase
    from .case_file import write_case
    from .from_file import answered
    from .summary import Summary

    if not arguments.source.exists():
        raise Refusal(f"{arguments.source} does not exist")
    summary, found = Summary(), 0
    try:
        for case, verdicts in answered(arguments.source, arguments.backend):
            write_case(case, arguments.output)
            summary.add(case.layer.dtype, verdicts)
            failed = [verdict for verdict in verdicts if not verdict.passed]
            found += len(failed)
            for verdict in failed:
                print(f"{case.name}: torchtune's own output fails the criterion: {verdict}")
            interruption.raise_if_any()
    except RefusedCase as problem:
        raise Refusal(str(problem)) from problem
    if summary.cases == 0:
        raise Refusal(f"{arguments.source} holds no case files")
    print(f"{summary.cases} cases of torchtune's written to {arguments.output}.", *summary.lines(), sep="\n")
    return DIFFERENT if found else PASSED


def _check(arguments: argparse.Namespace) -> int:
    from . import check, manifest

    if not arguments.output.is_dir():
        raise Refusal(f"{arguments.output} is not a directory of case files")
    entries = _selected(arguments.only)
    found = manifest.differences(arguments.output)
    if arguments.only is None:
        found += _unknown_files(arguments.output, {entry.name for entry in entries})
    for case, _ in _exported(entries, refused=found):
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
