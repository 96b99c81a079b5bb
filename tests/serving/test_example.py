"""What a client sends, in the warm-up requests of an exported model."""

import base64
import json
import urllib.request

import keras
import numpy as np
import pytest
from keras import ops
from served_models import (
    COUNTS,
    X,
    close,
    decoding,
    head,
    jpeg,
    needs_export,
    pixels,
    served,
    signatures,
    softmax_head,
    warm_up_inputs,
)

import keras_ccar
from keras_ccar.serving import export

FORMS = {
    "array": lambda: X[0],
    "list": lambda: X[0].tolist(),
    "tuple": lambda: tuple(X[0].tolist()),
    "tensor": lambda: ops.convert_to_tensor(X[0]),
    "double precision": lambda: X[0].astype("float64"),
    "dict": lambda: {"x": X[0]},
    "batch": lambda: X[:1],
    "dict of a batch": lambda: {"x": X[:1].tolist()},
    "half precision": lambda: ops.cast(X[0], "bfloat16"),
    "whole numbers": lambda: [1, 2, 3, 4, 5, 6, 7, 8],
    "booleans": lambda: np.array([True, False] * 4),
}


@needs_export
@pytest.mark.parametrize("form", FORMS)
def test_forms_of_an_example(form, tmp_path):
    example = FORMS[form]()
    values = example["x"] if isinstance(example, dict) else example
    if ops.is_tensor(values):
        values = ops.convert_to_numpy(ops.cast(values, "float32"))
    expected = np.reshape(np.asarray(values, "float32"), (1, 8))
    for inputs in warm_up_inputs(export(softmax_head(), tmp_path, example=example)):
        assert inputs["x"].dtype == np.float32
        assert (inputs["x"] == expected).all()


@needs_export
def test_a_batch_is_repeated(tmp_path):
    one, eight = warm_up_inputs(export(softmax_head(), tmp_path, example=X[:3]))
    np.testing.assert_array_equal(one["x"], X[:1])
    np.testing.assert_array_equal(eight["x"], X[[0, 1, 2, 0, 1, 2, 0, 1]])


@needs_export
def test_free_sizes_are_those_of_the_example(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), "uint8")
    one, eight = warm_up_inputs(export(pixels(), tmp_path, example=image))
    assert one["image"].shape == (1, 48, 64, 3)
    assert eight["image"].shape == (8, 48, 64, 3)
    np.testing.assert_array_equal(one["image"][0], image)


@needs_export
def test_free_sizes_on_every_backend(tmp_path):
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    embedded = keras.layers.Embedding(10, 8)(tokens)
    pooled = keras.layers.GlobalAveragePooling1D()(embedded)
    model = keras.Model(tokens, keras.layers.Dense(3, activation="softmax")(pooled))
    for inputs in warm_up_inputs(export(model, tmp_path, example=[4, 5, 6, 7, 8])):
        assert inputs["tokens"].dtype == np.int32
        assert (inputs["tokens"] == [4, 5, 6, 7, 8]).all()


def two_inputs(structure):
    parts = {
        "left": keras.Input((2,), name="left"),
        "a-b": keras.Input((), dtype="int32", name="a-b"),
    }
    number = ops.cast(ops.expand_dims(parts["a-b"], -1), "float32")
    outputs = keras.layers.Dense(3, activation="softmax")(parts["left"] + number)
    nested = {
        "dict": parts,
        "list": list(parts.values()),
        "nested": {"z": [parts["left"]], "a": {"number": parts["a-b"]}},
    }[structure]
    return keras.Model(nested, outputs)


LEFT, NUMBER = [1.5, 2.5], 3
SEVERAL = {
    "names of the signature": ("list", {"left": LEFT, "a_b": NUMBER}),
    "names of the model": ("dict", {"left": LEFT, "a-b": NUMBER}),
    "list": ("list", [LEFT, NUMBER]),
    "tuple": ("list", (np.array(LEFT), np.int32(NUMBER))),
    "nested": ("nested", {"z": [LEFT], "a": {"number": NUMBER}}),
    "names of a nested model": ("nested", {"left": LEFT, "a_b": NUMBER}),
    "one with a batch": ("list", [[LEFT], NUMBER]),
}


@needs_export
@pytest.mark.parametrize("form", SEVERAL)
def test_several_inputs(form, tmp_path):
    structure, example = SEVERAL[form]
    folder = export(two_inputs(structure), tmp_path, example=example)
    for inputs in warm_up_inputs(folder):
        assert (inputs["left"] == LEFT).all()
        assert (inputs["a_b"] == NUMBER).all()


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3, activation="softmax")

    def call(self, inputs):
        left, right = inputs
        return self.dense(left + right)


@needs_export
def test_inputs_of_a_subclassed_model(tmp_path):
    model = Subclassed()
    model([X, X])
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS))
    folder = export(model, tmp_path, example=[X[0], X[1]])
    for inputs in warm_up_inputs(folder):
        assert (inputs["input_0"] == X[0]).all()
        assert (inputs["input_1"] == X[1]).all()


REFUSED = {
    "other size": ({"x": X[0, :5]}, r"shape \(8,\) .*'x'.* Received: shape \(5,\)"),
    "no axis": (3.0, r"Received: shape \(\)"),
    "too many axes": (X[None], r"Received: shape \(1, 7, 8\)"),
    "no example": (X[:0], r"Received: shape \(0, 8\)"),
    "other name": ({"y": X[0]}, "inputs 'x'.* Received: dict with 'y'"),
    "too many names": ({"x": X[0], "y": X[0]}, "Received: dict with 'x', 'y'"),
    "strings": (["a"] * 8, "hold float32 .*'x'.* Received: <U1, such as 'a'"),
    "bytes": (b"jpeg", "hold float32 .*'x'.* Received: .S4, such as b'jpeg'"),
    "parts of several shapes": ([X[0], X[0, :2]], "of one shape .*'x'"),
    "complex numbers": (X[0] * 1j, "hold float32.*complex"),
    "none inside": ([None] * 8, "hold float32.*object, such as None"),
}


@needs_export
@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("warm_up", [True, False])
def test_refused(case, warm_up, tmp_path):
    example, message = REFUSED[case]
    with pytest.raises(ValueError, match=f"(?s)`example` must .*{message}"):
        export(
            head(3, activation="softmax"), tmp_path, example=example, warm_up=warm_up
        )
    assert not list(tmp_path.iterdir())


REFUSED_OF_TWO = {
    "one value": (LEFT[0], "inputs 'left', 'a_b'.* Received: float"),
    "missing": ({"left": LEFT}, "Received: dict with 'left'"),
    "too few": ([LEFT], "Received: list of 1"),
    "fraction": ([LEFT, 3.0], "hold int32 .*'a_b'.* Received: float64, such as 3.0"),
    "too large": ([LEFT, 2**40], "hold int32 .*'a_b'.* Received: int64"),
    "other batch": ([[LEFT], [1, 2]], "same number .*'left': 1, 'a_b': 2"),
}


@needs_export
@pytest.mark.parametrize("case", REFUSED_OF_TWO)
def test_refused_of_several_inputs(case, tmp_path):
    example, message = REFUSED_OF_TWO[case]
    with pytest.raises(ValueError, match=f"`example` must .*{message}"):
        export(two_inputs("list"), tmp_path, example=example)


@pytest.mark.tensorflow_only
def test_encoded_images_over_rest(tmp_path):
    import tensorflow as tf
    from serving_server import serve_rest

    model = decoding()
    folder = export(model, tmp_path, example=jpeg())
    for inputs in warm_up_inputs(folder):
        assert set(inputs["image_bytes"]) == {jpeg()}
    contents = [jpeg(1), jpeg(2)]
    expected = model(tf.constant(contents)).numpy()
    close(served(folder, image_bytes=contents)["probabilities"], expected)
    rows = [{"image_bytes": {"b64": base64.b64encode(c).decode()}} for c in contents]
    body = json.dumps({"instances": rows}).encode()
    _loaded, functions = signatures(folder)
    serving = serve_rest(functions["serving_default"], "images")
    with (
        serving as url,
        urllib.request.urlopen(f"{url}/v1/models/images:predict", body) as answer,
    ):
        predictions = json.load(answer)["predictions"]
    close([row["probabilities"] for row in predictions], expected)


STRINGS = {
    "string": lambda: "good bad",
    "bytes": lambda: b"good bad",
    "array": lambda: np.array("good bad"),
    "batch": lambda: ["good bad"],
    "array of bytes": lambda: np.array([b"good bad"]),
    "objects": lambda: np.array(["good bad"], dtype=object),
    "dict": lambda: {"text": "good bad"},
}


def texts():
    vectorizer = keras.layers.TextVectorization(
        vocabulary=["good", "bad"], output_mode="count"
    )
    text = keras.Input((), dtype="string", name="text")
    return keras.Model(
        text, keras.layers.Dense(3, activation="softmax")(vectorizer(text))
    )


@pytest.mark.tensorflow_only
@pytest.mark.parametrize("form", [*STRINGS, "tensor"])
def test_forms_of_strings(form, tmp_path):
    import tensorflow as tf

    example = tf.constant("good bad") if form == "tensor" else STRINGS[form]()
    for inputs in warm_up_inputs(export(texts(), tmp_path, example=example)):
        assert set(inputs["text"]) == {b"good bad"}


@pytest.mark.tensorflow_only
@pytest.mark.parametrize("example", [3, [1.5], [["good"], ["a", "b"]], [None]])
def test_no_strings(example, tmp_path):
    with pytest.raises(ValueError, match=r"must hold strings or bytes .*'text'"):
        export(texts(), tmp_path, example=example)


class OfTexts(keras.Model):
    def __init__(self):
        super().__init__()
        self.vectorizer = keras.layers.TextVectorization(
            vocabulary=["good", "bad"], output_mode="count"
        )
        self.dense = keras.layers.Dense(3, activation="softmax")

    def call(self, inputs):
        return self.dense(self.vectorizer(inputs))


@pytest.mark.tensorflow_only
def test_the_example_says_that_a_subclassed_model_takes_strings(tmp_path):
    import tensorflow as tf

    model = OfTexts()
    expected = model(tf.constant(["good", "bad good"])).numpy()
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS))
    folder = export(model, tmp_path, example="good")
    answer = served(folder, inputs=["good", "bad good"])
    close(answer["probabilities"], expected)


@pytest.mark.tensorflow_only
def test_ragged_example(tmp_path):
    import tensorflow as tf

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    embedded = keras.layers.Embedding(10, 8)(tokens)
    pooled = keras.layers.GlobalAveragePooling1D()(embedded)
    model = keras.Model(tokens, keras.layers.Dense(3, activation="softmax")(pooled))
    ragged = tf.ragged.constant([[1, 2], [3]])
    with pytest.raises(ValueError, match=r"dense tensor .*RaggedTensor.*one example"):
        export(model, tmp_path, example=ragged)
    # The advice: one example, or a padded batch.
    export(model, tmp_path, example=ragged[0])
    export(model, tmp_path, example=ragged.to_tensor(), version=2)


@keras.saving.register_keras_serializable("tests")
class Mean(keras.layers.Layer):
    def call(self, x):
        import tensorflow as tf

        return tf.reduce_mean(x, axis=1)

    def compute_output_spec(self, x):
        return keras.KerasTensor((x.shape[0], x.shape[2]), x.dtype)


@keras.saving.register_keras_serializable("tests")
class Unpad(keras.layers.Layer):
    def call(self, padded):
        import tensorflow as tf

        return tf.RaggedTensor.from_tensor(padded, padding=0)

    def compute_output_spec(self, padded):
        return keras.KerasTensor(padded.shape, padded.dtype, ragged=True)


@pytest.mark.skipif(
    not hasattr(keras.KerasTensor((None,)), "ragged"),
    reason="Keras before 3.9 has no ragged inputs",
)
@pytest.mark.tensorflow_only
def test_ragged_inputs(tmp_path):
    import tensorflow as tf

    tokens = keras.Input((None,), dtype="int32", ragged=True, name="tokens")
    means = Mean()(keras.layers.Embedding(10, 8)(tokens))
    model = keras.Model(tokens, keras.layers.Dense(3, activation="softmax")(means))
    with pytest.raises(ValueError, match=r"dense inputs.*\['tokens'\].*unpad"):
        export(model, tmp_path)
    # The advice.
    padded = keras.Input((None,), dtype="int32", name="tokens")
    folder = export(
        keras.Model(padded, model(Unpad()(padded))), tmp_path, example=[1, 2, 3]
    )
    ragged = tf.ragged.constant([[1, 2], [3]])
    answer = served(folder, tokens=ragged.to_tensor())
    close(answer["probabilities"], model(ragged))
