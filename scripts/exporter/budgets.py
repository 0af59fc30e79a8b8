"""Writes what the judge allows: every stage's value, budget and condition, for a comparison with the C++ reference's.

    PYTHONPATH=scripts python -m exporter.budgets CASE_FILE_OR_DIRECTORY DIRECTORY

reads case files with torchtune's stages and the truth, and writes DIRECTORY/<group>/<case>.h5 for each. Such a file
holds contiguous little-endian float64 datasets and no attributes:

    steps/NNN/localised/<stage>/value       y*, before the last rounding, from the stage's recorded input
    steps/NNN/localised/<stage>/budget      B (statistical), with the storage's half ulp
    steps/NNN/end_to_end/<stage>/value      the case file's own truth
    steps/NNN/end_to_end/<stage>/budget
    steps/NNN/end_to_end/<stage>/condition  only of attention [b, n_h, s_x] and output [b, s_x]

NNN is the step's number in the case file; a step that raises has no group. <stage> is every name below the case file's
steps/NNN/expected, and value and budget have the shape that it has there. Localised, k_cache and v_cache are copies of
recorded stages, with a budget of 0. Of a sampled step there are attention [r, n_h, h_d] and output [r, out_features]
alone, without conditions, and the attention is the same in both groups.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import h5py
import numpy as np

from .case_file import file_name
from .read_case import case_files, read_case
from .readers import judged_steps


def write_budgets(case_file: Path, directory: Path) -> None:
    case = read_case(case_file)
    target = directory / file_name(case.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(target, "w") as root:
        steps = root.create_group("steps")
        for number, _, localised, end_to_end in judged_steps(case):
            for kind, judged in (("localised", localised), ("end_to_end", end_to_end)):
                for stage, facts in judged.items():
                    group = steps.create_group(f"{number:03d}/{kind}/{stage}")
                    for name, values in facts._asdict().items():
                        if values is not None:
                            group.create_dataset(name, data=np.ascontiguousarray(values, dtype="<f8"))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="exporter.budgets", description="Writes the values and budgets of case files."
    )
    parser.add_argument("source", type=Path, help="a case file, or a directory of them")
    parser.add_argument("directory", type=Path, help="where <group>/<case>.h5 are written")
    arguments = parser.parse_args()
    for file in case_files(arguments.source):
        write_budgets(file, arguments.directory)


if __name__ == "__main__":
    main()
