"""The site works on a phone, in the dark, with a screen reader and on its own."""

import browser
import pytest
from page_checks import complaints_about

pytestmark = pytest.mark.browser
PAGES = sorted(
    path.relative_to(browser.SITE).as_posix()
    for path in browser.SITE.rglob("*.html")
    if path.parent.name != "assets"
)


def test_the_site_is_built():
    assert "index.html" in PAGES, "There is no site. Run `make docs`."


@pytest.fixture(scope="module")
def address():
    with browser.served(browser.SITE) as address:
        yield address


@pytest.mark.parametrize("path", PAGES)
def test_page(chromium, axe, address, path):
    found = complaints_about(chromium, axe, address + path.removesuffix("index.html"))
    assert not found, "\n".join(found)
