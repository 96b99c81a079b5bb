import warnings

import keras
import numpy as np
import pytest

import keras_ccar


def fit(loss, y, units, sample_weight=None):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])
    model.compile("sgd", loss)
    x = np.ones((8, 3), "float32")
    callback = keras_ccar.CCARCallback()
    return model.fit(
        x, y, sample_weight=sample_weight, callbacks=[callback], verbose=0, epochs=2
    )


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="steps are not compiled on torch"
)
@pytest.mark.parametrize("mark", [-1.0, np.nan])
def test_a_missing_label_names_the_remedies_which_work(mark):
    y = np.tile([[0.0, 1.0]], (8, 1)).astype("float32")
    y[3, 1] = mark
    counts = [[7, 1], [2, 6]]
    with pytest.warns(UserWarning, match=r"`ignore_value`.*`sample_weight`.*\(N, K\)"):
        fit(keras_ccar.BinaryLogitAdjustedLoss(counts, from_logits=True), y, 2)
    loss = keras_ccar.BinaryLogitAdjustedLoss(
        counts, from_logits=True, ignore_value=mark
    )
    assert np.isfinite(fit(loss, y, 2).history["loss"]).all()
    loss = keras_ccar.BinaryLogitAdjustedLoss(counts, from_logits=True)
    weights = np.ones((8, 2), "float32")
    weights[3, 1] = 0
    assert np.isfinite(fit(loss, y, 2, weights).history["loss"]).all()


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="steps are not compiled on torch"
)
def test_a_label_that_is_no_class():
    y = np.array([0, 1, 2, 255, 0, 1, 2, 0])
    with pytest.warns(
        UserWarning, match="number the classes from 0 on.*`ignore_class`"
    ):
        fit(keras_ccar.CCARLoss([3, 2, 2], from_logits=True), y, 3)


def test_texts_without_words():
    """What the warning says to do finds them, on every backend."""
    words = np.array([[1, 2], [0, 0], [3, 0], [2, 2]])
    inputs = keras.Input((2,), dtype="int32")
    embedded = keras.layers.Embedding(4, 3, mask_zero=True)(inputs)
    pooled = keras.layers.GlobalAveragePooling1D()(embedded)
    model = keras.Model(inputs, keras.layers.Dense(2)(pooled))
    is_nan = np.isnan(model.predict(words, verbose=0)).any(axis=1)
    assert is_nan.tolist() == [False, True, False, False]
    model.compile("sgd", keras_ccar.CCARLoss([3, 1], from_logits=True))
    callbacks = [keras_ccar.CCARCallback()]
    with pytest.warns(UserWarning, match=r"`model.predict` gives NaN.*without words"):
        model.fit(words, np.array([0, 0, 0, 1]), callbacks=callbacks, verbose=0)


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="steps are not compiled on torch"
)
def test_the_output_whose_loss_is_nan_is_named():
    inputs = keras.Input((3,))
    outputs = {name: keras.layers.Dense(3, name=name)(inputs) for name in "ab"}
    model = keras.Model(inputs, outputs)
    labels = {"a": np.arange(8) % 3, "b": np.array([0, 1, 2, 255, 0, 1, 2, 0])}
    losses = {
        "a": keras_ccar.BinaryCCARLoss([4, 3, 2], 8, from_logits=True),
        "b": keras_ccar.CCARLoss([3, 2, 2], from_logits=True),
    }
    model.compile("sgd", losses)
    labels["a"] = np.eye(3)[labels["a"]]
    callback = keras_ccar.CCARCallback()
    with pytest.warns(UserWarning, match="The loss of 'b' is NaN.* be a label") as told:
        model.fit(np.ones((8, 3)), labels, verbose=0, callbacks=[callback])
    assert "ignore_value" not in str(told[0].message)


def epoch(loss, y, units):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])
    model.compile("sgd", loss)
    callback = keras_ccar.CCARCallback()
    x = np.ones((len(y), 3), "float32")
    model.fit(x, y, callbacks=[callback], verbose=0, epochs=2)


def answers(*shares, num=400):
    return np.stack([np.arange(num) < share * num for share in shares], -1).astype(
        "float32"
    )


SWAPPED = "yes and no in each other's place, for"


@pytest.mark.parametrize(
    ("counts", "more", "shares", "told"),
    [
        ([20, 980], {}, [0.03], f"{SWAPPED} label 0. .*0.98 .* it was 0.03."),
        ([980, 20], {}, [0.95], f"{SWAPPED} label 0. "),
        ([980], {"num_examples": 1000}, [0.02], f"{SWAPPED} label 0. "),
        ([[50, 450], [300, 200]], {}, [0.1, 0.4], f"{SWAPPED} label 0. "),
        ([[50, 450], [100, 900]], {}, [0.1, 0.1], f"{SWAPPED} labels 0, 1. "),
    ],
)
@pytest.mark.parametrize(
    "name", ["BinaryLogitAdjustedLoss", "BinaryCCARLoss", "BinaryFocalLoss"]
)
def test_swapped_counts(counts, more, shares, told, name):
    given = {"alpha": None} if name == "BinaryFocalLoss" else {}
    loss = getattr(keras_ccar, name)(
        class_counts=counts, from_logits=True, **more, **given
    )
    y = answers(*shares)
    with pytest.warns(UserWarning, match=told) as caught:
        epoch(loss, y, len(shares))
    assert sum("other's place" in str(warning.message) for warning in caught) == 1


@pytest.mark.parametrize(
    ("counts", "shares", "num"),
    [
        ([980, 20], [0.02], 400),
        ([980, 20], [0.5], 400),  # balanced draws
        ([980, 20], [0.6], 400),
        ([600, 400], [0.6], 400),  # nearly as many
        ([980, 20], [0.75], 12),  # chance
        ([[980, 20], [20, 980]], [0.02, 0.98], 400),
    ],
)
def test_counts_that_may_be_right(counts, shares, num):
    loss = keras_ccar.BinaryLogitAdjustedLoss(counts, from_logits=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        epoch(loss, answers(*shares, num=num), len(shares))


def test_counts_of_classes_are_not_of_answers():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        epoch(
            keras_ccar.LogitAdjustedLoss([980, 20], from_logits=True),
            answers(0.98)[:, 0],
            2,
        )
