"""Ctrl-C that waits for a place where training can be left safely."""

import os
import signal
import threading


class Interruption:
    """Turns Ctrl-C into a request that `check` answers with `KeyboardInterrupt`.

    An exception that breaks into the compilation of a step can leave the backend in a
    state in which the process crashes when it ends. So the first Ctrl-C waits for the
    next `check`; a second one interrupts at once.

    Used as a context manager, on the main thread; elsewhere, or where the process is
    told to ignore Ctrl-C, it changes nothing.
    """

    def __init__(self):
        self._requested = False
        self._previous = None

    def __enter__(self):
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) != signal.SIG_IGN
        ):
            self._previous = signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(self, *exception):
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def raise_if_requested(self):
        """Raises `KeyboardInterrupt` if Ctrl-C was pressed since the beginning."""
        if self._requested:
            raise KeyboardInterrupt

    def _request(self, number, frame):
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True
        # A handler may interrupt a `print`, which cannot be entered twice.
        os.write(2, b"\nStopping after this step; Ctrl-C again stops at once.\n")
