"""What other tools get of the statistics: TensorBoard, CSVLogger, a JSON file."""

import csv
import json
import math

import keras
import numpy as np

import keras_ccar

COUNTS = [150, 40, 5]


def fitted(callback, *others, num_classes=3, loss=None):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(num_classes)])
    counts = COUNTS + [1] * (num_classes - 3)
    model.compile("sgd", loss or keras_ccar.CCARLoss(counts, from_logits=True))
    y = np.repeat(np.arange(2), [30, 10])  # the others are never seen
    return model.fit(
        np.ones((40, 4)), y, epochs=2, verbose=0, callbacks=[callback, *others]
    )


def events(folder):
    """Scalars and histograms as `{tag: {step: tensor}}`, of every file of a folder."""
    import tensorflow as tf

    found = {}
    for file in folder.glob("events.out.*"):
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                content = tf.make_ndarray(value.tensor)
                found.setdefault(value.tag, {})[event.step] = content
    return found


def test_tensorboard(tmp_path):
    names = ["cat", "dog", "axolotl"]
    callback = keras_ccar.CCARCallback(class_names=names, log_dir=tmp_path)
    fitted(callback, keras.callbacks.TensorBoard(tmp_path, write_graph=False))
    found = events(tmp_path / "train")
    for quantity in ("confidence", "weight"):
        for epoch, statistics in enumerate(callback.history):
            expected = statistics[f"mean_{quantity}"]
            for label in (0, 1):
                value = found[f"ccar_{quantity}/{names[label]}"][epoch]
                np.testing.assert_allclose(value, expected[label], rtol=1e-6)
            # Rows of left edge, right edge and number of classes.
            rows = found[f"ccar_{quantity}_by_class"][epoch]
            assert rows[:, 2].sum() == 2
            np.testing.assert_allclose(
                [rows[0, 0], rows[-1, 1]], np.sort(expected[:2]), rtol=1e-6
            )
        assert f"ccar_{quantity}/axolotl" not in found
        # Keras's own callback has what is in the logs.
        assert sorted(found[f"epoch_ccar_{quantity}_many"]) == [0, 1]


def test_tensorboard_of_many_classes(tmp_path):
    callback = keras_ccar.CCARCallback(log_dir=tmp_path)
    history = fitted(callback, num_classes=21).history
    found = events(tmp_path / "train")
    curves = {tag.split("/")[1] for tag in found if "/" in tag}
    assert curves == {"all", "many", "medium"}  # no sample of the others
    for epoch in (0, 1):
        np.testing.assert_allclose(
            found["ccar_weight/many"][epoch],
            history["ccar_weight_many"][epoch],
            rtol=1e-6,
        )


def test_csv_logger(tmp_path):
    file = tmp_path / "log.csv"
    history = fitted(
        keras_ccar.CCARCallback(), keras.callbacks.CSVLogger(str(file))
    ).history
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    for name in ("ccar_confidence", "ccar_weight_many", "ccar_weight_medium"):
        assert [float(row[name]) for row in rows] == history[name]
    assert math.isnan(float(rows[0]["ccar_weight_few"]))


def test_saved_history(tmp_path):
    callback = keras_ccar.CCARCallback(class_names=["a", "b", "ü"])
    fitted(callback)
    path = tmp_path / "new" / "history.json"
    callback.save_history(path)
    callback.save_history(path)
    assert [file.name for file in path.parent.iterdir()] == ["history.json"]
    content = json.loads(path.read_text("utf-8"))
    (output,) = content["outputs"]
    assert output["name"] == ""
    assert output["loss"] == "CCARLoss"
    assert output["pivot"] == 0.75
    assert output["class_names"] == ["a", "b", "ü"]
    assert output["class_counts"] == COUNTS
    assert len(output["epochs"]) == 2
    for saved, kept in zip(output["epochs"], callback.history, strict=True):
        assert saved["count"] == [30, 10, 0]
        assert saved["mean_weight"][2] is None
        assert saved["mean_weight"][:2] == kept["mean_weight"][:2].tolist()


def test_saved_history_of_several_outputs(tmp_path):
    inputs = keras.Input((4,))
    outputs = {
        "animal": keras.layers.Dense(3, name="animal")(inputs),
        "ill": keras.layers.Dense(1, name="ill")(inputs),
    }
    model = keras.Model(inputs, outputs)
    losses = {
        "animal": keras_ccar.CCARLoss(COUNTS, from_logits=True),
        "ill": keras_ccar.BinaryCCARLoss([20], 195, from_logits=True),
    }
    model.compile("sgd", losses)
    y = {"animal": np.arange(6) % 3, "ill": np.array([[1.0], *[[0.0]] * 5])}
    callback = keras_ccar.CCARCallback()
    model.fit(np.ones((6, 4)), y, verbose=0, callbacks=[callback])
    callback.save_history(tmp_path / "history.json")
    content = json.loads((tmp_path / "history.json").read_text())
    animal, ill = sorted(content["outputs"], key=lambda output: output["name"])
    assert (animal["name"], ill["name"]) == ("animal", "ill")
    assert animal["epochs"][0]["count"] == [2, 2, 2]
    assert ill["class_counts"] == [20]
    assert ill["epochs"][0]["count"] == [1]
