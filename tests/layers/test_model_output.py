import keras

from keras_ccar import LogitCorrection
from keras_ccar.layers.model_output import is_corrected_by_label, output_activation


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


def test_a_correction_of_labels_is_told_from_one_of_classes():
    for correction, are_labels in (
        (LogitCorrection([[5, 1], [4, 2], [3, 3]]), True),
        (LogitCorrection([1, 2, 3], num_examples=6), True),
        (LogitCorrection([5, 3, 2]), False),
        (keras.layers.Identity(), None),
    ):
        inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        model = keras.Sequential([inner, correction, keras.layers.Identity()])
        model = keras.Sequential([keras.Input((4,)), model])
        assert is_corrected_by_label(model) is are_labels
    assert is_corrected_by_label(keras.Sequential()) is None
