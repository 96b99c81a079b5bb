import re

import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops

import keras_ccar
from keras_ccar.output_counts import read_output_counts
from keras_ccar.posthoc import chain, evaluate_classes
from keras_ccar.posthoc.data.enough_examples import require_examples
from keras_ccar.posthoc.data.overlap import require_separate
from keras_ccar.posthoc.data.predictions import (
    predict,
    require_num_columns,
    to_logits,
    to_probabilities,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(23, 4)).astype("float32")
# The right class is the largest of three inputs: labels tell whether they stay aligned.
LABELS = X[:, :3].argmax(axis=1)
ANSWERS = (X[:, :3] > 0).astype("float64")


def softmax(z):
    exponentials = np.exp(z.astype("float64"))
    return exponentials / exponentials.sum(-1, keepdims=True)


def model_of(activation=None, units=3, shape=(4,), loss=None):
    """Returns the first inputs, times ten."""
    dense = keras.layers.Dense(units, activation=activation, use_bias=False)
    model = keras.Sequential([keras.Input(shape), dense])
    model.set_weights([10 * np.eye(shape[-1], units)])
    if loss is not None:
        model.compile("sgd", loss)
    return model


class Batches(keras.utils.PyDataset):
    def __init__(self, *arrays, size=5):
        super().__init__()
        self.arrays, self.size = arrays, size

    def __len__(self):
        return -(-len(self.arrays[0]) // self.size)

    def __getitem__(self, index):
        part = slice(index * self.size, (index + 1) * self.size)
        return tuple(array[part] for array in self.arrays)


def tf_data(x, y):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, y)).shuffle(23, seed=1).batch(5)


def torch_tensor(x):
    return pytest.importorskip("torch").tensor(x)


def loader(x, y):
    data = pytest.importorskip("torch").utils.data
    tensors = data.TensorDataset(torch_tensor(x), torch_tensor(y))
    return data.DataLoader(tensors, batch_size=5, shuffle=True)


SOURCES = {
    "arrays": lambda x, y: (x, y),
    "weights": lambda x, y: (x, y, None),
    "lists": lambda x, y: (x, y.tolist()),
    "torch": lambda x, y: (torch_tensor(x), torch_tensor(y)),
    "tensors": lambda x, y: (ops.convert_to_tensor(x), ops.convert_to_tensor(y)),
    "tf.data": tf_data,
    "DataLoader": loader,
    "PyDataset": Batches,
    "generator": lambda x, y: iter([(x[:9], y[:9]), (x[:0], y[:0]), (x[9:], y[9:])]),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", ["classes", "column", "one-hot", "labels"])
def test_any_data_with_the_labels_aligned(source, kind):
    y = {
        "classes": LABELS,
        "column": LABELS[:, None],
        "one-hot": np.eye(3, dtype="int32")[LABELS],
        "labels": ANSWERS.astype("float32"),
    }[kind]
    model = model_of("sigmoid" if kind == "labels" else "softmax")
    found = predict(model, SOURCES[source](X, y), batch_size=7)
    assert found.logits.dtype == "float64"
    assert found.logits.shape == (23, 3)
    assert found.are_labels is (kind == "labels")
    assert found.from_logits is False
    assert found.num_columns == 3
    if kind == "labels":
        np.testing.assert_array_equal(found.labels, found.logits > 0)
        expected = np.sort(1 / (1 + np.exp(-10 * X[:, :3].astype("float64"))), axis=0)
    else:
        assert found.labels.dtype == "int64"
        np.testing.assert_array_equal(found.labels, found.logits.argmax(axis=1))
        expected = np.sort(softmax(10 * X[:, :3]), axis=0)
    # Shuffled data come in another order.
    p = np.sort(found.probabilities, axis=0)
    np.testing.assert_allclose(p, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["arrays", "DataLoader", "PyDataset", "generator"])
def test_answers_are_found_in_every_batch(source):
    """Nothing but the labels tells that a linear output is of labels."""
    model = model_of(loss="mse")
    y = ANSWERS.copy()
    y[:5] = np.eye(3)[LABELS[:5]]  # the first batch looks one-hot
    found = predict(model, SOURCES[source](X, y.astype("float32")))
    assert found.are_labels
    assert found.from_logits
    # The loss, or counts, decide before them.
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    trained = model_of(loss=loss)
    with pytest.raises(ValueError, match="`data` must have one class for each"):
        predict(trained, SOURCES[source](X, y))
    with pytest.raises(ValueError, match="`data` must have one class for each"):
        predict(model, SOURCES[source](X, y), read_output_counts([3, 2, 1]))
    counts = read_output_counts([[3, 2]] * 3)
    one_hot = np.eye(3)[LABELS]
    assert predict(model, SOURCES[source](X, one_hot), counts).are_labels
    assert not predict(model, SOURCES[source](X, one_hot)).are_labels


def test_arrays_of_predictions():
    z = RNG.normal(size=(23, 3))
    found = predict(z, LABELS)
    np.testing.assert_array_equal(found.logits, z)
    np.testing.assert_array_equal(found.labels, LABELS)
    np.testing.assert_allclose(found.probabilities, softmax(z))
    assert found.from_logits
    found = predict(z, ANSWERS)
    assert found.are_labels
    np.testing.assert_allclose(found.probabilities, 1 / (1 + np.exp(-z)))
    assert predict(np.ones((2, 3), "float16") * 2, [0, 1]).logits.dtype == "float64"


@pytest.mark.parametrize(
    "form",
    [
        np.asarray,
        lambda p: p * 1.0005,  # half precision: rows that sum to 1 nearly
        np.ndarray.tolist,
        torch_tensor,
        ops.array,
    ],
    ids=["array", "nearly", "list", "torch", "tensor"],
)
def test_arrays_of_probabilities(form):
    p = softmax(np.random.default_rng(1).normal(size=(23, 3)))
    found = predict(form(p), LABELS.tolist(), from_logits=False)
    np.testing.assert_allclose(found.probabilities, p, rtol=1e-5)
    assert not found.from_logits


@pytest.mark.parametrize("are_labels", [True, False])
def test_logits_of_certain_probabilities_are_finite(are_labels):
    p = np.array([[1, 0], [0.0, 1]])
    logits = to_logits(p, are_labels)
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(to_probabilities(logits, are_labels), p, atol=1e-19)
    large = np.array([[1e4, -1e4]])
    np.testing.assert_array_equal(to_probabilities(large, are_labels), [[1, 0]])


def test_segmentation():
    images = RNG.normal(size=(5, 2, 3, 4)).astype("float32")
    y = images[..., :3].argmax(axis=-1)
    model = model_of("softmax", shape=(2, 3, 4))
    for given in (y, y[..., None], np.eye(3)[y]):
        found = predict(model, (images, given))
        assert found.logits.shape == (30, 3)
        np.testing.assert_array_equal(found.labels, y.ravel())
        np.testing.assert_array_equal(found.logits.argmax(axis=1), y.ravel())
    found = predict(model, Batches(images, np.where(y == 1, 255, y)), ignore_class=255)
    np.testing.assert_array_equal(found.labels, y[y != 1])
    np.testing.assert_array_equal(found.logits.argmax(axis=1), found.labels)
    weights = RNG.integers(0, 2, y.shape)
    for given in (weights, weights[..., None].astype("float32"), weights > 0):
        found = predict(model, (images, y, given))
        np.testing.assert_array_equal(found.labels, y[weights == 1])


@pytest.mark.parametrize("sizes", [(5,), (5, 6), (5, 6, 7)])
@pytest.mark.parametrize("is_column", [False, True])
def test_classes_on_axis_1(sizes, is_column):
    last = keras.Sequential([keras.Input((*sizes, 4)), keras.layers.Dense(3)])
    rank = len(sizes) + 2
    to_front = keras.layers.Permute((rank - 1, *range(1, rank - 1)))
    model = chain(last, to_front)
    x = RNG.normal(size=(4, *sizes, 4)).astype("float32")
    y = RNG.integers(0, 3, (4, *sizes, 1) if is_column else (4, *sizes))
    with pytest.raises(ValueError, match="on axis 1, move them to the end") as raised:
        predict(model, (x, y))
    advice = re.search(r"`(keras_ccar.*\))` as `model`", str(raised.value))[1]
    named = {"keras": keras, "keras_ccar": keras_ccar, "model": model}
    of_model = predict(eval(advice, named), (x, y)).logits
    predictions = model.predict(x, verbose=0)
    advice = re.search(r"`(numpy.*\))`", str(raised.value))[1]
    array = eval(advice, {"numpy": np, "predictions": predictions})
    expected = predict(last, (x, y)).logits
    np.testing.assert_allclose(of_model, expected, atol=1e-5)
    np.testing.assert_allclose(predict(array, y).logits, expected, atol=1e-5)
    with pytest.raises(ValueError, match="one label for each") as raised:
        predict(model, (x, y[:, :2]))
    assert "axis 1" not in str(raised.value)


@pytest.mark.parametrize("shape", [(23,), (23, 1)])
def test_one_sigmoid(shape):
    y = (X[:, 0] > 0).astype(int).reshape(shape)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    for model in (model_of("sigmoid", 1), model_of(None, 1, loss=loss)):
        found = predict(model, (X, y))
        assert found.are_labels
        assert found.from_logits is (model.layers[0].activation.__name__ == "linear")
        assert found.labels.shape == found.logits.shape == (23, 1)
        np.testing.assert_array_equal(found.labels, found.logits > 0)
        # Float32 rounds probabilities near 1.
        expected = 1 / (1 + np.exp(-10 * X[:, :1].astype("float64")))
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    counts = read_output_counts([30, 3])
    assert predict(X[:, :1], y, counts).are_labels
    assert not predict(X[:, :2] * 9, y.ravel(), counts).are_labels


@pytest.mark.parametrize("missing", [-1.0, 2, float("nan")])
def test_missing_answers(missing):
    is_missing = RNG.random(ANSWERS.shape) < 0.3
    y = np.where(is_missing, missing, ANSWERS)
    found = predict(model_of("sigmoid"), (X, y), ignore_value=missing)
    np.testing.assert_array_equal(np.isnan(found.labels), is_missing)
    np.testing.assert_array_equal(found.labels[~is_missing], ANSWERS[~is_missing])
    with pytest.raises(ValueError, match=r"`data` must have the answers 0.*`ignore_v"):
        predict(model_of("sigmoid"), (X, y))


@pytest.mark.slow
def test_ignored_classes_and_weights_of_zero():
    model = model_of("softmax")
    for ignored in (-1, 255, 0, 1):
        y = np.where(np.arange(23) % 4 == 0, ignored, LABELS)
        found = predict(model, Batches(X, y), ignore_class=ignored)
        np.testing.assert_array_equal(found.labels, y[y != ignored])
        np.testing.assert_allclose(
            found.probabilities, softmax(10 * X[:, :3])[y != ignored], atol=1e-6
        )
    weights = np.arange(23) % 3 > 0
    for given in (weights, weights.astype("float32")[:, None]):
        found = predict(model, Batches(X, LABELS, given))
        np.testing.assert_array_equal(found.labels, LABELS[weights])
    found = predict(model_of("sigmoid"), (X, ANSWERS, weights))
    np.testing.assert_array_equal(found.labels, ANSWERS[weights])


def test_inputs_without_labels():
    model = model_of("softmax")
    expected = softmax(10 * X[:, :3])
    for data in (X, (X,), (X, LABELS), Batches(X), ops.convert_to_tensor(X)):
        found = predict(model, data, needs_labels=False)
        assert found.labels is None
        np.testing.assert_allclose(found.probabilities, expected, rtol=1e-5, atol=1e-9)
    inputs = {"a": keras.Input((4,), name="a"), "b": keras.Input((4,), name="b")}
    outputs = keras.layers.Softmax()(inputs["a"] + inputs["b"])
    both = keras.Model(inputs, outputs)
    parts = {"a": X, "b": 2 * X}
    for given in (parts, (parts, LABELS), iter([(parts, LABELS)])):
        found = predict(both, given, needs_labels=False)
        np.testing.assert_allclose(found.probabilities, softmax(3 * X), rtol=1e-4)


@pytest.mark.parametrize("data", [(X[:0], LABELS[:0]), Batches(X[:0], LABELS[:0]), []])
def test_without_an_example(data):
    model = model_of("softmax")
    with pytest.raises(
        ValueError, match=r"`validation` must hold examples\. Received:"
    ):
        predict(model, data, name="validation")
    assert predict(model, (X, LABELS)).num_columns == 3  # the model is as it was


@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        (
            (X, LABELS, LABELS + 0.5),
            {},
            "(?s)sample weights of 0 and 1, one .*Leave the w",
        ),
        ((X, LABELS, LABELS[:-1]), {}, "`data` must have sample weights"),
        ((X, LABELS, 1.0), {}, "`data` must have sample weights"),
        ((X, LABELS, np.ones((23, 2))), {}, "`data` must have sample weights"),
        ((X, LABELS, np.zeros(23)), {}, "`data` must hold examples that count"),
        ((X, LABELS * 0), {"ignore_class": 0}, "`data` must hold examples that count"),
        ((X, LABELS * 2), {}, r"labels from 0 to 2, the classes.*\[4.*`ignore_class`"),
        ((X, LABELS + 1), {}, r"Received: \[3.*from 1 to 3, number them from 0.*`lab"),
        ((X, LABELS - 1), {"ignore_class": 1}, r"labels from 0 to 2.*\[-1"),
        ((X, LABELS + 0.5), {}, r"labels from 0 to 2.*\.5"),
        ((X, LABELS * np.nan), {}, r"labels from 0 to 2.*\[nan"),
        ((X, LABELS + np.inf), {}, r"labels from 0 to 2.*\[inf"),
        (
            (X, LABELS[:-1]),
            {},
            r"one label for each prediction, .*\(23,\) or \(23, 3\)",
        ),
        ((X, np.ones((23, 2))), {}, r"one label for each .*labels of shape \(23, 2\)"),
        ((X, np.full((23, 3), 1 / 3)), {}, r"one class for each .*the row \[0\.333"),
        (
            (X, np.array(["a"] * 23)),
            {},
            "(?s)labels that are numbers.*Number the classes",
        ),
        ((X, [[1], [1, 2]]), {}, "`data` must have labels that are numbers"),
        ((X, [None] * 23), {}, "`data` must have labels that are numbers"),
        (
            (X, {"a": LABELS}),
            {},
            r"labels of one output. .* in a dict.*one_output\(model, 'a'\).*y\['a'\]",
        ),
        (
            (X, (LABELS, LABELS)),
            {},
            "labels of one output. Received: labels in a tuple",
        ),
        ((X, LABELS, None, None), {}, r"`data` must be `\(x, y\)`, a tf.data.Dataset"),
        (X, {}, "`data` must be data with labels"),
        ((X,), {}, "`data` must be data with labels"),
        ("images", {}, r"`data` must be `\(x, y\)`"),
        (5, {}, r"`data` must be `\(x, y\)`"),
        (None, {}, r"`data` must be `\(x, y\)`"),
        ((X, LABELS), {"batch_size": 0}, "`batch_size` must be a whole number >= 1"),
        ((X, LABELS), {"ignore_class": "0"}, "`ignore_class` must be a whole number"),
        ((X, LABELS), {"ignore_value": 0.5}, "`ignore_value` must not be a target"),
        ((X, LABELS), {"from_logits": "auto"}, "`from_logits` must be True or False"),
        ((X, LABELS), {"from_logits": True}, "`from_logits` must fit `model.outputs`"),
        ((X * np.nan, LABELS), {}, "predictions of `model` must be finite.*23 of 23"),
        ((X, LABELS), {"counts": [[1, 2]] * 3}, "`class_counts` must be counts of"),
        ((X, LABELS), {"train": 5}, r"`train` must be `\(x, y\)`"),
        (
            (X, LABELS),
            {"train": (X[2:3], 0)},
            "no example .*1 example that `train` has",
        ),
        ((X, LABELS), {"train": Batches(X[::2])}, "12 examples that `train` has too"),
        (iter([(X, LABELS)]), {"train": (X, LABELS)}, "can be read twice.*_iterator"),
    ],
)
def test_wrong_data(data, arguments, message):
    if "counts" in arguments:
        arguments = {"counts": read_output_counts(arguments["counts"])}
    with pytest.raises(ValueError, match=message):
        predict(model_of("softmax"), data, **arguments)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (ANSWERS * 2, r"the answers 0, no, and 1, yes. Received: \[2"),
        (ANSWERS[:, :2], r"one label for each prediction.*labels of shape \(23, 2\)"),
        (ANSWERS[:, 0], r"one label for each prediction.*labels of shape \(23,\)"),
    ],
)
def test_wrong_answers(y, message):
    with pytest.raises(ValueError, match=message):
        predict(model_of("sigmoid"), (X, y))


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (X[:, 0], {}, r"`model` must be a keras.Model, or an array of predictions"),
        (None, {}, "`model` must be a keras.Model, or"),
        ("model", {}, "`model` must be a keras.Model, or"),
        (keras.Model, {}, "`model` must be a keras.Model, or"),
        ({"a": X}, {}, "`model` must be a keras.Model, or"),
        ([[1.0], [1.0, 2.0]], {}, "`model` must be a keras.Model, or"),
        (X[:, :0], {}, "`model` must be a keras.Model, or"),
        (X * 1j, {}, "`model` must be a keras.Model, or"),
        (np.full((23, 3), np.inf), {}, "must be finite"),
        (np.full((23, 3), 0.3), {}, "`from_logits` must be given .*`model` are logits"),
        (X[:, :3], {"from_logits": False}, "`model` must hold probabilities in"),
        (X[:, :3], {"train": (X, LABELS)}, "`train` must be None where `model` is an"),
        (X[:0, :3], {}, "`data` must hold examples. Received: none"),
    ],
)
def test_wrong_predictions(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        predict(model, LABELS, **arguments)


def test_models_that_do_not_tell():
    model = model_of()
    two = keras.Model(model.inputs[0], model.outputs * 2)
    with pytest.raises(
        ValueError, match=r"`model` must have one output.*with 2\. Pass"
    ):
        predict(two, (X, LABELS))
    with pytest.raises(
        ValueError, match=r"`model` must return logits or probabilities"
    ):
        predict(model_of("log_sigmoid"), (X, ANSWERS))
    relu = model_of("relu")
    with pytest.raises(ValueError, match="`from_logits` must be given where nothing"):
        predict(relu, (X, LABELS))
    assert predict(relu, (X, LABELS), from_logits=True).from_logits

    class Subclassed(keras.Model):
        def call(self, inputs):
            return inputs[:, :3]

    found = predict(Subclassed(), (X, LABELS), from_logits=True)
    np.testing.assert_allclose(found.logits, X[:, :3])


def test_a_dataset_without_an_end():
    class Endless(keras.utils.PyDataset):
        num_batches = None

        def __getitem__(self, index):
            return X, LABELS

    with pytest.raises(ValueError, match="`data` must be a PyDataset that ends"):
        predict(model_of("softmax"), Endless())


def test_counts_for_each_column():
    found = predict(RNG.normal(size=(23, 3)), LABELS)
    require_num_columns(read_output_counts([3, 2, 1]), found)
    with pytest.raises(ValueError, match=r"one entry for each column.*2 for 3 columns"):
        require_num_columns(read_output_counts([3, 2]), found)
    one = predict(X[:, :1], LABELS > 0)
    require_num_columns(read_output_counts([3, 2]), one)


TEXTS = np.array(["a cat", "a dog", "a mouse"], dtype=object)


@pytest.mark.parametrize(
    ("data", "train", "shared"),
    [
        ((X, LABELS), (X[5:8].astype("float64"), LABELS), 3),
        (X, [X[3:4]], 1),
        (Batches(X, LABELS), (X + 1, LABELS), 0),
        (({"a": X, "b": X}, 0), ({"a": X[:2], "b": X[[0, 2]]}, 0), 1),
        ({"a": X}, {"a": X[:4]}, 4),
        ([X], [(X[:0], 0)], 0),
        ((np.arange(6).reshape(6, 1), 0), (np.arange(3.0)[:, None], 0), 3),
        ((np.arange(6).reshape(6, 1), 0), (np.arange(6.0), 0), 0),
        ((TEXTS, 0), (np.array(["a lion", "a " + "dog"]), 0), 1),
        ((TEXTS[:, None], 0), (np.array([[b"a cat"], [b"a mouse"]], object), 0), 2),
    ],
)
def test_shared_examples(data, train, shared):
    if not shared:
        require_separate("validation", data, train)
        return
    message = rf"`validation` must hold no .*Received: {shared} example"
    with pytest.raises(ValueError, match=message):
        require_separate("validation", data, train)


def test_shared_examples_of_shuffled_pipelines():
    for train in (tf_data(X[:6], LABELS[:6]), loader(X[:6], LABELS[:6])):
        with pytest.raises(ValueError, match=r"`data` must hold .* 6 examples"):
            require_separate("data", Batches(X, LABELS), train)


def test_classes_without_examples():
    y = np.repeat([0, 1, 2], [9, 5, 5])
    require_examples("validation", y, 3, 1)
    with pytest.raises(
        ValueError, match=r"`validation` must have ex.*: none for class 3"
    ):
        require_examples("validation", y, 4, 1)
    message = "`validation` has under 5 examples of class 2"
    with pytest.warns(UserWarning, match=re.escape(message)) as record:
        require_examples("validation", y[:-1], 3, 1)
    assert record[0].filename == __file__
    answers = np.array([[1, 0, 1], [0, 0, np.nan]] * 5)
    with pytest.raises(
        ValueError, match=r"of yes and of no of every label.*labels 1, 2"
    ):
        require_examples("validation", answers, 3, 1)
    require_examples("validation", answers[:, :1], 1, 1)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="tf.data")
def test_endless_data_are_refused():
    import tensorflow as tf

    data = tf.data.Dataset.from_tensors((np.zeros((2, 3)), [0, 1])).repeat()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"`data` must be data that ends.*take"):
        predict(model, data)


def test_weights_of_answers_leave_answers_out():
    random = np.random.default_rng(0)
    logits = random.normal(size=(30, 4))
    labels = (random.random((30, 4)) < 0.3).astype("float32")
    counts_answer = random.random((30, 4)) < 0.7
    marked = np.where(counts_answer, labels, -1)
    expected = evaluate_classes(logits, marked, from_logits=True, ignore_value=-1)
    # Under a weight of 0 there may be anything.
    for given in (labels, marked):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Activation("linear")])
        weights = counts_answer.astype("float32")
        found = evaluate_classes(
            model, (logits, given, weights), [[9, 9]] * 4, from_logits=True
        )
        shared = [name for name in expected.classes if name in found.classes]
        pd.testing.assert_frame_equal(
            found.classes[shared], expected.classes[shared], rtol=1e-5
        )
    with pytest.raises(ValueError, match="sample weights of 0 and 1"):
        evaluate_classes(
            model, (logits, labels, weights / 2), [[9, 9]] * 4, from_logits=True
        )
