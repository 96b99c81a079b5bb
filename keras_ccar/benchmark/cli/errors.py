"""Exit codes, and errors that are printed in one sentence without a traceback."""

import contextlib
import os
from collections.abc import Iterator

REFUSED = 2
INTERRUPTED = 130


class RequestError(Exception):
    """A request cannot be met; the message says why."""


@contextlib.contextmanager
def without_traceback(*errors: type[Exception]) -> Iterator[None]:
    """Turns errors of some types into a `RequestError` with the same message."""
    try:
        yield
    except errors as error:
        raise RequestError(describe_error(error)) from error


def describe_error(error: Exception) -> str:
    """Returns an error as a sentence; that of a file begins with its path."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    if not error.filename:
        return f"standard output, or a file without a name: {error.strerror}."
    return f"{os.fsdecode(error.filename)}: {error.strerror}."
