import shutil

import pytest

import keras_ccar
from keras_ccar.benchmark.runner import environment


@pytest.mark.parametrize(
    "name", [*environment._NOT_HASHED, *environment._HASHED_ANYWAY]
)
def test_what_the_digest_names_exists(name):
    path = environment._PACKAGE / name
    assert path.is_dir() if name.endswith("/") else path.is_file()


def test_the_version_is_that_of_the_package():
    assert environment.versions()["keras_ccar"] == keras_ccar.__version__
    assert environment.current_environment()["versions"] == environment.versions()


def test_what_a_caller_adds_stays_with_the_caller():
    environment.current_environment()["versions"]["scipy"] = "1.0"
    assert "scipy" not in environment.current_environment()["versions"]


def test_the_digest_is_of_what_changes_results(tmp_path, monkeypatch):
    copy = tmp_path / "keras_ccar"
    shutil.copytree(environment._PACKAGE, copy)
    before = environment.code_digest()
    monkeypatch.setattr(environment, "_PACKAGE", copy)
    assert environment.code_digest() == before

    def digest_after_change_of(name):
        with open(copy / name, "a") as file:
            file.write("\n")
        return environment.code_digest()

    for name in (
        "benchmark/report/write.py",
        "datasets/long_tailed_subset.py",
        "files.py",
    ):
        assert digest_after_change_of(name) == before
    for name in ("datasets/images/decoding.py", "losses/ccar_loss.py"):
        after = digest_after_change_of(name)
        assert after != before
        before = after


def test_numbers_of_other_hardware_compare():
    here = environment.current_environment()
    recipe = {"model": "convnet", "image_size": 0}
    key = environment.comparability_key(here, recipe)
    other = {**here, "hardware": {"processor": "another"}, "commit": "another"}
    assert environment.comparability_key(other, recipe) == key
    shared = {**here, "hardware": {"devices": 2}}
    assert environment.comparability_key(shared, recipe) == {**key, "devices": 2}
    other = {**here, "code": "another"}
    assert environment.comparability_key(other, recipe) != key
    streamed = environment.comparability_key(here, {**recipe, "image_size": 64})
    assert {"tensorflow", "keras"} <= set(streamed["versions"])
