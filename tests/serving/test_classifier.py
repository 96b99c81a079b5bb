"""From the inputs of an exported model to its probabilities."""

import keras
import numpy as np
import pytest
from keras import ops
from served_models import (
    COUNTS,
    X,
    close,
    head,
    needs_export,
    predicted,
    served,
    sigmoid,
    softmax,
)

import keras_ccar
from keras_ccar.serving import export


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)

    def call(self, inputs, training=False):
        return self.dense(inputs)


def softmax_loss():
    return keras_ccar.CCARLoss(COUNTS, from_logits=True)


def binary_loss():
    return keras_ccar.BinaryCCARLoss(COUNTS, 700, from_logits=True)


HEADS = {
    "softmax": (lambda: head(3, activation="softmax"), None, lambda p: p),
    "logits": (lambda: head(3), softmax_loss, softmax),
    "several questions": (lambda: head(3, activation="sigmoid"), None, lambda p: p),
    "logits of several questions": (lambda: head(3), binary_loss, sigmoid),
    "one question": (lambda: head(1, activation="sigmoid"), None, lambda p: p),
    "logit of one question": (lambda: head(1), None, sigmoid),
    "sigmoid operation": (
        lambda: keras.Model(x := keras.Input((8,), name="x"), ops.sigmoid(x)),
        None,
        lambda p: p,
    ),
    "pixels": (
        lambda: head(12, keras.layers.Reshape((2, 2, 3)), keras.layers.Softmax()),
        None,
        lambda p: p,
    ),
}


@needs_export
@pytest.mark.parametrize("kind", HEADS)
def test_head_is_respected(kind, tmp_path):
    build, loss, activation = HEADS[kind]
    model = build()
    if loss is not None:
        model.compile("sgd", loss())
    answer = served(export(model, tmp_path), x=X)
    close(answer["probabilities"], activation(predicted(model)))
    num_classes = model.output_shape[-1]
    assert (
        answer["class_names"].tolist() == [[b"%d" % c for c in range(num_classes)]] * 7
    )


@needs_export
def test_logits_of_which_nothing_tells_what_they_are(tmp_path):
    """A part of a model with several outputs, and a model that is not compiled."""
    model = head(4)
    with pytest.warns(UserWarning, match=r"4 logits .* answered by softmax") as caught:
        folder = export(model, tmp_path / "untold")
    assert caught[0].filename == __file__
    close(served(folder, x=X)["probabilities"], softmax(predicted(model)))
    for multi_label, activation in ((True, sigmoid), (False, softmax)):
        folder = export(model, tmp_path / str(multi_label), multi_label=multi_label)
        close(served(folder, x=X)["probabilities"], activation(predicted(model)))
    folder = export(model, tmp_path / "both", thresholds=0.5, multi_label=True)
    answer = served(folder, x=X)
    assert ((answer["probabilities"] >= 0.5) == answer["decisions"]).all()


@needs_export
@pytest.mark.parametrize("multi_label", [True, False])
def test_what_the_model_tells_is_not_overruled(multi_label, tmp_path):
    softmax_model = head(3, activation="softmax")
    binary = head(3)
    binary.compile("sgd", binary_loss())
    message = f"`multi_label` must be None or {not multi_label} for a model"
    model = softmax_model if multi_label else binary
    with pytest.raises(ValueError, match=message):
        export(model, tmp_path / "a", multi_label=multi_label)
    model = binary if multi_label else softmax_model
    export(model, tmp_path / "b", multi_label=multi_label, warm_up=False)
    export(head(1), tmp_path / "c", multi_label=multi_label, warm_up=False)


@needs_export
@pytest.mark.parametrize("from_logits", [True, False])
def test_loss_tells_where_layers_do_not(from_logits, tmp_path):
    model = Subclassed()
    model(X)
    with pytest.raises(ValueError, match="neither by its last layer nor by its loss"):
        export(model, tmp_path)
    assert not list(tmp_path.iterdir())
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS, from_logits=from_logits))
    answer = served(export(model, tmp_path), inputs=X)
    expected = predicted(model)
    close(answer["probabilities"], softmax(expected) if from_logits else expected)


@needs_export
def test_two_names_of_one_question(tmp_path):
    model = head(1, activation="sigmoid")
    answer = served(export(model, tmp_path, ["genuine", "fraud"]), x=X)
    fraud = predicted(model)
    close(answer["probabilities"], np.concatenate([1 - fraud, fraud], axis=-1))
    assert answer["class_names"][0].tolist() == [b"genuine", b"fraud"]


@needs_export
def test_correction_of_probabilities(tmp_path):
    model = head(3, activation="softmax")
    correction = keras_ccar.LogitCorrection(
        COUNTS, target_prior=[1, 1, 8], from_logits=False
    )
    answer = served(export(model, tmp_path, correction=correction), x=X)
    expected = predicted(model) * np.array([1, 1, 8]) / np.array(COUNTS)
    close(answer["probabilities"], expected / expected.sum(axis=-1, keepdims=True))


@needs_export
@pytest.mark.parametrize("from_logits", [None, False])
@pytest.mark.parametrize("axis", [-1, 1])
def test_correction_takes_the_output_for_what_it_is(from_logits, axis, tmp_path):
    correction = keras_ccar.LogitCorrection(COUNTS, from_logits=from_logits, axis=axis)
    model = head(3, activation="softmax")
    answer = served(export(model, tmp_path, correction=correction), x=X)
    expected = predicted(model) / np.array(COUNTS)
    close(answer["probabilities"], expected / expected.sum(axis=-1, keepdims=True))
    assert correction.from_logits is from_logits  # the user's own is as it was


@needs_export
@pytest.mark.parametrize("structure", ["list", "dict"])
def test_several_inputs(structure, tmp_path):
    inputs = {
        "left": keras.Input((8,), name="left"),
        "a-b": keras.Input((None,), dtype="int32", name="a-b"),
    }
    embedded = keras.layers.Embedding(10, 8)(inputs["a-b"])
    features = inputs["left"] + ops.mean(embedded, axis=1)
    outputs = keras.layers.Dense(3, activation="softmax")(features)
    nested = inputs if structure == "dict" else list(inputs.values())
    model = keras.Model(nested, outputs)
    tokens = np.arange(28, dtype="int32").reshape(7, 4) % 10
    values = {"left": X, "a-b": tokens}
    arguments = values if structure == "dict" else list(values.values())
    answer = served(export(model, tmp_path), left=X, a_b=tokens)
    close(answer["probabilities"], predicted(model, arguments))


@needs_export
def test_inputs_without_a_name(tmp_path):
    first, second = keras.Input((8,)), keras.Input((8,))
    outputs = keras.layers.Dense(3, activation="softmax")(first - second)
    folder = export(keras.Model([first, second], outputs), tmp_path)
    close(served(folder, input_0=X, input_1=X)["probabilities"], 1 / 3)


@needs_export
def test_mixed_precision(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = head(3)
        correction = keras_ccar.LogitCorrection(COUNTS)
    finally:
        keras.config.set_dtype_policy("float32")
    answer = served(export(model, tmp_path, correction=correction), x=X)
    assert answer["probabilities"].dtype == np.float32
    logits = ops.convert_to_numpy(ops.cast(model(X), "float32")).astype("float64")
    close(answer["probabilities"], softmax(logits - np.log(COUNTS)))


@pytest.mark.tensorflow_only
def test_texts(tmp_path):
    vectorizer = keras.layers.TextVectorization(
        vocabulary=["good", "bad"], output_mode="count"
    )
    model = keras.Sequential(
        [
            keras.Input((), dtype="string", name="text"),
            vectorizer,
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    folder = export(model, tmp_path)
    texts = np.array(["good good", "bad"])
    import tensorflow as tf

    expected = model(tf.constant(texts)).numpy()
    close(served(folder, text=texts)["probabilities"], expected)


def two_outputs():
    inputs = keras.Input((8,))
    return keras.Model(inputs, [keras.layers.Dense(3)(inputs) for _ in range(2)])


def corrected_twice():
    return head(3, keras_ccar.LogitCorrection(COUNTS))


def correction(counts=COUNTS, **options):
    return {"correction": keras_ccar.LogitCorrection(counts, **options)}


REJECTED = {
    "no model": (lambda: "model", {}, TypeError, "must be a `keras.Model`"),
    "not built": (
        lambda: keras.Sequential([keras.layers.Dense(3)]),
        {},
        ValueError,
        "must be built",
    ),
    "never called": (Subclassed, {}, ValueError, "call it once"),
    "several outputs": (two_outputs, {}, ValueError, "one output.* with 2"),
    "no classes": (
        lambda: head(1, keras.layers.Reshape(())),
        {},
        ValueError,
        r"shape \(batch, ..., K\)",
    ),
    "classes first": (
        lambda: head(18, keras.layers.Reshape((3, 2, 3)), keras.layers.Softmax(axis=1)),
        {},
        ValueError,
        r"on the last axis.* with axis=1.*Permute\(\(2, 3, 1\)\)",
    ),
    "too few names": (
        lambda: head(3),
        {"class_names": ["a", "b"], "multi_label": False},
        ValueError,
        "3 classes. Received: 2",
    ),
    "one name": (lambda: head(3), {"class_names": "abc"}, ValueError, "'abc'"),
    "no correction": (
        lambda: head(3),
        {"correction": keras.layers.Softmax()},
        TypeError,
        "LogitCorrection",
    ),
    "other correction": (
        lambda: head(3),
        correction([5, 4]),
        ValueError,
        "3 classes. Received: 2",
    ),
    "correction of questions": (
        lambda: head(3, activation="sigmoid"),
        correction(),
        ValueError,
        "counts of yes-or-no labels",
    ),
    "correction of other outputs": (
        lambda: head(3, activation="softmax"),
        correction(from_logits=True),
        ValueError,
        "is probabilities.* from_logits=True: .* from_logits=False",
    ),
    "correction of other logits": (
        lambda: head(3),
        correction(from_logits=False),
        ValueError,
        "is logits.* from_logits=False: .* from_logits=True",
    ),
    "correction of another axis": (
        lambda: head(18, keras.layers.Reshape((2, 3, 3))),
        correction(axis=1),
        ValueError,
        "which is the last.* axis=1: .* axis=-1",
    ),
    "two corrections": (corrected_twice, correction(), ValueError, "the prior twice"),
}


@needs_export
@pytest.mark.parametrize("case", REJECTED)
def test_rejects(case, tmp_path):
    build, options, error, message = REJECTED[case]
    with pytest.raises(error, match=message):
        export(build(), tmp_path, **options)
    assert not list(tmp_path.iterdir())


# No sequence, or one of other things than texts; and what the message says.
NO_NAMES = {
    "a text": ("abc", "'abc'"),
    "bytes": (b"abc", "b'abc'"),
    "a set": ({"a", "b", "c"}, "a sequence of texts"),
    "a dict": ({"a": 0, "b": 1, "c": 2}, "a sequence of texts"),
    "a generator": ((name for name in "abc"), "Pass a list"),
    "a number": (3, "class_names=3"),
    "numbers": ([0, 1, 2], "int: 0"),
    "bytes in a list": ([b"a", b"b", b"c"], "bytes: b'a'"),
    "None in a list": (["a", None, "c"], "NoneType: None"),
    "half a character": (["a", "\ud800", "c"], r"Received: '\ud800'"),
}


@needs_export
@pytest.mark.parametrize("case", NO_NAMES)
def test_class_names_are_a_sequence_of_texts(case, tmp_path):
    names, message = NO_NAMES[case]
    with pytest.raises(ValueError, match="`class_names` must be ") as raised:
        export(head(3), tmp_path, names)
    assert message in str(raised.value)
    assert not list(tmp_path.iterdir())


@needs_export
@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_kinds_of_sequences(kind, tmp_path):
    folder = export(
        head(3, activation="softmax"), tmp_path, kind(["a", "b", "c"]), warm_up=False
    )
    assert served(folder, x=X[:1])["class_names"].tolist() == [[b"a", b"b", b"c"]]


@needs_export
def test_warns_of_a_correction_of_an_adjusted_model(tmp_path):
    model = head(3)
    model.compile("sgd", keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True))
    with pytest.warns(UserWarning, match="the prior twice") as caught:
        export(model, tmp_path, **correction())
    assert caught[0].filename == __file__
