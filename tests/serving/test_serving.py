"""Exported models: what TensorFlow Serving loads, and what it answers."""

import ast
import importlib.util
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import keras_ccar
from keras_ccar.serving import export

EXPORTS = keras.backend.backend() in ("tensorflow", "jax")
needs_export = pytest.mark.skipif(not EXPORTS, reason="exports on TensorFlow and JAX")
ROOT = pathlib.Path(__file__).parents[2]
COUNTS = [500, 100, 20]
NAMES = ["cat", "dog", "Ѫ axolotl"]
X = np.random.default_rng(0).normal(size=(7, 8)).astype("float32")

# For this process neither Keras nor keras_ccar is installed.
CALL = """
import sys

HIDDEN = ("keras", "tf_keras", "keras_ccar", "jax", "torch")

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        hidden = name.split(".")[0] in HIDDEN
        return None if hidden else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Without, sys.meta_path)
for name in HIDDEN:
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise AssertionError(name)
import numpy as np
import tensorflow as tf
folder, file = sys.argv[1:]
loaded = tf.saved_model.load(folder)
x = np.load(file)
answers = {}
for size in (1, 7):
    answer = loaded.signatures["serving_default"](x=tf.constant(x[:size]))
    for name, value in answer.items():
        answers[f"{name}_{size}"] = np.array(value.numpy().tolist())
np.savez(file + ".answers.npz", **answers)
"""


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def head(units, *further, **options):
    return keras.Sequential(
        [keras.Input((8,), name="x"), keras.layers.Dense(units, **options), *further]
    )


def predicted(model, x=X):
    return ops.convert_to_numpy(model(x)).astype("float64")


def signatures(folder):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    # The signatures die with what was loaded.
    return loaded, loaded.signatures


def served(folder, signature="serving_default", **inputs):
    import tensorflow as tf

    _loaded, functions = signatures(folder)
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    answer = functions[signature](**inputs)
    return {name: value.numpy() for name, value in answer.items()}


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def trained():
    """A model with state of every kind, trained with the callback."""
    model = keras.Sequential(
        [
            keras.Input((8,), name="x"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3),
        ]
    )
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS, from_logits=True))
    y = np.arange(7) % 3
    model.fit(X, y, epochs=2, verbose=0, callbacks=[keras_ccar.CCARCallback()])
    return model


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "animals"
    return export(trained, path, NAMES, keras_ccar.LogitCorrection(COUNTS, tau=0.5))


@pytest.fixture(scope="module")
def corrected(trained):
    logits = trained.predict(X, verbose=0).astype("float64")
    return softmax(logits - 0.5 * np.log(np.array(COUNTS) / sum(COUNTS)))


@pytest.mark.slow
@needs_export
def test_serves_without_keras(exported, corrected, tmp_path):
    file = str(tmp_path / "x.npy")
    np.save(file, X)
    # -I keeps out PYTHONPATH and the working folder, too.
    subprocess.run([sys.executable, "-I", "-c", CALL, str(exported), file], check=True)
    answers = np.load(f"{file}.answers.npz")
    for size in (1, 7):
        close(answers[f"probabilities_{size}"], corrected[:size])
        assert answers[f"class_names_{size}"][-1, 0] == b"cat"


@needs_export
def test_layout_and_answer(exported, corrected):
    assert exported.name == "1"
    assert [folder.name for folder in exported.parent.iterdir()] == ["1"]
    answer = served(exported, x=X)
    assert sorted(answer) == ["class_names", "probabilities"]
    assert answer["probabilities"].dtype == np.float32
    close(answer["probabilities"], corrected)
    names = [[name.decode() for name in row] for row in answer["class_names"]]
    assert names == [NAMES] * 7
    assert list(served(exported, "probabilities", x=X)) == ["probabilities"]


@needs_export
def test_warm_up_requests(exported):
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    file = exported / "assets.extra" / "tf_serving_warmup_requests"
    records = tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    requests = [PredictionLog.FromString(r).predict_log.request for r in records]
    _loaded, functions = signatures(exported)
    for request, size in zip(requests, (1, 8), strict=True):
        assert request.model_spec.name == "animals"
        function = functions[request.model_spec.signature_name]
        inputs = {
            name: tf.make_ndarray(value) for name, value in request.inputs.items()
        }
        assert inputs["x"].shape == (size, 8)
        answer = function(**{name: tf.constant(x) for name, x in inputs.items()})
        assert answer["probabilities"].shape == (size, 3)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)

    def call(self, inputs, training=False):
        return self.dense(inputs)


def binary_loss():
    return keras_ccar.BinaryCCARLoss(COUNTS, 700, from_logits=True)


HEADS = {
    "softmax": (lambda: head(3, activation="softmax"), None, lambda p: p),
    "logits": (lambda: head(3), None, softmax),
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


@needs_export
def test_versions(tmp_path):
    model = head(3)
    assert export(model, tmp_path / "a", version=7) == tmp_path / "a" / "7"
    with pytest.raises(FileExistsError, match="holds version 7 already"):
        export(model, tmp_path / "a", version=7)
    export(model, tmp_path / "a", version=8)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["7", "8"]
    with pytest.raises(ValueError, match="`version` must be a whole number"):
        export(model, tmp_path / "a", version="9")


@needs_export
def test_interrupted_export_leaves_nothing(tmp_path, monkeypatch):
    import tensorflow as tf

    def stop(*arguments):
        assert [path.name[:3] for path in tmp_path.iterdir()] == [".1."]
        raise KeyboardInterrupt

    monkeypatch.setattr(tf.io, "TFRecordWriter", stop)
    with pytest.raises(KeyboardInterrupt):
        export(head(3), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.tensorflow_only
def test_failing_warm_up(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((None, None, 3), name="image"),
            keras.layers.Conv2D(4, 50),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    with pytest.raises(RuntimeError, match=r"fails on zeros .*\(1, 32, 32, 3\)"):
        export(model, tmp_path)
    assert not list(tmp_path.iterdir())


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
    "too few names": (
        lambda: head(3),
        {"class_names": ["a", "b"]},
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
        "goes through sigmoid",
    ),
    "correction of other outputs": (
        lambda: head(3, activation="softmax"),
        correction(),
        ValueError,
        "from_logits=False",
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


@needs_export
def test_warns_of_a_correction_of_an_adjusted_model(tmp_path):
    model = head(3)
    model.compile("sgd", keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True))
    with pytest.warns(UserWarning, match="the prior twice") as caught:
        export(model, tmp_path, **correction())
    assert caught[0].filename == __file__


@pytest.mark.skipif(EXPORTS, reason="for backends that cannot export")
def test_other_backends(tmp_path):
    with pytest.raises(RuntimeError, match="KERAS_BACKEND=tensorflow"):
        export(head(3), tmp_path)


def example(name):
    file = ROOT / "examples" / "serving" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@needs_export
def test_rest_client(exported, corrected):
    from serving_server import serve_rest

    _loaded, functions = signatures(exported)
    predict = example("rest_client").predict
    with serve_rest(functions["serving_default"], "animals") as url:
        for size in (1, 7):
            answer = predict(X[:size].tolist(), model="animals", server=url)
            close([row["probabilities"] for row in answer], corrected[:size])
            assert [row["class_names"] for row in answer] == [NAMES] * size
        with pytest.raises(RuntimeError, match="Servable not found"):
            predict(X.tolist(), model="plants", server=url)


@needs_export
def test_grpc_client(exported, corrected):
    import grpc
    from serving_server import serve_grpc

    _loaded, functions = signatures(exported)
    predict = example("grpc_client").predict
    with serve_grpc(functions["serving_default"], "animals") as address:
        answer = predict({"x": X}, "animals", address)
        close(answer["probabilities"], corrected)
        assert [name.decode() for name in answer["class_names"][0]] == NAMES
        only = predict({"x": X}, "animals", address, outputs=["probabilities"])
        assert list(only) == ["probabilities"]
        with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
            predict({"x": X}, "plants", address)


@pytest.fixture
def corrected_classifier():
    model = head(3, keras_ccar.LogitCorrection(COUNTS), keras.layers.Softmax())
    model(X)
    return model


@pytest.mark.tensorflow_only
# TensorFlow's interpreter asks for another package, which has the same one.
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_litert(corrected_classifier, tmp_path):
    import tensorflow as tf

    file = str(tmp_path / "animals.tflite")
    corrected_classifier.export(file, format="litert", verbose=False)
    classify = tf.lite.Interpreter(file).get_signature_runner()
    for size in (1, 7):
        (probabilities,) = classify(x=X[:size]).values()
        close(probabilities, predicted(corrected_classifier, X[:size]))


@pytest.mark.tensorflow_only
@pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")
def test_onnx(corrected_classifier, tmp_path):
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    file = str(tmp_path / "animals.onnx")
    corrected_classifier.export(file, format="onnx", verbose=False)
    session = runtime.InferenceSession(file)
    for size in (1, 7):
        (probabilities,) = session.run(None, {"x": X[:size]})
        close(probabilities, predicted(corrected_classifier, X[:size]))


@pytest.mark.slow
@pytest.mark.tensorflow_only
def test_commands_and_request_of_the_documentation(tmp_path, capsys):
    folder = example("export_model").main(tmp_path)
    command = pathlib.Path(sys.executable).with_name("saved_model_cli")
    options = ["--dir", folder, "--tag_set", "serve"]
    options += ["--signature_def", "serving_default"]
    shown = subprocess.run(
        [command, "show", *options], capture_output=True, text=True, check=True
    )
    page = (ROOT / "docs" / "serving.md").read_text("utf-8")
    assert f"```\n{shown.stdout}```\n" in page
    images = keras_ccar.datasets.load("digits-lt").test_arrays[0][:2]
    np.save(tmp_path / "images.npy", images.astype("float32"))
    inputs = ["--inputs", f"image={tmp_path / 'images.npy'}", "--outdir", tmp_path]
    subprocess.run([command, "run", *options, *inputs], check=True)
    probabilities = np.load(tmp_path / "probabilities.npy")
    close(probabilities.sum(axis=-1), [1, 1])
    close(
        probabilities, served(folder, image=images.astype("float32"))["probabilities"]
    )

    from serving_server import serve_rest

    _loaded, functions = signatures(folder)
    (code,) = re.findall(
        r"<!-- not run: [^\n]+\n```python\n(.*?)^```", page, re.S | re.M
    )
    capsys.readouterr()
    with serve_rest(functions["serving_default"], "digits") as url:
        exec(code.replace("http://localhost:8501", url), {})
    answers = map(ast.literal_eval, capsys.readouterr().out.splitlines())
    close([list(answer.values()) for answer in answers], probabilities)
