"""A local server of a folder, and headless Chromium, for tests and screenshots."""

import contextlib
import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SITE = ROOT / "site"
# A phone, a tablet and a laptop, in pixels.
WIDTHS = (390, 820, 1440)
HEIGHT = 844
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Keeps requests out of the terminal."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serves a folder on a free port of this machine, and yields its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def find_browser() -> str:
    """Returns the path of Chromium or Chrome.

    Raises:
        FileNotFoundError: if there is none.
    """
    for name in _PROGRAMS:
        path = shutil.which(name)
        if path:
            return path
    raise FileNotFoundError(
        f"Found none of the browsers {', '.join(_PROGRAMS)} on the PATH. Install one: "
        "`apt-get install chromium` on Debian and Ubuntu."
    )


@contextlib.contextmanager
def opened_browser() -> Iterator[Any]:
    """Starts a headless browser with a profile of its own, and yields it."""
    from playwright.sync_api import sync_playwright

    with (
        sync_playwright() as playwright,
        contextlib.closing(
            playwright.chromium.launch(
                executable_path=find_browser(),
                headless=True,
                chromium_sandbox=False,
                args=list(_ARGUMENTS),
            )
        ) as browser,
    ):
        yield browser
