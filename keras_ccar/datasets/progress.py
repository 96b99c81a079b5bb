"""A progress bar for passes over data."""

from keras_ccar.requirements import require


def progress_bar(iterable, description, total=None):
    """Yields the items; on a terminal a bar on standard error follows them."""
    console = require("rich.console", "rich").Console(stderr=True)
    progress = require("rich.progress", "rich")
    yield from progress.track(
        iterable,
        description,
        total=total,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
