"""A finished comparison."""

import pytest
from small_comparison import compare


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A comparison that nobody disturbed; tests that change it make a copy."""
    folder = tmp_path_factory.mktemp("finished")
    assert compare(folder) == 0
    return folder


@pytest.fixture
def copied(finished, tmp_path):
    for path in finished.rglob("*"):
        if path.is_file():
            target = tmp_path / path.relative_to(finished)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(path.read_bytes())
    return tmp_path
