"""`CCARCallback` warns of metrics that overwrite each other's numbers in the logs."""

import warnings

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar import BalancedAccuracy, ShotAccuracy

KINDS, SIZES = [120, 30, 10], [80, 80]
X = np.random.default_rng(0).normal(size=(160, 4)).astype("float32")
Y = {"kind": np.repeat([0, 1, 2], KINDS), "size": np.array([0, 1] * 80)}


def messages_of_fit(model, y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, verbose=0, callbacks=[keras_ccar.CCARCallback()])
    return [str(w.message) for w in caught if "overwrite" in str(w.message)]


def two_outputs(metrics, structure="dict", kind="metrics"):
    inputs = keras.Input((4,))
    outputs = {
        "kind": keras.layers.Dense(3, name="kind")(inputs),
        "size": keras.layers.Dense(2, name="size")(inputs),
    }
    losses = {
        "kind": keras_ccar.CCARLoss(KINDS, from_logits=True),
        "size": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    }
    y = Y
    if structure == "list":
        outputs, losses, metrics, y = (
            list(part.values()) for part in (outputs, losses, metrics, Y)
        )
    model = keras.Model(inputs, outputs)
    model.compile("sgd", losses, **{kind: metrics})
    return model, y


@pytest.mark.parametrize("structure", ["dict", "list"])
@pytest.mark.parametrize("kind", ["metrics", "weighted_metrics"])
def test_two_outputs(structure, kind):
    metrics = {"kind": [ShotAccuracy(KINDS)], "size": [ShotAccuracy(SIZES)]}
    model, y = two_outputs(metrics, structure, kind)
    (message,) = messages_of_fit(model, y)
    assert "outputs 'kind' and 'size' both write 'medium', 'balanced' " in message
    assert "ShotAccuracy(..., name='size') writes 'size_balanced'" in message


@pytest.mark.slow
def test_with_the_names_that_the_warning_asks_for():
    metrics = {
        "kind": [ShotAccuracy(KINDS, name="kind"), BalancedAccuracy(3)],
        "size": [ShotAccuracy(SIZES, name="size"), BalancedAccuracy(2)],
    }
    model, y = two_outputs(metrics)
    assert messages_of_fit(model, y) == []
    found = model.evaluate(X, y, verbose=0, return_dict=True)
    answers = model.predict(X, verbose=0)
    for output, labels in Y.items():
        is_right = answers[output].argmax(axis=-1) == labels
        recalls = [is_right[labels == k].mean() for k in np.unique(labels)]
        assert found[f"{output}_balanced"] == pytest.approx(np.mean(recalls))


def test_one_output():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    loss = keras_ccar.CCARLoss(KINDS, from_logits=True)
    given = {
        "metrics": [ShotAccuracy(KINDS)],
        "weighted_metrics": [ShotAccuracy(KINDS)],
    }
    model.compile("sgd", loss, **given)
    (message,) = messages_of_fit(model, Y["kind"])
    assert "Two metrics ShotAccuracy both write" in message
    given["weighted_metrics"] = [ShotAccuracy(KINDS, name="second")]
    model.compile("sgd", loss, **given)
    assert messages_of_fit(model, Y["kind"]) == []
