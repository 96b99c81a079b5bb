"""Every public name is described, and every example in it runs."""

import importlib
import inspect
import pkgutil
import re

import keras
import pytest
from code_blocks import code_blocks, run

import keras_ccar


def public_objects():
    """Classes and functions, by the name of the module that defines them."""
    objects = {}
    for info in pkgutil.walk_packages(keras_ccar.__path__, "keras_ccar."):
        if info.name.startswith("keras_ccar.benchmark"):
            continue  # a command, not a library
        module = importlib.import_module(info.name)
        for name, member in vars(module).items():
            if name.startswith("_") or getattr(member, "__module__", "") != info.name:
                continue
            if inspect.isclass(member) or inspect.isfunction(member):
                objects[f"{info.name}.{name}"] = member
    return objects


OBJECTS = public_objects()
EXPORTED = {
    name: getattr(room, name)
    for room in (
        keras_ccar,
        keras_ccar.adjustments,
        keras_ccar.layers,
        keras_ccar.posthoc,
    )
    for name in sorted(room.__all__)
    if not inspect.ismodule(getattr(room, name)) and name != "Adjustment"
}


@pytest.mark.parametrize("name", OBJECTS)
def test_is_described(name):
    assert OBJECTS[name].__doc__, f"{name} has no docstring"


@pytest.mark.parametrize("name", EXPORTED)
def test_what_is_exported_has_an_example(name):
    assert code_blocks(inspect.getdoc(EXPORTED[name]))


@pytest.mark.parametrize(
    "name",
    [name for name, member in OBJECTS.items() if "```python" in (member.__doc__ or "")],
)
def test_example_runs(name):
    if "serving" in name and keras.backend.backend() == "torch":
        pytest.skip("torch cannot export")
    documentation = inspect.getdoc(OBJECTS[name])
    whole = code_blocks(documentation)
    assert whole, f"the example of {name} is not a whole ```python block"
    run(documentation, name)


@pytest.mark.parametrize("name", EXPORTED)
def test_every_argument_is_described(name):
    exported = EXPORTED[name]
    documentation = inspect.getdoc(exported)
    for argument in inspect.signature(exported).parameters:
        described = re.search(rf"^ +\*?{argument}: ", documentation, re.MULTILINE)
        assert described, f"{name} does not describe `{argument}`"
