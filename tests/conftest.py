"""Environment of the tests; the backend comes from `KERAS_BACKEND`."""

import os

# Must be set before the backends are imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import keras
import pytest
from hypothesis import settings

# The machine's load must not decide whether a test passes.
settings.register_profile("keras_ccar", deadline=None, derandomize=True)
settings.load_profile("keras_ccar")


def pytest_collection_modifyitems(items):
    backend = keras.backend.backend()
    for item in items:
        if item.get_closest_marker("tensorflow_only") and backend != "tensorflow":
            item.add_marker(pytest.mark.skip(reason=f"TensorFlow only, not {backend}"))
        if shared := shared_fixture_of(item):
            item.add_marker(pytest.mark.xdist_group(shared))


def shared_fixture_of(item):
    """Returns where a fixture is that tests share, so that one process makes it.

    Of several, that which the most tests share.
    """
    found = [
        (len(fixture.baseid), fixture.baseid)
        for definitions in item._fixtureinfo.name2fixturedefs.values()
        for fixture in definitions
        if fixture.scope in ("module", "session") and fixture.baseid
    ]
    return min(found)[1] if found else None


@pytest.fixture(autouse=True)
def seeded():
    """Every test starts from the same seed."""
    keras.utils.set_random_seed(0)
