"""What an export needs, and what is said where it is missing."""

import re
import subprocess
import sys

import keras
import pytest
from served_models import EXPORTS, head, needs_export

from keras_ccar.serving import export, jax_programs
from keras_ccar.serving.can_export import check_can_export


@pytest.mark.skipif(EXPORTS, reason="for backends that cannot export")
def test_other_backends(tmp_path):
    with pytest.raises(RuntimeError, match="KERAS_BACKEND=tensorflow"):
        check_can_export()
    with pytest.raises(RuntimeError, match="KERAS_BACKEND=tensorflow"):
        export(head(3), tmp_path)


@needs_export
@pytest.mark.parametrize(
    ("package", "name"),
    [("tensorflow", "TensorFlow"), ("tensorflow_serving", "tensorflow-serving-api")],
)
def test_missing_packages_are_named(package, name, monkeypatch):
    for module in [package, "tensorflow_serving.apis.prediction_log_pb2"]:
        if module.startswith(package):
            monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(jax_programs, "tensorflow_reads_jax", lambda: True)
    with pytest.raises(ModuleNotFoundError, match=rf"{name}.*keras_ccar\[serving\]"):
        check_can_export()


def test_versions_that_do_not_fit_are_named_with_what_to_do(monkeypatch):
    jax = pytest.importorskip("jax")
    tf = pytest.importorskip("tensorflow")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(jax_programs, "tensorflow_reads_jax", lambda: False)
    versions = (
        f"TensorFlow {tf.__version__}, which does not read what JAX {jax.__version__}"
    )
    with pytest.raises(RuntimeError, match=re.escape(versions)) as raised:
        check_can_export()
    assert "KERAS_BACKEND=tensorflow: save the model" in str(raised.value)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX writes for others")
def test_what_does_not_fit_is_what_tensorflow_cannot_run():
    """The small program fares as a program does that JAX's own tool exports."""
    program = """
import jax, numpy as np, tensorflow as tf, warnings
from jax.experimental import jax2tf
warnings.simplefilter("ignore")
function = jax2tf.convert(jax.numpy.tanh, polymorphic_shapes=["(n, 3)"])
free = tf.TensorSpec((None, 3), "float32")
function = tf.function(function, autograph=False).get_concrete_function(free)
print(function(tf.zeros((2, 3))))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert (done.returncode == 0) == EXPORTS
