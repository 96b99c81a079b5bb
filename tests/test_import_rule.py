"""Imports inside the package run one way only; the rule is in CONTRIBUTING.md."""

import ast
import importlib.util
import pathlib

import pytest

import keras_ccar

PACKAGE = pathlib.Path(keras_ccar.__file__).parent

GROUND = (
    "arguments",
    "requirements",
    "files",
    "json_checks",
    "keras_internals",
    "replicas",
    "serialization",
    "frequencies",
    "binary_counts",
    "output_counts",
    "ops",
)
CORE = (*GROUND, "inputs")
# The checks that the data package uses too.
CHECKS = ("arguments", "inputs.checks", "inputs.class_names")
PARTS = ("adjustments", "label_smoothing", "weightings")

# A room or module, and what it may import beside itself. The longest name that a
# module begins with decides. A name with a dot stands for that module or room alone.
RULE = {
    **dict.fromkeys(GROUND, ()),
    "frequencies": ("arguments",),
    "binary_counts": ("arguments", "frequencies"),
    "output_counts": ("arguments", "frequencies", "binary_counts"),
    "inputs": ("arguments", "ops", "keras_internals"),
    "inputs.class_names": ("arguments", "inputs.checks"),
    "adjustments": (*CORE, "label_smoothing"),
    "label_smoothing": GROUND,
    "initializers": GROUND,
    "weightings": CORE,
    "metrics": CORE,
    "losses": (*CORE, *PARTS),
    "layers": (*CORE, "losses", "weightings"),
    "callbacks": (*CORE, "metrics", "losses", "layers"),
    "serving": (*CORE, "losses", "layers"),
    "posthoc": (
        *CORE,
        *PARTS,
        "metrics",
        "losses",
        "layers",
        "datasets.digests",
        "datasets.elements",
        "datasets.in_memory",
        "datasets.samplers",
    ),
    "datasets": ("requirements", "frequencies", *CHECKS),
    "datasets.elements": CHECKS,
    "datasets.in_memory": ("datasets.elements",),
    "datasets.label_values": ("datasets.elements", *CHECKS),
    "datasets.progress": ("requirements",),
    "datasets.digests": CHECKS,
    "datasets.images": ("requirements", *CHECKS),
    "datasets.long_tailed_subset": (
        *CHECKS,
        "datasets.digests",
        "datasets.elements",
        "datasets.progress",
        "datasets.images",
    ),
    "datasets.long_tailed_data": (
        "frequencies",
        *CHECKS,
        "datasets.digests",
        "datasets.elements",
        "datasets.progress",
        "datasets.images",
    ),
    "datasets.loaders": (
        "requirements",
        "frequencies",
        *CHECKS,
        "datasets.elements",
        "datasets.progress",
        "datasets.digests",
        "datasets.images",
        "datasets.long_tailed_subset",
        "datasets.long_tailed_data",
    ),
    "datasets.counting": (
        "requirements",
        "frequencies",
        *CHECKS,
        "datasets.elements",
        "datasets.in_memory",
        "datasets.label_values",
        "datasets.progress",
        "datasets.long_tailed_data",
        "datasets.loaders",
    ),
    "datasets.samplers": (
        "requirements",
        "frequencies",
        "binary_counts",
        *CHECKS,
        "datasets.elements",
        "datasets.in_memory",
        "datasets.label_values",
        "datasets.progress",
    ),
    "benchmark.statistics": ("arguments", "benchmark.results_format"),
    "benchmark.results_format": (),
    "benchmark.results_checks": (
        "json_checks",
        "weightings",
        "benchmark.statistics.columns",
    ),
    "benchmark.comparison": (
        "arguments",
        "files",
        "benchmark.results_checks",
        "benchmark.results_format",
        "benchmark.statistics",
    ),
    "benchmark.pretrained": ("arguments", "requirements"),
    "benchmark.features": (
        "arguments",
        "files",
        "benchmark.pretrained",
        "datasets.digests",
        "datasets.images",
        "datasets.progress",
    ),
    "benchmark.feature_data": (
        "datasets",
        "benchmark.features",
        "benchmark.pretrained",
        "benchmark.spec",
    ),
    "benchmark.spec": (*CORE, *PARTS, "losses", "layers"),
    "benchmark.training": (
        *(name for name in CORE if name != "files"),
        *PARTS,
        "metrics",
        "losses",
        "layers",
        "callbacks",
        "datasets",
        "benchmark.pretrained",
        "benchmark.spec",
    ),
    "benchmark.runner": (
        *GROUND,
        "datasets",
        "benchmark.results_checks",
        "benchmark.comparison",
        "benchmark.feature_data",
        "benchmark.spec",
        "benchmark.training",
    ),
    "benchmark.report": (
        *CORE,
        *PARTS,
        "callbacks.history_file",
        "benchmark.results_checks",
        "benchmark.statistics",
        "benchmark.comparison",
        "benchmark.spec",
        "layers.prior_warning",
    ),
    "benchmark.python_api": ("",),
    "benchmark.own_data": (
        *CORE,
        *PARTS,
        "initializers",
        "metrics",
        "losses",
        "layers",
        "callbacks",
        "posthoc",
        "datasets",
        "benchmark.spec",
        "benchmark.statistics",
        "benchmark.comparison",
        "benchmark.training",
        "benchmark.runner",
        "benchmark.python_api",
    ),
    "benchmark.sources": (
        *CORE,
        "datasets",
        "posthoc",
        "serving",
        "benchmark.features",
        "benchmark.pretrained",
        "benchmark.results_format",
    ),
    "benchmark.file_predictions": (
        "arguments",
        "layers",
        "serving",
        "benchmark.comparison",
        "benchmark.own_data",
        "benchmark.sources",
    ),
    "benchmark.cli": ("",),
}
# Nothing imports the command line.
NEVER = "benchmark.cli"


def modules():
    """The modules of the package by name below `keras_ccar`, with their paths."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = modules()


def is_in(name, room):
    return not room or name == room or name.startswith(f"{room}.")


def room_of(name):
    """The entry of the rule that decides about a module, None for none."""
    rooms = [room for room in RULE if is_in(name, room)]
    return max(rooms, key=len, default=None)


def imports_of(path):
    """The modules of the package that a file imports, function bodies included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}".removeprefix("keras_ccar.")
                found.add(f"keras_ccar.{inner}" if inner in MODULES else module)
    return {
        name.removeprefix("keras_ccar").removeprefix(".")
        for name in found
        if name.partition(".")[0] == "keras_ccar"
    }


def is_allowed(name, imported):
    room = room_of(name)
    if room is None:  # the `__init__` of the package, of `datasets`, of `benchmark`
        return not is_in(imported, NEVER)
    own = imported == room or (imported in MODULES and room_of(imported) == room)
    if own or is_in(imported, room):
        return True
    if is_in(imported, NEVER):
        return False
    return any(is_in(imported, allowed) for allowed in RULE[room])


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_what_its_room_may(name):
    imported = imports_of(MODULES[name])
    wrong = sorted(other for other in imported if not is_allowed(name, other))
    assert not wrong, f"{name} must not import {wrong}"


def test_every_module_has_a_rule():
    without = [name for name in MODULES if room_of(name) is None]
    assert sorted(without) == ["", "benchmark"]


def test_every_rule_has_a_module():
    assert [room for room in RULE if room not in MODULES] == []


def test_the_package_does_not_import_its_documentation_scripts():
    scripts = {path.stem for path in (PACKAGE.parent / "benchmarks").glob("*.py")}
    assert scripts
    for path in MODULES.values():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] not in scripts
            elif isinstance(node, ast.Import):
                assert not {alias.name for alias in node.names} & scripts


def private_keras(path):
    """Where a file reaches into Keras: `keras.src`, attributes with an underscore."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "keras.src"
        ):
            found.append(f"line {node.lineno}: from {node.module}")
        elif isinstance(node, ast.Attribute) and node.attr in PRIVATE_ATTRIBUTES:
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner != "self" or node.attr not in ASSIGNED_BY_SUBCLASSES:
                found.append(f"line {node.lineno}: {node.attr}")
    return found


# The private attributes of Keras objects that this package has a use for.
PRIVATE_ATTRIBUTES = (
    "_compile_metrics",
    "_direction",
    "_inbound_nodes",
    "_initial_epoch",
    "_inputs_struct",
    "_keras_history",
    "_model",
    "_tracker",
    "_user_metrics",
    "_user_weighted_metrics",
)
# Keras itself has subclasses set it: `Metric._direction`.
ASSIGNED_BY_SUBCLASSES = ("_direction",)


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"keras_internals"}))
def test_private_keras_is_in_one_module(name):
    assert private_keras(MODULES[name]) == []


def test_the_reader_sees_what_it_is_for(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        "from keras.src import backend\n"
        "def f(model):\n"
        "    from keras_ccar.losses import ccar_loss\n"
        "    from keras_ccar import weightings\n"
        "    model._tracker.unlock()\n",
        "utf-8",
    )
    assert imports_of(path) == {"losses.ccar_loss", "weightings"}
    assert len(private_keras(path)) == 2
    assert not is_allowed("ops.numerics", "inputs.labels")
    assert not is_allowed("metrics.per_class", "weightings.base")
    assert not is_allowed("datasets.long_tailed_subset", "datasets.loaders.cifar")
    assert not is_allowed("datasets.samplers", "datasets.long_tailed_subset")
    assert not is_allowed("benchmark.report.write", "benchmark.runner.plan")
    assert not is_allowed("benchmark.report.write", "callbacks.ccar_callback")
    assert is_allowed("benchmark.report.write", "callbacks.history_file")
    assert is_allowed("benchmark.cli.compare", "benchmark.runner.plan")
    assert importlib.util.find_spec("keras_ccar.ops") is not None
