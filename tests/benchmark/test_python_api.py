import inspect
import shutil

import pandas as pd
import pytest
from code_blocks import run
from small_comparison import FIGURES, METHODS

from keras_ccar import benchmark
from keras_ccar.benchmark import Comparison, compare
from keras_ccar.benchmark.runner.folder_lock import FolderInUseError, lock_folder

SETTINGS = {"epochs": 2, "batch_size": 100}


def table(folder):
    return pd.read_csv(folder / "results.csv").drop(columns="seconds")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("python") / "out"
    return folder, compare(
        "digits-lt",
        METHODS,
        seeds=2,
        recipe_settings=SETTINGS,
        output=folder,
    )


def test_it_writes_what_the_command_writes(compared, finished):
    folder, comparison = compared
    pd.testing.assert_frame_equal(table(folder), table(finished))
    names = {path.name for path in folder.iterdir()}
    assert names == {path.name for path in finished.iterdir()}
    assert names >= FIGURES
    command = Comparison.read(finished).command
    assert comparison.command == command.replace(finished.name, folder.name)


def test_it_returns_what_the_folder_holds(compared):
    folder, comparison = compared
    assert Comparison.read(folder) == comparison
    assert len(comparison.finished) == 4
    assert comparison.failed == []


def test_results_are_added_and_failures_are_returned(compared, capsys, tmp_path):
    folder, before = compared
    folder = shutil.copytree(folder, tmp_path / folder.name)
    settings = {"recipe_settings": SETTINGS, "output": folder}
    # exp(10000 * ...) overflows.
    after = compare("digits-lt", ["ccar[strength=10000]"], seeds=1, **settings)
    assert "Failed: ccar[strength=10000], seed 0: Floating" in capsys.readouterr().out
    assert [run["method"] for run in after.failed] == ["ccar[strength=10000]"]
    assert len(after.finished) == len(before.finished)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dataset": "mnist"}, "'mnist' has no recipe"),
        ({"methods": ["sgd"]}, "method 'sgd' is unknown"),
        ({"methods": ["ccar[tau=1]"]}, "setting 'tau' of method"),
        ({"seeds": 0}, "`seeds` must be a whole number"),
        ({"seeds": [0, 1]}, "`seeds` must be a whole number"),
        ({"parallel": 0}, "`parallel` must be a whole number"),
        ({"recipe_settings": {"epoch": 2}}, "`epoch` is not a setting of `Recipe`"),
        ({"recipe_settings": {"epochs": 2.5}}, "`epochs` must be of type int"),
        ({"loss_settings": {"normalize": "no"}}, "`normalize` must be of type bool"),
        ({"loss_settings": {"scale": 2.0}}, "`scale` is not a setting"),
        ({"imbalance_factor": 0.5}, "imbalance_factor"),
    ],
)
def test_arguments_that_are_refused(arguments, message, tmp_path):
    arguments = {"dataset": "digits-lt", "output": tmp_path / "out", **arguments}
    with pytest.raises(ValueError, match=message):
        compare(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_refused(tmp_path):
    with lock_folder(tmp_path), pytest.raises(FolderInUseError):
        compare("digits-lt", ["ce"], seeds=1, output=tmp_path)


def test_the_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("compare", "Comparison"):
        run(inspect.getdoc(getattr(benchmark, name)), name)
    assert (tmp_path / "runs" / "digits-lt" / "report.html").exists()


def test_every_argument_is_described():
    for argument in inspect.signature(compare).parameters:
        assert f"\n    {argument}: " in inspect.getdoc(compare)


def test_unknown_name():
    with pytest.raises(AttributeError, match="has no attribute 'compares'"):
        benchmark.compares  # noqa: B018
