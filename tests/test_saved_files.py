"""Files that version 0.1.0 wrote, before the modules moved, still load.

`tests/saved_files` was written on TensorFlow by a training that was interrupted in its
third epoch, after the second of four batches.
"""

import json
import pathlib
import shutil
import zipfile

import keras
import numpy as np
import pytest
from packaging.version import Version

import keras_ccar
from keras_ccar.callbacks.history_file import read_history

FOLDER = pathlib.Path(__file__).parent / "saved_files"
EXPECTED = json.loads((FOLDER / "expected.json").read_text("utf-8"))
OBJECTS = json.loads((FOLDER / "objects.json").read_text("utf-8"))
with zipfile.ZipFile(FOLDER / "model.keras") as file:
    SAVED_BY = json.loads(file.read("metadata.json"))["keras_version"]
# An older Keras does not know all of what a newer one writes.
pytestmark = pytest.mark.skipif(
    Version(keras.__version__) < Version(SAVED_BY), reason="written by a newer Keras"
)
FEATURES = np.array(EXPECTED["features"], "float32")
LABELS = np.array(EXPECTED["labels"])


def load():
    return keras.saving.load_model(FOLDER / "model.keras")


def assert_predicts_as_saved(model):
    np.testing.assert_allclose(
        model.predict(FEATURES, verbose=0), EXPECTED["predictions"], atol=1e-6
    )


def saved_modules(config):
    """The modules that a configuration names, however deep."""
    if isinstance(config, dict):
        found = {config["module"]} if isinstance(config.get("module"), str) else set()
        return found.union(*map(saved_modules, config.values()))
    if isinstance(config, list):
        return set().union(*map(saved_modules, config))
    return set()


def test_the_files_name_modules_of_before():
    with zipfile.ZipFile(FOLDER / "model.keras") as archive:
        modules = saved_modules(json.loads(archive.read("config.json")))
    modules |= saved_modules(OBJECTS)
    assert {"keras_ccar.weightings", "keras_ccar.adjustments"} <= modules


@pytest.fixture
def normalized_by_labels(monkeypatch):
    """Lets `normalize` take its mean over the labels before smoothing, as it did."""
    compute_weights = keras_ccar.CCARLoss.compute_weights

    def before(self, confidence, prior, mass, share, labels=None):
        return compute_weights(self, confidence, prior, mass, mass, labels)

    monkeypatch.setattr(keras_ccar.CCARLoss, "compute_weights", before)


@pytest.mark.usefixtures("normalized_by_labels")
def test_a_whole_model():
    model = load()
    assert_predicts_as_saved(model)
    loss = model.loss
    assert isinstance(loss, keras_ccar.CCARLoss)
    assert (loss.form, loss.strength, loss.adjustment.tau) == ("information", 1.5, 1.25)
    np.testing.assert_array_equal(loss.frequency, EXPECTED["frequency"])
    evaluated = model.evaluate(FEATURES, LABELS, verbose=0, return_dict=True)
    assert evaluated.keys() == EXPECTED["evaluated"].keys()
    for name, value in evaluated.items():
        np.testing.assert_allclose(
            np.asarray(value), EXPECTED["evaluated"][name], atol=1e-5, err_msg=name
        )


def test_weights():
    model = load()
    for variable in model.trainable_variables:
        variable.assign(np.zeros(variable.shape))
    model.load_weights(FOLDER / "model.weights.h5")
    assert_predicts_as_saved(model)


def test_statistics_within_the_weights():
    model = load()
    # A training that has just begun has a place for them.
    callback = keras_ccar.CCARCallback()
    callback.set_model(model)
    model.load_weights(FOLDER / "model.weights.h5")
    statistics = callback.statistics()
    for name, values in EXPECTED["statistics"].items():
        np.testing.assert_allclose(statistics[name], values, rtol=1e-6, err_msg=name)


def test_history():
    (output,) = read_history(FOLDER / "history.json")
    assert output["loss"] == "CCARLoss"
    assert len(output["epochs"]) == 2
    for epoch in output["epochs"]:
        assert epoch["count"].tolist() == [12, 8, 4]


def new_model():
    """The model whose training was interrupted, before it began."""
    keras.utils.set_random_seed(1)
    features = keras.Input((4,), name="features")
    hidden = keras.layers.Dense(5, activation="relu", name="hidden")(features)
    hidden = keras.layers.Dropout(0.25, name="dropout", seed=3)(hidden)
    logits = keras_ccar.layers.CosineHead(3, name="head")(hidden)
    model = keras.Model(features, logits)
    loss = keras_ccar.CCARLoss(
        [12, 8, 4],
        form="information",
        strength=1.5,
        adjustment=keras_ccar.adjustments.LogitAdjustment(1.25),
        normalize=True,
        label_smoothing=0.1,
        from_logits=True,
    )
    model.compile("adam", loss)
    return model


def train(model, *callbacks):
    statistics = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)
    model.fit(
        FEATURES,
        LABELS,
        batch_size=6,
        shuffle=False,
        epochs=4,
        verbose=0,
        callbacks=[statistics, *callbacks],
    )
    return statistics.statistics()


# Only there are the random numbers of dropout those of the file.
@pytest.mark.slow
@pytest.mark.tensorflow_only
@pytest.mark.usefixtures("normalized_by_labels")
def test_a_backup_is_resumed_and_ends_as_if_never_interrupted(tmp_path):
    undisturbed, resumed = new_model(), new_model()
    expected = train(undisturbed)
    shutil.copytree(FOLDER / "backup", tmp_path, dirs_exist_ok=True)
    backup = keras_ccar.BackupAndResume(tmp_path)
    assert [backup.epoch, backup.batch] == EXPECTED["backup"]
    statistics = train(resumed, backup)
    for name, values in expected.items():
        np.testing.assert_allclose(statistics[name], values, rtol=1e-5, err_msg=name)
    for variable, other in zip(resumed.weights, undisturbed.weights, strict=True):
        np.testing.assert_allclose(variable, other, rtol=1e-5, atol=1e-6)


def restore(kind):
    return [
        keras.saving.deserialize_keras_object(config)
        for config in json.loads((FOLDER / "objects.json").read_text("utf-8"))[kind]
    ]


def test_losses():
    probabilities = np.array(
        [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]], "float32"
    )
    losses = restore("losses")
    assert len({type(loss).__name__ for loss in losses}) == 9
    for loss, expected in zip(losses, EXPECTED["losses"], strict=True):
        if isinstance(loss, keras_ccar.BinaryCCARLoss):
            value = loss([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], probabilities[:, :2])
        else:
            value = loss([0, 1, 2], probabilities)
        if getattr(loss, "form", None) == "inverse":
            expected *= 3 / 2  # K was 3: it counted the class without examples
        np.testing.assert_allclose(float(value), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["losses", "metrics", "layers", "parts"])
def test_configurations_say_the_same_as_before(kind):
    def settings(config):
        """Without the module, which is where the class stood."""
        if isinstance(config, dict):
            return {k: settings(v) for k, v in config.items() if k != "module"}
        return [settings(v) for v in config] if isinstance(config, list) else config

    def without_new(config, old):
        """Without the arguments that did not exist then."""
        if isinstance(config, dict):
            return {k: without_new(v, old[k]) for k, v in config.items() if k in old}
        return config

    for restored, saved in zip(restore(kind), OBJECTS[kind], strict=True):
        config = keras.saving.serialize_keras_object(restored)
        config = json.loads(json.dumps(config))
        config.pop("build_config", None)
        saved.pop("build_config", None)
        config, saved = settings(config), settings(saved)
        assert without_new(config, saved) == saved


def test_layers():
    correction = restore("layers")[0]
    probabilities = np.array(
        [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]], "float32"
    )
    corrected = keras.ops.convert_to_numpy(correction(np.log(probabilities)))
    np.testing.assert_allclose(corrected, EXPECTED["corrected"], rtol=1e-6)
