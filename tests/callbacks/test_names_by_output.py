"""Class names of the losses of a model with several outputs."""

import copy
import json

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar.callbacks.history_file import read_history

KINDS, SIZES = ["cat", "dog", "lynx"], ["small", "large"]
X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = {"kind": np.arange(12) % 3, "size": np.arange(12) % 2}


def two_outputs(**losses):
    inputs = keras.Input((4,))
    model = keras.Model(
        inputs,
        {
            "kind": keras.layers.Dense(3, name="kind")(inputs),
            "size": keras.layers.Dense(2, name="size")(inputs),
        },
    )
    losses = losses or {
        "kind": keras_ccar.CCARLoss([9, 2, 1], from_logits=True),
        "size": keras_ccar.CCARLoss([8, 4], from_logits=True),
    }
    model.compile("sgd", losses)
    return model


def fit(model, class_names):
    callback = keras_ccar.CCARCallback(class_names=class_names)
    y = {output: Y[output] for output in model.loss}
    model.fit(X, y, verbose=0, callbacks=[callback])
    return callback


def test_names_of_each_output(tmp_path):
    callback = fit(two_outputs(), {"kind": KINDS, "size": tuple(SIZES)})
    assert callback.class_names == {"kind": KINDS, "size": SIZES}
    for statistics in (callback.statistics(), callback.history[0]):
        assert statistics["kind"]["class_name"] == KINDS
        assert statistics["size"]["class_name"] == SIZES
    callback.save_history(tmp_path / "history.json")
    saved = {
        o["name"]: o["class_names"] for o in read_history(tmp_path / "history.json")
    }
    assert saved == {"kind": KINDS, "size": SIZES}
    again = copy.deepcopy(callback)
    two_outputs().fit(X, Y, verbose=0, callbacks=[again])
    assert again.statistics()["size"]["class_name"] == SIZES


def test_an_output_without_names(tmp_path):
    callback = fit(two_outputs(), {"size": SIZES})
    assert "class_name" not in callback.statistics()["kind"]
    assert callback.statistics()["size"]["class_name"] == SIZES
    callback.save_history(tmp_path / "history.json")
    content = json.loads((tmp_path / "history.json").read_text())
    saved = {output["name"]: output["class_names"] for output in content["outputs"]}
    assert saved == {"kind": None, "size": SIZES}


def test_one_output_with_a_loss_of_ours():
    model = two_outputs(
        kind=keras_ccar.CCARLoss([9, 2, 1], from_logits=True),
        size=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    assert fit(model, {"kind": KINDS}).statistics()["class_name"] == KINDS
    with pytest.raises(ValueError, match=r"as its keys: 'kind'\. Received: 'size'"):
        fit(model, {"size": SIZES})


def test_two_losses_of_an_output():
    both = keras_ccar.WeightedSum(
        [
            (1.0, keras_ccar.CCARLoss([9, 2, 1], from_logits=True)),
            (1.0, keras_ccar.BalancedSoftmaxLoss([9, 2, 1], from_logits=True)),
        ]
    )
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    statistics = fit(two_outputs(kind=both, size=plain), {"kind": KINDS}).statistics()
    assert len(statistics) == 2
    assert all(part["class_name"] == KINDS for part in statistics.values())


def test_one_list_for_outputs_of_another_size():
    with pytest.raises(ValueError, match="`class_names`") as error:
        fit(two_outputs(), KINDS)
    assert str(error.value) == (
        "`class_names` must have one name for each class. Received 3 names for the "
        "output 'size' with 2 classes. Pass a dict with the names of each output: "
        "{'kind': [...], 'size': [...]}."
    )


def test_wrong_entries():
    with pytest.raises(
        ValueError, match="2 names for the output 'kind' with 3 classes"
    ):
        fit(two_outputs(), {"kind": SIZES, "size": SIZES})
    with pytest.raises(ValueError, match=r"'kind', 'size'\. Received: 'colour'"):
        fit(two_outputs(), {"colour": KINDS})
    with pytest.raises(ValueError, match=r"different .*These are of the output 'kind'"):
        keras_ccar.CCARCallback(class_names={"kind": ["a", "a"]})


def test_a_dict_for_a_model_with_one_output():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("sgd", keras_ccar.CCARLoss([9, 2, 1], from_logits=True))
    callback = keras_ccar.CCARCallback(class_names={"kind": KINDS})
    with pytest.raises(ValueError, match=r"must be a sequence of names .*'kind'"):
        model.fit(X, Y["kind"], verbose=0, callbacks=[callback])


@pytest.mark.parametrize("names", [["fraud"], ["genuine", "fraud"]])
def test_one_label_has_one_name_or_two(names, tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", keras_ccar.BinaryCCARLoss([8, 4], from_logits=True))
    callback = keras_ccar.CCARCallback(class_names=names)
    model.fit(X, Y["size"], verbose=0, callbacks=[callback])
    assert callback.statistics()["class_name"] == ["fraud"]
    callback.save_history(tmp_path / "history.json")
    (saved,) = read_history(tmp_path / "history.json")
    assert saved["class_names"] == ["fraud"]
    wrong = keras_ccar.CCARCallback(class_names=["a", "b", "c"])
    with pytest.raises(ValueError, match=r"3 names .* or two: those of no and of yes"):
        model.fit(X, Y["size"], verbose=0, callbacks=[wrong])
