"""All cases. A newcomer adds one entry to a file in cases/, or a file: each module there with `CASES` is taken."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from . import cases
from .case import CaseEntry


def _entries() -> list[CaseEntry]:
    modules = [import_module(f"{cases.__name__}.{module.name}") for module in iter_modules(cases.__path__)]
    return [entry for module in modules for entry in getattr(module, "CASES", [])]


CASES = _entries()
