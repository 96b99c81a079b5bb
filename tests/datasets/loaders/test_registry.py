import os
import re
import subprocess
import sys

import pytest

from keras_ccar import datasets


def assert_one_sentence(message):
    assert not re.search(r"[.!?]\s+[A-Z]", message), message
    assert "\n" not in message


@pytest.mark.slow
def test_import_and_arrays_do_without_tensorflow():
    code = (
        "import sys\n"
        "from keras_ccar import datasets\n"
        "datasets.load('digits-lt')\n"
        "assert 'tensorflow' not in sys.modules\n"
        "assert 'tensorflow_datasets' not in sys.modules\n"
        "datasets.load('digits-lt').train\n"
        "assert 'tensorflow' in sys.modules\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_nothing_prepared(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"tfds build {name}") as caught:
        datasets.load(f"{name}-lt", data_dir=tmp_path)
    assert "TFDS_DATA_DIR" in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert_one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "cifar"}, "'cifar100-lt'.*'cifar'"),
        ({"name": "digits-lt", "imbalance_factor": 0.9}, ">= 1"),
        ({"name": "digits-lt", "imbalance_factor": 125}, "lower it to at most 124"),
        ({"name": "digits-lt", "selection": "first"}, "'hash', 'cao'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load(**arguments)
    assert_one_sentence(str(caught.value))
