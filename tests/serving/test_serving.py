"""Clients of a server, other formats, and the commands of the documentation."""

import ast
import importlib.util
import inspect
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from served_models import (
    COUNTS,
    NAMES,
    X,
    close,
    head,
    needs_export,
    predicted,
    served,
    signatures,
)

import keras_ccar

ROOT = pathlib.Path(__file__).parents[2]


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


@pytest.mark.slow
@pytest.mark.tensorflow_only
# TensorFlow's interpreter asks for another package, which has the same one.
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_litert(corrected_classifier, tmp_path):
    import tensorflow as tf

    if "litert" not in inspect.getdoc(keras.Model.export):
        pytest.skip("this Keras does not export to LiteRT")
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
