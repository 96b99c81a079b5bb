import pickle
import shlex

import keras
import pytest
from made_results import made_results

from keras_ccar.benchmark.cli.compare import read_request
from keras_ccar.benchmark.runner.request import CompareRequest
from keras_ccar.benchmark.spec.decays import Decays
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.spec.settings import settings_of
from keras_ccar_command.usage import parse

GIVEN = {
    "batch_size": 100,
    "learning_rate": 1,
    "decays": [(2, 0.1)],
    "epochs": 4,
    "flip": True,
    "jit_compile": False,
    "momentum": None,
}


def command_of(request):
    plan = request.build_plan()
    comparison = made_results({method.name: (1.0,) for method in plan.methods})
    comparison.seeds = list(plan.seeds)
    return request.command_line(plan, comparison)


def test_settings_get_the_order_and_the_types_of_the_fields():
    request = CompareRequest("digits-lt", recipe_settings=GIVEN)
    assert list(request.recipe_settings.items()) == [
        ("epochs", 4),
        ("batch_size", 100),
        ("learning_rate", 1.0),
        ("decays", Decays("2:0.1")),
        ("flip", True),
        ("jit_compile", False),
    ]
    assert isinstance(request.recipe_settings["learning_rate"], float)
    assert isinstance(request.recipe_settings["decays"], Decays)


def test_the_command_line_is_read_as_the_same_request(tmp_path):
    request = CompareRequest(
        "digits-lt",
        ["cexc", "ccar[strength=2.0]"],
        seeds=3,
        recipe="digits",
        recipe_settings=GIVEN,
        loss_settings={"tau": 2, "normalize": False},
        imbalance_factor=20,
        data_seed=1,
        smoke=True,
        output=tmp_path / "some where",
    )
    backend, *words = shlex.split(command_of(request))
    assert backend == f"KERAS_BACKEND={keras.backend.backend()}"
    assert words[-2:] == ["--output", "some where"]
    again = read_request(parse(words[1:]))
    assert again.methods == ["ce×c", "ccar[strength=2]"]
    again.output = request.output
    ids = [run.id for run in request.build_plan().runs_with_dependencies()]
    assert [run.id for run in again.build_plan().runs_with_dependencies()] == ids
    assert command_of(again) == command_of(request)


def test_every_setting_is_an_option():
    options = parse(["compare", "digits-lt"])
    for kind in (Recipe, LossOptions):
        assert all(getattr(options, item.name) is None for item in settings_of(kind))


def test_addresses_of_hosts_are_not_recorded():
    plan = CompareRequest("digits-lt", ["ce"], 1).build_plan()
    shared = CompareRequest(
        "digits-lt", devices=2, hosts=["10.0.0.1:12355", "10.0.0.2"], host=1
    )
    command = shared.command_line(plan, made_results({"ce": (1.0,)}))
    assert "--devices 2 --hosts HOST0:PORT HOST1 --host NUMBER" in command
    assert "10.0.0" not in command


def test_a_method_that_is_named_twice_is_compared_once():
    request = CompareRequest("digits-lt", ["ccar[strength=2]", "ccar[strength=2.0]"])
    assert [method.name for method in request.build_plan().methods] == [
        "ccar[strength=2]"
    ]


def test_default_methods_and_folder():
    request = CompareRequest("digits-lt")
    names = [method.name for method in request.build_plan().methods]
    assert names == ["ce", "bs", "ccar", "ccar+la"]
    assert str(request.folder) == "runs/digits-lt"


def test_a_plan_that_travels_to_a_worker_has_the_same_runs():
    tuned = {"tune_learning_rate": True}
    plan = CompareRequest(
        "digits-lt", ["ccar[strength=2]", "cexct"], 2, recipe_settings=tuned
    ).build_plan()
    ids = [run.id for run in plan.runs_with_dependencies()]
    again = pickle.loads(pickle.dumps(plan))
    assert [run.id for run in again.runs_with_dependencies()] == ids


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hosts": ["10.0.0.1:1"]}, "two machines or more"),
        ({"host": 1}, "from 0"),
        ({"hosts": ["10.0.0.1", "10.0.0.2"]}, "with a port"),
        ({"devices": 2, "parallel": 2}, "Leave one of them out"),
        ({"recipe_settings": {"steps": 60, "epochs": 2}}, "--steps 60 --epochs 2"),
    ],
)
def test_requests_that_contradict_themselves(arguments, message):
    with pytest.raises(ValueError, match=message):
        CompareRequest("digits-lt", **arguments)
