import browser
import pytest


@pytest.fixture(scope="session")
def chromium():
    with browser.opened_browser() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def axe():
    from axe_playwright_python.sync_playwright import Axe

    return Axe()
