"""The pages of reports work like those of the site."""

import browser
import pytest
from page_checks import complaints_about
from screenshots import write_reports

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    write_reports(folder)
    with browser.served(folder) as address:
        yield address


@pytest.mark.parametrize("name", ["report.html", "classes.html"])
def test_report(chromium, axe, address, name):
    found = complaints_about(chromium, axe, address + name)
    assert not found, "\n".join(found)
