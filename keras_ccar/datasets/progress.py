"""A progress bar for passes over data."""

from collections.abc import Iterable, Iterator
from typing import Any

from keras_ccar.requirements import require


def progress_bar(
    items: Iterable[Any], description: str, total: int | None = None
) -> Iterator[Any]:
    """Yields the items, with a progress bar on standard error if it is a terminal."""
    console = require("rich.console", "rich", "datasets").Console(stderr=True)
    yield from require("rich.progress", "rich", "datasets").track(
        items,
        description,
        total=total,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
