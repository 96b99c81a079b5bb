import keras
import numpy as np
import pytest
from keras import ops

from keras_ccar import LogitCorrection
from keras_ccar.layers import TemperatureScaling

LOGITS = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
VECTOR, BIAS = [0.5, 1.0, 3.0], [0.3, -0.2, 0.0]


def softmax(z, axis=-1):
    exponentials = np.exp(z.astype("float64"))
    return exponentials / exponentials.sum(axis, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z.astype("float64")))


@pytest.mark.parametrize("temperature", [0.5, 3, VECTOR, np.array(VECTOR)])
@pytest.mark.parametrize("bias", [None, 0.7, BIAS])
def test_formula(temperature, bias):
    expected = LOGITS / np.array(temperature) + np.array(0 if bias is None else bias)
    scaled = TemperatureScaling(temperature, bias)(LOGITS)
    np.testing.assert_allclose(ops.convert_to_numpy(scaled), expected, rtol=1e-5)
    # The logarithms of probabilities are logits of which the largest is known.
    p = softmax(LOGITS)
    scaled = TemperatureScaling(temperature, bias, False, multi_label=False)(p)
    again = np.log(p) / np.array(temperature) + np.array(0 if bias is None else bias)
    np.testing.assert_allclose(
        ops.convert_to_numpy(scaled), softmax(again), rtol=1e-4, atol=1e-7
    )
    scaled = TemperatureScaling(temperature, bias, False, multi_label=True)(
        sigmoid(LOGITS)
    )
    np.testing.assert_allclose(
        ops.convert_to_numpy(scaled), sigmoid(expected), rtol=1e-4, atol=1e-7
    )


def test_a_scalar_keeps_the_order_and_a_vector_need_not():
    z = np.array([[2.0, 1.5, -1.0]])
    assert ops.convert_to_numpy(TemperatureScaling(7.0)(z)).argmax() == 0
    assert ops.convert_to_numpy(TemperatureScaling([4.0, 1, 1])(z)).argmax() == 1


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("axis", [1, 2, -1, -2])
def test_any_class_axis(from_logits, axis):
    z = np.moveaxis(LOGITS, -1, axis)
    inputs = z if from_logits else softmax(z, axis)
    layer = TemperatureScaling(VECTOR, BIAS, from_logits, axis, multi_label=False)
    result = ops.convert_to_numpy(layer(inputs))
    result = np.moveaxis(result, axis, -1)
    if from_logits:
        expected = LOGITS / np.array(VECTOR) + BIAS
    else:
        expected = softmax(np.log(softmax(LOGITS)) / np.array(VECTOR) + BIAS)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-6)


def test_certain_probabilities_stay_finite():
    for multi_label in (True, False):
        layer = TemperatureScaling(2.0, None, False, multi_label=multi_label)
        result = ops.convert_to_numpy(layer(np.array([[0.0, 1.0]])))
        np.testing.assert_allclose(result, [[0, 1]], atol=1e-6)


@pytest.mark.parametrize("activation", [None, "softmax", "sigmoid"])
@pytest.mark.parametrize("units", [1, 3])
def test_finds_what_it_is_given_and_keeps_it(tmp_path, activation, units):
    if activation == "softmax" and units == 1:
        return
    x = np.random.default_rng(0).normal(size=(6, 8))
    dense = keras.layers.Dense(units, activation=activation)
    model = keras.Sequential([keras.Input((8,)), dense])
    layer = TemperatureScaling(VECTOR[:units], BIAS[:units])
    whole = keras.Sequential([model, layer])
    assert layer.from_logits is (activation is None)
    assert (
        layer.multi_label is {None: None, "softmax": False, "sigmoid": True}[activation]
    )
    assert layer.are_labels is (activation == "sigmoid")
    kernel, bias = (np.asarray(part, "float64") for part in dense.get_weights())
    z = x.astype("float32").astype("float64") @ kernel + bias
    if activation == "softmax":  # the layer sees the logarithms of probabilities
        z = np.log(softmax(z))
    z = z / np.array(VECTOR[:units]) + BIAS[:units]
    expected = {None: lambda z: z, "softmax": softmax, "sigmoid": sigmoid}[activation](
        z
    )
    result = whole.predict(x, verbose=0)
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-5)
    whole.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    assert copy.layers[-1].get_config() == layer.get_config()
    np.testing.assert_allclose(copy.predict(x, verbose=0), result, rtol=1e-6)


def test_reads_the_loss_of_a_model_that_does_not_tell():
    inputs = keras.Input((8,))
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs) * 1.0)
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    layer = TemperatureScaling(2.0)
    keras.Sequential([model, layer])
    assert (layer.from_logits, layer.multi_label) == (True, True)


def test_a_correction_sees_through_it():
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(3, activation="softmax"),
            TemperatureScaling(2.0),
            LogitCorrection([3, 2, 1]),
        ]
    )
    assert model.layers[-1].from_logits is False


def test_one_column_of_probabilities_is_a_label():
    p = np.array([[0.2], [0.9]])
    result = ops.convert_to_numpy(TemperatureScaling(2.0, from_logits=False)(p))
    np.testing.assert_allclose(result, sigmoid(np.log(p / (1 - p)) / 2), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0}, "`temperature` must be a finite number above 0, or one"),
        ({"temperature": [1, -1]}, "`temperature` must be"),
        ({"temperature": []}, "`temperature` must be"),
        ({"temperature": [[1, 2]]}, "`temperature` must be"),
        ({"temperature": None}, "`temperature` must be"),
        ({"temperature": True}, "`temperature` must be"),
        ({"temperature": np.inf}, "`temperature` must be"),
        ({"bias": np.nan}, "`bias` must be a finite number, or one"),
        ({"bias": "0"}, "`bias` must be a finite number, or one"),
        (
            {"temperature": [1, 2], "bias": [1, 2, 3]},
            "`bias` must have one number for .* Received: 3 for 2",
        ),
        ({"from_logits": "auto"}, "`from_logits` must be True or False"),
        ({"multi_label": 1}, "`multi_label` must be True or False"),
        ({"axis": None}, "`axis` must be a whole number"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        TemperatureScaling(**{"temperature": 2.0, **arguments})


def test_arguments_of_every_keras_layer():
    arguments = {
        "name": "mine",
        "trainable": False,
        "dtype": "mixed_bfloat16",
        "autocast": False,
        "activity_regularizer": keras.regularizers.L2(0.5),
    }
    layer = TemperatureScaling(VECTOR, BIAS, **arguments)
    assert (layer.name, layer.trainable, layer.autocast) == ("mine", False, False)
    assert layer.compute_dtype == "bfloat16"
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()


def test_inputs_that_do_not_fit():
    with pytest.raises(ValueError, match="`temperature` must have one number for each"):
        TemperatureScaling([1.0, 2.0])(LOGITS)
    with pytest.raises(ValueError, match="`bias` must have one number for each"):
        TemperatureScaling(1.0, [0, 0], True)(keras.Input((3,)))
    with pytest.raises(ValueError, match="`from_logits` must be given"):
        TemperatureScaling(2.0)(softmax(LOGITS))
    with pytest.raises(ValueError, match="`multi_label` must be given"):
        TemperatureScaling(2.0, from_logits=False)(softmax(LOGITS))
    with pytest.raises(ValueError, match="`inputs` must hold probabilities"):
        TemperatureScaling(2.0, from_logits=False, multi_label=False)(LOGITS)
    softmax_layer = keras.layers.Softmax()(keras.Input((3,)))
    with pytest.raises(ValueError, match=r"`multi_label` must fit `inputs`.*classes"):
        TemperatureScaling(2.0, multi_label=True)(softmax_layer)
    with pytest.raises(ValueError, match="`from_logits` must fit `inputs`"):
        TemperatureScaling(2.0, from_logits=True)(softmax_layer)


@pytest.mark.parametrize("multi_label", [True, False])
def test_wrong_probabilities_in_a_compiled_step(multi_label):
    if keras.backend.backend() == "torch":
        pytest.skip("torch computes eagerly, which raises an error")
    inputs = keras.Input((3,))
    layer = TemperatureScaling(2.0, from_logits=False, multi_label=multi_label)
    p = np.array([[0.2, 0.3, 0.5], [0.2, 0.3, 1.5]], "float32")
    result = keras.Model(inputs, layer(inputs)).predict(p, verbose=0)
    assert np.isfinite(result[0]).all()
    assert np.isnan(result[1]).sum() == (1 if multi_label else 3)
