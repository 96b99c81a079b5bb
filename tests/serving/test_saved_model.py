"""The SavedModel that TensorFlow Serving loads."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from served_models import (
    NAMES,
    X,
    close,
    head,
    needs_export,
    served,
    signatures,
    softmax,
    softmax_head,
)

from keras_ccar.serving import export

# Run in a process that can import neither Keras nor keras_ccar.
CALL = """
import sys

HIDDEN = ("keras", "tf_keras", "keras_ccar", "jax", "torch")

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        hidden = name.split(".")[0] in HIDDEN
        return None if hidden else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Without, sys.meta_path)
for name in HIDDEN:
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise AssertionError(name)
import numpy as np
import tensorflow as tf
folder, file = sys.argv[1:]
loaded = tf.saved_model.load(folder)
x = np.load(file)
answers = {}
for size in (1, 7):
    answer = loaded.signatures["serving_default"](x=tf.constant(x[:size]))
    for name, value in answer.items():
        answers[f"{name}_{size}"] = np.array(value.numpy().tolist())
np.savez(file + ".answers.npz", **answers)
"""


@pytest.mark.slow
@needs_export
def test_serves_without_keras(exported, corrected, tmp_path):
    file = str(tmp_path / "x.npy")
    np.save(file, X)
    # -I ignores PYTHONPATH and the working folder.
    subprocess.run([sys.executable, "-I", "-c", CALL, str(exported), file], check=True)
    answers = np.load(f"{file}.answers.npz")
    for size in (1, 7):
        close(answers[f"probabilities_{size}"], corrected[:size])
        assert answers[f"class_names_{size}"][-1, 0] == b"cat"


@needs_export
def test_layout_and_answer(exported, corrected):
    assert exported.name == "1"
    assert [folder.name for folder in exported.parent.iterdir()] == ["1"]
    answer = served(exported, x=X)
    assert sorted(answer) == ["class_names", "probabilities"]
    assert answer["probabilities"].dtype == np.float32
    close(answer["probabilities"], corrected)
    names = [[name.decode() for name in row] for row in answer["class_names"]]
    assert names == [NAMES] * 7
    assert list(served(exported, "probabilities", x=X)) == ["probabilities"]


@needs_export
def test_warm_up_requests(exported):
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    file = exported / "assets.extra" / "tf_serving_warmup_requests"
    records = tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    requests = [PredictionLog.FromString(r).predict_log.request for r in records]
    _loaded, functions = signatures(exported)
    for request, size in zip(requests, (1, 8), strict=True):
        assert request.model_spec.name == "animals"
        function = functions[request.model_spec.signature_name]
        inputs = {
            name: tf.make_ndarray(value) for name, value in request.inputs.items()
        }
        assert inputs["x"].shape == (size, 8)
        answer = function(**{name: tf.constant(x) for name, x in inputs.items()})
        assert answer["probabilities"].shape == (size, 3)


@needs_export
def test_versions(tmp_path):
    model = head(3, activation="softmax")
    assert export(model, tmp_path / "a", version=7) == tmp_path / "a" / "7"
    with pytest.raises(FileExistsError, match="holds version 7 already"):
        export(model, tmp_path / "a", version=7)
    export(model, tmp_path / "a", version=8)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["7", "8"]
    with pytest.raises(ValueError, match="`version` must be a whole number"):
        export(model, tmp_path / "a", version="9")


@needs_export
@pytest.mark.parametrize("version", [0, -1, 2**63, True, 1.5, "1", None])
def test_versions_that_no_server_reads(version, tmp_path):
    with pytest.raises(ValueError, match="`version` must be ") as raised:
        export(softmax_head(), tmp_path, version=version)
    assert f"version={version!r}" in str(raised.value)
    assert not list(tmp_path.iterdir())


@needs_export
def test_the_highest_version(tmp_path):
    folder = export(
        head(3, activation="softmax"), tmp_path, version=2**63 - 1, warm_up=False
    )
    assert folder.name == "9223372036854775807"


@needs_export
def test_interrupted_export_leaves_nothing(tmp_path, monkeypatch):
    import tensorflow as tf

    def stop(*arguments):
        assert [path.name[:3] for path in tmp_path.iterdir()] == [".1."]
        raise KeyboardInterrupt

    monkeypatch.setattr(tf.io, "TFRecordWriter", stop)
    with pytest.raises(KeyboardInterrupt):
        export(softmax_head(), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX has no strings")
@needs_export
def test_strings_on_jax(tmp_path):
    colour = keras.Input((1,), dtype="string", name="colour")
    lookup = keras.layers.StringLookup(vocabulary=["red"], output_mode="one_hot")
    model = keras.Model(colour, keras.layers.Dense(2)(lookup(colour)))
    with pytest.raises(RuntimeError, match=r"\['colour'\].*KERAS_BACKEND=tensorflow"):
        export(model, tmp_path)


@needs_export
def test_serves_as_the_model_predicts_behind_layers_of_images(tmp_path):
    # These layers train unless they are told not to, and so would those behind them.
    model = keras.Sequential(
        [
            keras.Input((6, 6, 3), name="x"),
            keras.layers.Resizing(4, 4),
            keras.layers.RandomFlip(),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3),
        ]
    )
    x = np.random.default_rng(0).normal(3, 2, size=(5, 6, 6, 3)).astype("float32")
    folder = export(model, tmp_path / "model", example=x[0], multi_label=False)
    expected = softmax(model.predict(x, verbose=0))
    close(served(folder, x=x)["probabilities"], expected)
