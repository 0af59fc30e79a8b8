"""Ctrl-C and its relatives as an exception that is never lost."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_received: list[int] = []


class Interrupted(BaseException):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def listen() -> None:
    """From now on the signals raise Interrupted. Python drops what is raised inside a destructor or a callback, so the
    signal is also remembered for raise_if_any."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    sys.unraisablehook = _report_unraisable


def raise_if_any() -> None:
    """Raises Interrupted if a signal came, however long ago."""
    if _received:
        raise Interrupted(_received[0])


@contextmanager
def held_back() -> Iterator[None]:
    """No signal interrupts the block; one that comes meanwhile does so afterwards."""
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def _interrupt(number: int, _frame: object) -> None:
    _received.append(number)
    raise Interrupted(number)


def _report_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    if not isinstance(unraisable.exc_value, Interrupted):
        sys.__unraisablehook__(unraisable)
