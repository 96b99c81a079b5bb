"""Environment of the tests; the backend comes from `KERAS_BACKEND`."""

import os

# Must be set before the backends are imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import keras
import pytest
from hypothesis import settings
from numpy.random import Generator

# The machine's load must not decide whether a test passes.
settings.register_profile("keras_ccar", deadline=None, derandomize=True)
settings.load_profile("keras_ccar")
# Where a module keeps how its generators of random numbers stood when it was imported.
STATES = "__states_of_generators__"


def pytest_addoption(parser):
    parser.addoption(
        "--each-value-once",
        action="store_true",
        help="leave out the cases of a test whose parameters other cases have too",
    )


@pytest.hookimpl(tryfirst=True)  # pytest-xdist then finds the groups
def pytest_collection_modifyitems(config, items):
    if config.getoption("each_value_once"):
        leave_out_combinations(config, items)
    backend = keras.backend.backend()
    for item in items:
        remember_random_numbers(item.module)
        if item.get_closest_marker("tensorflow_only") and backend != "tensorflow":
            item.add_marker(pytest.mark.skip(reason=f"TensorFlow only, not {backend}"))
        if shared := shared_fixture_of(item):
            item.add_marker(pytest.mark.xdist_group(shared))


def leave_out_combinations(config, items):
    """Keeps the cases of a test that have a value which no case before them has."""
    seen, kept, left_out = set(), [], []
    for item in items:
        test = item.nodeid.partition("[")[0]
        callspec = getattr(item, "callspec", None)
        values = callspec.params.items() if callspec else ()
        found = {(test, name, id(value)) for name, value in values} or {(test,)}
        (left_out if found <= seen else kept).append(item)
        seen |= found
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Fixtures that tests of a module share do not depend on the test that asks."""
    reset_random_numbers(item.module)


@pytest.fixture(autouse=True)
def seeded(request):
    """Every test starts from the same random numbers, whichever ran before it."""
    keras.utils.set_random_seed(0)
    reset_random_numbers(request.module)


def remember_random_numbers(module):
    if not hasattr(module, STATES):
        found = vars(module).values()
        generators = [value for value in found if isinstance(value, Generator)]
        states = [(value, value.bit_generator.state) for value in generators]
        setattr(module, STATES, states)


def reset_random_numbers(module):
    for generator, state in getattr(module, STATES, ()):
        generator.bit_generator.state = state
