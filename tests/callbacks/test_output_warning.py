"""`CCARCallback` warns of metrics that do not fit the loss beside them."""

import warnings

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar import metrics
from keras_ccar.callbacks.output_warning import warn_output_mismatch

K = 3
COUNTS = [90, 8, 2]
RNG = np.random.default_rng(0)
NEEDED = {"from_logits": True}
MAKE = {
    "AveragePrecision": lambda **a: metrics.AveragePrecision(K, **NEEDED, **a),
    "BalancedAccuracy": lambda **a: metrics.BalancedAccuracy(K, **a),
    "GeometricMean": lambda **a: metrics.GeometricMean(K, **a),
    "MacroF1": lambda **a: metrics.MacroF1(K, **a),
    "PerClassRecall": lambda **a: metrics.PerClassRecall(K, **a),
    "ShotAccuracy": lambda **a: metrics.ShotAccuracy(COUNTS, **a),
    "ExpectedCalibrationError": lambda **a: metrics.ExpectedCalibrationError(
        **NEEDED, **a
    ),
}


def messages_of_fit(model, x, y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(x, y, verbose=0, callbacks=[keras_ccar.CCARCallback()])
    return [str(w.message) for w in caught if "which does not fit" in str(w.message)]


def volumes(loss_arguments, metric, kind="metrics"):
    """As many classes as the last dimension has entries, so that both axes fit."""
    model = keras.Sequential([keras.Input((K, 4, K)), keras.layers.Dense(K)])
    loss = keras_ccar.CCARLoss(COUNTS, from_logits=True, **loss_arguments)
    model.compile("sgd", loss, **{kind: [metric]})
    labels = RNG.integers(0, K, (8, 4, K))
    if loss_arguments.get("axis") != 1:
        labels = RNG.integers(0, K, (8, K, 4))
    return model, RNG.normal(size=(8, K, 4, K)), labels


def test_every_public_metric_is_tried():
    assert set(MAKE) == set(metrics.__all__)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("kind", ["metrics", "weighted_metrics"])
def test_another_ignored_class(name, kind):
    (message,) = messages_of_fit(*volumes({"ignore_class": 255}, MAKE[name](), kind))
    assert "has ignore_class=None" in message
    assert "pass `ignore_class=255` to the metric" in message
    same = {"ignore_class": 255}
    assert messages_of_fit(*volumes(same, MAKE[name](**same), kind)) == []


@pytest.mark.parametrize("name", MAKE)
def test_another_axis(name):
    same = {"axis": 1}
    model, x, labels = volumes(same, MAKE[name](**same))
    assert messages_of_fit(model, x, labels) == []
    model, x, labels = volumes(same, MAKE[name]())
    with pytest.raises(ValueError, match="`y_true`"):  # (8, 4, 3) are not (8, 3, 4)
        messages_of_fit(model, x, labels)
    model, x, labels = volumes({}, MAKE[name](axis=3))  # which is the last
    assert messages_of_fit(model, x, labels) == []


def test_another_axis_where_both_fit():
    model = keras.Sequential([keras.Input((K, K)), keras.layers.Dense(K)])
    loss = keras_ccar.CCARLoss(COUNTS, axis=1, from_logits=True)
    model.compile("sgd", loss, metrics=[keras_ccar.BalancedAccuracy(K)])
    x, labels = RNG.normal(size=(8, K, K)), RNG.integers(0, K, (8, K))
    (message,) = messages_of_fit(model, x, labels)
    assert "'balanced_accuracy' has axis=-1" in message
    assert "pass `axis=1` to the metric" in message


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_calibration_of_logits(activation):
    is_logits = activation is None
    for given in (True, False):
        model = keras.Sequential(
            [keras.Input((5,)), keras.layers.Dense(K, activation=activation)]
        )
        metric = metrics.ExpectedCalibrationError(from_logits=given)
        loss = keras_ccar.CCARLoss(COUNTS, from_logits=is_logits)
        model.compile("sgd", loss, metrics=[metric])
        x, labels = RNG.normal(size=(8, 5)), RNG.integers(0, K, 8)
        if keras.backend.backend() == "torch" and is_logits and not given:
            with pytest.raises(ValueError, match="pass `from_logits=True`"):
                messages_of_fit(model, x, labels)
            continue
        found = messages_of_fit(model, x, labels)
        assert len(found) == (given != is_logits)
        assert all(f"pass `from_logits={is_logits}`" in message for message in found)


@pytest.mark.parametrize("columns", [1, K])
def test_from_logits_beside_a_binary_loss(columns):
    """It matters for every metric of yes or no."""
    for given in (True, False):
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(columns)])
        metric = metrics.BalancedAccuracy(
            2 if columns == 1 else K, multi_label=columns > 1, from_logits=given
        )
        loss = keras_ccar.BinaryCCARLoss([4] * columns, 8, from_logits=True)
        model.compile("sgd", loss, metrics=[metric])
        x, labels = RNG.normal(size=(8, 5)), RNG.integers(0, 2, (8, columns))
        if keras.backend.backend() == "torch" and not given:
            with pytest.raises(ValueError, match="pass `from_logits=True`"):
                messages_of_fit(model, x, labels)
            continue
        found = messages_of_fit(model, x, labels)
        assert len(found) == (not given)
        assert all("pass `from_logits=True` to the metric" in text for text in found)


@pytest.mark.parametrize("unknown", [-1, float("nan")])
def test_another_value_of_unknown_answers(unknown):
    def found(loss_value, **given):
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
        loss = keras_ccar.BinaryCCARLoss(
            [6, 2], ignore_value=loss_value, from_logits=True
        )
        metric = metrics.AveragePrecision(2, **NEEDED, **given)
        model.compile("sgd", loss, metrics=[metric])
        return messages_of_fit(model, RNG.normal(size=(8, 5)), np.arange(8) % 2)

    (message,) = found(unknown)
    code = "-1" if unknown == -1 else r"float('nan')"
    assert "has ignore_value=None" in message
    assert f"pass `ignore_value={code}" in message
    assert len(found(None, ignore_value=unknown)) == 1
    assert found(unknown, ignore_value=unknown) == found(None) == []
    if unknown == -1:  # a metric of one column may leave out a class
        assert found(unknown, ignore_class=unknown) == []


def test_the_output_that_a_loss_does_not_fit_is_named():
    inputs = keras.Input((5,))
    outputs = {name: keras.layers.Dense(K, name=name)(inputs) for name in "ab"}
    model = keras.Model(inputs, outputs)
    model.compile("sgd", {name: keras_ccar.CCARLoss(COUNTS) for name in "ab"})
    with pytest.warns(UserWarning, match="the loss 'ccar' of the output 'b' has"):
        warn_output_mismatch(model, "b", model.loss["b"])


def test_the_loss_tells_of_calibration_where_layers_do_not():
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(K, activation="softmax")

        def call(self, inputs):
            return self.dense(inputs)

    model = Subclassed()
    metric = metrics.ExpectedCalibrationError(from_logits=True)
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS), metrics=[metric])
    found = messages_of_fit(model, np.ones((8, 5)), RNG.integers(0, K, 8))
    assert ["pass `from_logits=False`" in message for message in found] == [True]


@pytest.mark.parametrize("structure", ["dict", "list"])
def test_metrics_of_each_output(structure):
    inputs = keras.Input((5,))
    outputs = {
        name: keras.layers.Dense(K, name=name)(inputs) for name in ("left", "right")
    }
    losses = {
        name: keras_ccar.CCARLoss(COUNTS, from_logits=True, ignore_class=ignored)
        for name, ignored in (("left", 255), ("right", None))
    }
    accuracy = {
        "left": [metrics.BalancedAccuracy(K, name="one")],
        "right": [metrics.BalancedAccuracy(K, ignore_class=7, name="two"), "accuracy"],
    }
    labels = {name: RNG.integers(0, K, 8) for name in outputs}
    if structure == "list":
        outputs, losses, accuracy, labels = (
            list(part.values()) for part in (outputs, losses, accuracy, labels)
        )
    model = keras.Model(inputs, outputs)
    model.compile("sgd", losses, metrics=accuracy)
    found = messages_of_fit(model, np.ones((8, 5)), labels)
    assert len(found) == 2
    left, right = ("left", "right") if structure == "dict" else model.output_names
    assert f"'one' of the output {left!r} has ignore_class=None" in found[0]
    assert f"'two' of the output {right!r} has ignore_class=7" in found[1]
    assert "pass `ignore_class=None`" in found[1]


def test_metrics_of_others_are_left_alone():
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(K)])
    loss = keras_ccar.CCARLoss(COUNTS, from_logits=True, ignore_class=255)
    model.compile("sgd", loss, metrics=["accuracy"], weighted_metrics=["accuracy"])
    assert messages_of_fit(model, np.ones((8, 5)), RNG.integers(0, K, 8)) == []
    model.compile("sgd", loss)
    assert messages_of_fit(model, np.ones((8, 5)), RNG.integers(0, K, 8)) == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("abc", "`class_names` must be a sequence .*'abc'"),
        (b"abc", "`class_names` must be a sequence"),
        ({"a": 0, "b": 1}, "`class_names` must be a sequence"),
        ({"a", "b"}, "`class_names` must be a sequence"),
        (3, "`class_names` must be a sequence .*3"),
        (["a", "b", "a"], "`class_names` must be different .*'a'"),
        ([1, "1"], "`class_names` must be different .*'1'"),
    ],
)
def test_names_that_are_none(names, message):
    with pytest.raises(ValueError, match=message):
        keras_ccar.CCARCallback(class_names=names)


def test_names_of_any_sequence():
    for names in (np.array(["a", "b"]), ("a", "b")):
        assert keras_ccar.CCARCallback(class_names=names).class_names == ["a", "b"]
