"""Mutes warnings where a comparison says the same itself, or once for all runs."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Mutes all warnings of the code within."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
