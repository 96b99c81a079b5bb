import json

import pytest

from keras_ccar.requirements import require


def test_an_installed_module_is_imported():
    assert require("json", "JSON", "extra") is json


def test_a_missing_package_is_named_with_its_extra():
    message = (
        r"^`keras_ccar.datasets` needs Absent, which is not installed \(.*absent.*\): "
        r"run `pip install 'keras_ccar\[datasets\]'`\.$"
    )
    with pytest.raises(ModuleNotFoundError, match=message) as caught:
        require("absent_package", "Absent", "datasets")
    assert caught.value.name == "absent_package"


def test_what_needs_the_package_is_named():
    with pytest.raises(ModuleNotFoundError, match=r"^`log_dir` needs Absent"):
        require("absent_package", "Absent", "tensorboard", "`log_dir`")
