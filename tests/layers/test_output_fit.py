"""Losses that expect another output than the model has."""

import functools

import keras
import pytest

import keras_ccar
from keras_ccar.layers.output_fit import find_mismatch, loss_of_other_kind

SPARSE = keras.losses.SparseCategoricalCrossentropy
FUNCTION = keras.losses.sparse_categorical_crossentropy
OBJECTS = (
    SPARSE,
    keras.losses.CategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
    keras_ccar.CCARLoss,
)
BINARY = (
    keras.losses.BinaryCrossentropy,
    keras.losses.BinaryFocalCrossentropy,
    keras_ccar.BinaryCCARLoss,
)


@pytest.mark.parametrize("kind", [*OBJECTS, *BINARY])
def test_objects(kind):
    options = {"class_counts": [8, 2]} if "ccar" in kind.__module__ else {}
    activation = "sigmoid" if kind in BINARY else "softmax"
    logits, probabilities = (kind(from_logits=b, **options) for b in (True, False))
    assert find_mismatch("linear", logits) is None
    assert find_mismatch(activation, probabilities) is None
    found = find_mismatch("linear", probabilities)
    assert found == (
        "The model's output is logits (no activation)",
        "pass `from_logits=True` to the loss",
    )
    found = find_mismatch(activation, logits)
    assert found == (
        f"The model's output is probabilities ({activation})",
        "remove `from_logits=True`",
    )


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"),
        ("categorical_crossentropy", "CategoricalCrossentropy"),
        ("categorical_focal_crossentropy", "CategoricalFocalCrossentropy"),
        ("binary_crossentropy", "BinaryCrossentropy"),
        ("binary_focal_crossentropy", "BinaryFocalCrossentropy"),
    ],
)
def test_names_and_functions(name, class_name):
    function = getattr(keras.losses, name)
    for loss in (name, function):
        _, advice = find_mismatch("linear", loss)
        assert advice == f"use `keras.losses.{class_name}(from_logits=True)`"
        assert find_mismatch("sigmoid", loss) is None
    logits = functools.partial(function, from_logits=True)
    assert find_mismatch("linear", logits) is None
    activation = "sigmoid" if "binary" in name else "softmax"
    assert "remove" in find_mismatch(activation, logits).advice


def test_parts_of_a_loss():
    loss = keras_ccar.WeightedSum(
        [(1.0, SPARSE()), (1.0, keras.losses.MeanSquaredError())]
    )
    assert find_mismatch("softmax", loss) is None
    assert "from_logits=True" in find_mismatch("linear", loss).advice


@pytest.mark.parametrize("activation", ["linear", "softmax", "relu", None])
@pytest.mark.parametrize(
    "loss", ["mse", lambda y, p: FUNCTION(y, keras.ops.softmax(p))]
)
def test_what_is_not_known_fits(activation, loss):
    assert find_mismatch(activation, loss, True) is None


def test_an_output_whose_activation_tells_nothing():
    assert find_mismatch(None, SPARSE()) is None
    assert find_mismatch(None, SPARSE(), False) is None
    assert find_mismatch(None, SPARSE(), True).output == "The model's output is logits"
    assert find_mismatch("relu", SPARSE(True), False).advice.startswith("remove")


def test_a_binary_loss_of_a_softmax():
    for loss in (
        keras.losses.BinaryCrossentropy(),
        "binary_crossentropy",
        keras.losses.binary_focal_crossentropy,
        keras_ccar.BinaryFocalLoss(),
    ):
        assert "is a softmax" in find_mismatch("softmax", loss).output
    assert "use `FocalLoss`" in find_mismatch("softmax", loss).advice


MANY = {
    "keras.losses.BinaryCrossentropy": [
        "sparse_categorical_crossentropy",
        "categorical_crossentropy",
        keras.losses.categorical_crossentropy,
        functools.partial(FUNCTION, from_logits=True),
        SPARSE(),
    ],
    "keras.losses.BinaryFocalCrossentropy": [
        "categorical_focal_crossentropy",
        keras.losses.CategoricalFocalCrossentropy(),
    ],
    "BinaryCCARLoss": [keras_ccar.CCARLoss([8, 2])],
    "BinaryLogitAdjustedLoss": [keras_ccar.BalancedSoftmaxLoss([8, 2])],
}


@pytest.mark.parametrize("sibling", MANY)
def test_the_loss_of_the_other_kind(sibling):
    for loss in MANY[sibling]:
        assert loss_of_other_kind(loss, True) == sibling
        assert loss_of_other_kind(loss, False) == ""
    whole = keras_ccar.WeightedSum([(1.0, MANY[sibling][-1])])
    assert loss_of_other_kind(whole, True) == sibling
    for kind in BINARY:
        options = {"class_counts": [8, 2]} if "ccar" in kind.__module__ else {}
        assert loss_of_other_kind(kind(**options), True) == ""
        assert loss_of_other_kind(kind(**options), False) != ""
    assert loss_of_other_kind("mse", True) == loss_of_other_kind("mse", False) == ""
