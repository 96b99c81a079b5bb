import keras

from keras_ccar import LogitCorrection
from keras_ccar.layers.model_output import output_activation


def test_a_shared_layer_is_seen_where_it_was_called():
    inputs = keras.Input((4,))
    logits = keras.layers.Dense(3)(inputs)
    shared = keras.layers.Reshape((3,))
    plain = keras.Model(inputs, shared(logits))
    probabilities = keras.Model(inputs, shared(keras.layers.Softmax()(logits)))
    assert output_activation(plain) == ("linear", False)
    assert output_activation(probabilities) == ("softmax", False)


def test_a_shared_correction():
    inputs = keras.Input((4,))
    correction = LogitCorrection([5, 3, 2])
    first = correction(keras.layers.Dense(3)(inputs))
    second = correction(keras.layers.Dense(3, activation="relu")(inputs))
    assert output_activation(keras.Model(inputs, first)) == ("linear", True)
    assert output_activation(keras.Model(inputs, second)) == ("relu", True)
