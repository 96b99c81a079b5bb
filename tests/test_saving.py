"""Saved models in new processes, with and without keras_ccar."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import keras_ccar
from keras_ccar.adjustments import LogitAdjustment

COUNTS = [150, 40, 20, 10, 5]

LOAD = """
import json, sys
import keras, numpy as np
with_package, arrays, paths = sys.argv[1] == "with", sys.argv[2], sys.argv[3:]
if with_package:
    import keras_ccar
else:
    sys.modules["keras_ccar"] = None  # importing it raises an ImportError
data = np.load(arrays)
answers = []
for path in paths:
    model = keras.models.load_model(path, compile=with_package)
    answer = {"predictions": model.predict(data["x"], verbose=0).tolist()}
    if with_package:
        answer["loss"] = model.evaluate(data["x"], data["y"], verbose=0)
        answer["name"] = type(model.loss).__name__
    answers.append(answer)
assert with_package or not any(n.startswith("keras_ccar.") for n in sys.modules)
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A trained model with its data, the final file and one of epoch 1."""
    folder = tmp_path_factory.mktemp("saved")
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(5), COUNTS)
    x = rng.normal(size=(len(y), 8)).astype("float32") + y[:, None]
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(5)])
    loss = keras_ccar.CCARLoss(
        COUNTS, pivot=0.6, adjustment=LogitAdjustment(0.5), from_logits=True
    )
    model.compile("sgd", loss)
    at_epoch_1 = {}

    class Remember(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                at_epoch_1["loss"] = self.model.evaluate(x, y, verbose=0)
                at_epoch_1["predictions"] = self.model.predict(x, verbose=0)

    model.fit(
        x,
        y,
        epochs=2,
        verbose=0,
        callbacks=[
            keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5),
            keras.callbacks.ModelCheckpoint(folder / "epoch-{epoch}.keras"),
            Remember(),
        ],
    )
    model.save(folder / "final.keras")
    np.savez(folder / "data.npz", x=x, y=y)
    expected = {
        "epoch-1": at_epoch_1,
        "final": {
            "loss": model.evaluate(x, y, verbose=0),
            "predictions": model.predict(x, verbose=0),
        },
    }
    return folder, expected


@pytest.mark.slow
@pytest.mark.parametrize("package", ["with", "without"])
def test_loads_in_a_new_process(trained, package):
    folder, expected = trained
    paths = [str(folder / f"{file}.keras") for file in expected]
    done = subprocess.run(
        [sys.executable, "-c", LOAD, package, str(folder / "data.npz"), *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    for answer, of_file in zip(answers, expected.values(), strict=True):
        np.testing.assert_allclose(
            answer["predictions"], of_file["predictions"], rtol=1e-5, atol=1e-6
        )
        if package == "with":
            assert answer["name"] == "CCARLoss"
            np.testing.assert_allclose(answer["loss"], of_file["loss"], rtol=1e-5)


@pytest.mark.slow
def test_training_goes_on_after_loading(trained):
    folder, _ = trained
    data = np.load(folder / "data.npz")
    model = keras.models.load_model(folder / "final.keras")
    saved = model.loss.get_config()["prior"][0]
    assert model.loss.class_counts == COUNTS
    callback = keras_ccar.CCARCallback()
    model.fit(data["x"], data["y"], callbacks=[callback], verbose=0)
    np.testing.assert_allclose(callback.statistics()["frequency"], saved, rtol=1e-6)
    assert callback.statistics()["count"].tolist() == COUNTS


@pytest.mark.tensorflow_only
def test_exported_model_serves(trained, tmp_path):
    import tensorflow as tf

    folder, expected = trained
    model = keras.models.load_model(folder / "final.keras")
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    x = np.load(folder / "data.npz")["x"]
    np.testing.assert_allclose(
        ops.convert_to_numpy(served.serve(x)), expected["final"]["predictions"], 1e-5
    )


OWN = """
import keras
from keras_ccar.weightings import Weighting


@keras.saving.register_keras_serializable(package="mine")
def doubt(p_t, f_c):
    return (1 - p_t) * (1 - f_c)


@keras.saving.register_keras_serializable(package="mine")
class Power(Weighting):
    def __init__(self, gamma):
        self.gamma = gamma

    def __call__(self, p_t, f_c, prior):
        return (1 - p_t) ** self.gamma * (1 - f_c)

    def get_config(self):
        return {"gamma": self.gamma}


def make(gamma):
    def weight(p_t, f_c):
        return (1 - p_t) ** gamma * (1 - f_c)

    return weight
"""

LOAD_ALL = """
import json, sys
import keras, numpy as np
arrays, modules, *paths = sys.argv[1:]
for module in modules.split():
    __import__(module)
data, answers = np.load(arrays), {}
for path in paths:
    try:
        model = keras.models.load_model(path)
        predictions = model.predict(data["x"], verbose=0)
        labels = data["targets" if "binary" in path else "y"]
        answers[path] = float(model.loss(labels, predictions))
    except Exception as error:
        answers[path] = f"{type(error).__name__}: {error}"
print(json.dumps(answers))
"""


def loads(folder, modules):
    """Loads all files of a folder in a new process: `{file name: loss or error}`."""
    paths = [str(path) for kind in ("keras", "h5") for path in folder.glob(f"*.{kind}")]
    arguments = [str(folder / "data.npz"), modules, *paths]
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.getcwd()])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    return {pathlib.Path(path).name: answer for path, answer in answers.items()}


@pytest.mark.slow
# Saving a lambda, of which the construction of the loss has warned.
@pytest.mark.filterwarnings("ignore:.*includes a `lambda`:UserWarning")
def test_own_weights_in_another_process(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    import mine

    counts = [90, 8, 2]
    x = np.random.default_rng(0).normal(size=(100, 8)).astype("float32")
    y = np.repeat(np.arange(3), counts)
    targets = np.eye(3, dtype="float32")[y]
    np.savez(tmp_path / "data.npz", x=x, y=y, targets=targets)
    options = {"class_counts": counts, "from_logits": True}
    losses = {
        "built_in": keras_ccar.CCARLoss(**options),
        "form": keras_ccar.CCARLoss(form=mine.doubt, **options),
        "binary": keras_ccar.BinaryCCARLoss(
            counts, 100, form=mine.doubt, from_logits=True
        ),
        "weighting": keras_ccar.LongTailedCrossentropy(weighting=mine.doubt, **options),
        "class": keras_ccar.LongTailedCrossentropy(
            weighting=mine.Power(2.0), **options
        ),
    }
    with pytest.warns(UserWarning, match="depends on `gamma`"):
        losses["closure"] = keras_ccar.CCARLoss(form=mine.make(2.0), **options)
    with pytest.warns(UserWarning, match="lambda"):
        losses["lambda"] = keras_ccar.LongTailedCrossentropy(
            weighting=lambda p, f: (1 - p) * (1 - f), **options
        )
    expected = {}
    for name, loss in losses.items():
        labels = targets if name == "binary" else y
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
        model.compile("sgd", loss)
        model.fit(x, labels, verbose=0, callbacks=[keras_ccar.CCARCallback()])
        expected[name] = float(loss(labels, model.predict(x, verbose=0)))
        for kind in ("keras", "h5"):
            model.save(tmp_path / f"{name}.{kind}")

    def check(answers, loading, failing):
        for name in losses:
            for kind in ("keras", "h5"):
                answer = answers[f"{name}.{kind}"]
                if name in loading:
                    assert answer == pytest.approx(expected[name], rel=1e-5), name
                elif name in failing:
                    assert isinstance(answer, str), (name, kind, answer)

    own = {"form", "binary", "weighting", "class"}
    check(loads(tmp_path, "keras_ccar mine"), {"built_in", *own}, {"closure", "lambda"})
    check(loads(tmp_path, "keras_ccar"), {"built_in"}, {*own, "closure", "lambda"})
    check(loads(tmp_path, ""), set(), set(losses))
