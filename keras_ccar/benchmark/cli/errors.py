"""Exit codes, and errors that are printed in one sentence without a traceback."""

import contextlib
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
        raise RequestError(str(error)) from error
