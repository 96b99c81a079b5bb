"""The head of a model is found, wherever it is."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_ccar
from keras_ccar.posthoc.retraining.classifier_head import find_classifier_head

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


def body():
    return [keras.Input((4,)), layers.Dense(6, activation="relu", name="body")]


def features_are_the_input_of(model, found, x):
    """Whether the head, applied to the features, gives what the model computes."""
    features = found.feature_network(model).predict(x, verbose=0)
    output = keras.ops.convert_to_numpy(found.layer(features))
    expected = output
    if found.after:
        y = last = keras.Input(output.shape[1:])
        for operation in found.after[::-1]:
            y = operation(y)
        expected = keras.Model(last, y).predict(output, verbose=0)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-5)


AFTER = {
    "nothing": [],
    "softmax": [layers.Softmax],
    "activation": [lambda: layers.Activation("sigmoid")],
    "dropout": [lambda: layers.Dropout(0.5), layers.Softmax],
    "correction": [lambda: keras_ccar.LogitCorrection([3, 2, 1], from_logits=True)],
    "shape": [lambda: layers.Reshape((3,)), layers.Identity],
}


@pytest.mark.parametrize("name", AFTER)
def test_layers_after_the_head(name):
    tail = [make() for make in AFTER[name]]
    model = keras.Sequential([*body(), layers.Dense(3, name="scores"), *tail])
    found = find_classifier_head(model)
    assert found.layer.name == "scores"
    assert found.num_columns == 3
    assert list(found.after) == tail[::-1]
    features_are_the_input_of(model, found, X)


def test_cosine_head():
    head = keras_ccar.layers.CosineHead(3)
    assert find_classifier_head(keras.Sequential([*body(), head])).layer is head


def test_einsum_dense_and_an_operation_after_it():
    inputs = keras.Input((4,))
    head = layers.EinsumDense("ab,bc->ac", 3, bias_axes="c")
    model = keras.Model(inputs, keras.ops.softmax(head(inputs)))
    assert find_classifier_head(model).layer is head


def test_convolution_of_a_map():
    inputs = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, padding="same")(inputs)
    head = layers.Conv2D(3, 1)
    model = keras.Model(inputs, layers.Softmax()(head(x)))
    found = find_classifier_head(model)
    assert found.layer is head
    assert found.features.shape == (None, 8, 8, 4)


def test_head_in_a_model_in_a_model():
    inner = keras.Sequential([*body(), layers.Dense(3, name="scores")])
    middle = keras.Sequential([keras.Input((4,)), layers.Rescaling(2.0), inner])
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Softmax()(middle(inputs)))
    found = find_classifier_head(model)
    assert found.layer is inner.layers[-1]
    features_are_the_input_of(model, found, X)


def test_head_before_a_model_of_softmax():
    inputs = keras.Input((4,))
    head = layers.Dense(3)
    last = keras.Sequential([keras.Input((3,)), layers.Softmax()])
    model = keras.Model(inputs, last(head(inputs)))
    assert find_classifier_head(model).layer is head


def test_model_with_several_inputs():
    inputs = {name: keras.Input((4,), name=name) for name in ("a", "b")}
    head = layers.Dense(3)
    model = keras.Model(inputs, head(layers.concatenate(list(inputs.values()))))
    found = find_classifier_head(model)
    features_are_the_input_of(model, found, {"a": X, "b": X})


def test_head_by_name():
    double = layers.Rescaling(2.0, name="double")
    model = keras.Sequential([*body(), layers.Dense(3, name="scores"), double])
    with pytest.raises(ValueError, match=r"double \(Rescaling\).*as `head=`"):
        find_classifier_head(model)
    found = find_classifier_head(model, "scores")
    assert found.layer.name == "scores"
    assert found.after == (double,)
    with pytest.raises(ValueError, match="a layer named 'other'"):
        find_classifier_head(model, "other")


def test_errors():
    inputs = keras.Input((4,))
    with pytest.raises(ValueError, match="`model` must be a keras"):
        find_classifier_head("model")
    several = keras.Model(inputs, [layers.Dense(2)(inputs), layers.Dense(2)(inputs)])
    with pytest.raises(ValueError, match="`model` must have one output"):
        find_classifier_head(several)

    class Own(keras.Model):
        pass

    for model in (Own(), keras.Sequential([layers.Dense(2)])):
        with pytest.raises(ValueError, match="Functional or Sequential model"):
            find_classifier_head(model)
    summed = keras.Model(inputs, layers.add([inputs, inputs]))
    with pytest.raises(ValueError, match=r"`head` must .*\(Add\)"):
        find_classifier_head(summed)
    softmax = keras.Model(inputs, layers.Softmax()(inputs))
    with pytest.raises(ValueError, match="`head` must be the classification head"):
        find_classifier_head(softmax)
    with pytest.raises(ValueError, match="`head` must be a text"):
        find_classifier_head(softmax, 3)
