"""Ctrl-C that waits until training can stop safely."""

import os
import signal
import threading
from types import FrameType
from typing import Self


class Interruption:
    """Turns Ctrl-C into a request that `raise_if_requested` answers.

    An exception during the compilation of a step can leave the backend in a state in
    which the process crashes when it ends. So the first Ctrl-C waits for the next call
    of `raise_if_requested`; a second one interrupts at once.

    Used as a context manager on the main thread. On another thread, or where the
    process ignores Ctrl-C, it changes nothing.
    """

    def __init__(self) -> None:
        self._requested = False
        self._previous: signal._HANDLER = None

    def __enter__(self) -> Self:
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) != signal.SIG_IGN
        ):
            self._previous = signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def raise_if_requested(self) -> None:
        """Raises `KeyboardInterrupt` if Ctrl-C was pressed since the beginning."""
        if self._requested:
            raise KeyboardInterrupt

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True
        # `print` is not reentrant, and the signal may have interrupted one.
        os.write(2, b"\nStopping after this step; Ctrl-C again stops at once.\n")
