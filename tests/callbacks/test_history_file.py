import json

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar.callbacks.history_file import read_history, write_history

COUNTS = [150, 40, 5]


def fitted(callback):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS, from_logits=True))
    y = np.repeat(np.arange(2), [30, 10])  # the last is never seen
    model.fit(np.ones((40, 4)), y, epochs=2, verbose=0, callbacks=[callback])


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


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "history.json"
    values = np.array([0.1 + 0.2, np.nan, np.inf])
    names = ("count", "frequency", "mean_confidence", "mean_weight", "below_pivot")
    epoch = {**dict.fromkeys(names, values), "count": np.array([0.1 + 0.2, 2, 3])}
    about = {"loss": "CCARLoss", "class_names": None, "class_counts": [5, 2, 3]}
    write_history(path, [{"name": "", **about, "epochs": [epoch]}])
    text = path.read_text("utf-8")
    assert text.startswith('{"format": "keras_ccar statistics", "outputs": [{"name": ')
    assert '"frequency": [0.30000000000000004, null, Infinity]' in text
    (output,) = read_history(path)
    for name in names:
        np.testing.assert_array_equal(output["epochs"][0][name], epoch[name])


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is not JSON"), ("[]", "does not hold"), ('{"format": "x"}', "does not")],
)
def test_other_files(content, message, tmp_path):
    path = tmp_path / "history.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_history(path)
