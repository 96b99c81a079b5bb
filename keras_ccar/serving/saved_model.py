"""Writes a classifier as a SavedModel for TensorFlow Serving."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ccar.inputs.checks import check_whole_number
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.requirements import require
from keras_ccar.serving.classifier import build_classifier

# Batch sizes of the warm-up requests: a single example, and a small batch.
_WARM_UP_BATCHES = (1, 8)
# Warm-up requests use this for sizes that a model leaves free, such as those of images.
_FREE_SIZE = 32


def export(
    model: keras.Model,
    path: str | os.PathLike[str],
    class_names: Sequence[str] | None = None,
    correction: LogitCorrection | None = None,
    version: int = 1,
) -> Path:
    """Writes a classifier as a SavedModel for TensorFlow Serving.

    The SavedModel needs neither Keras nor this package. Its signature `serving_default`
    answers with `probabilities` and `class_names`, its signature `probabilities` with
    the former alone, which is shorter if there are thousands of classes.

    - The inputs have the names of the model's inputs; a single unnamed input is called
      `inputs`, one of several `input_0`, `input_1` and so on.
    - `probabilities` is float32 of shape `(batch, ..., K)`, whatever the precision of
      the model. Logits go through softmax, or through sigmoid if `K` is 1 or the model
      was compiled with a binary cross-entropy or `BinaryCCARLoss`. A single probability
      becomes the two columns `1 - p, p` if there are two class names.
    - `class_names` is string of shape `(batch, K)`: the same names for each example,
      because the row format of the REST interface requires it of every output.

    The batch dimension is free. Warm-up requests of 1 and 8 examples are tried and
    written, so that the first answer of the server is as fast as the others. The folder
    of the version appears in one step when it is complete: a server that watches `path`
    never sees half a model.

    Args:
        model: a built `keras.Model` with one or several inputs and one output of shape
            `(batch, ..., K)`.
        path: the folder of the model, TensorFlow Serving's `base_path`. It is created
            if it does not exist.
        class_names: sequence of `K` names; None for "0" to "K - 1".
        correction: optional `keras_ccar.LogitCorrection` to apply to the model's
            output, with the `from_logits` that fits it.
        version: whole number that names the folder within `path`. TensorFlow Serving
            serves the highest.

    Returns:
        The folder of the version, a `pathlib.Path`.

    Raises:
        FileExistsError: if the version exists already.
        ModuleNotFoundError: without TensorFlow or tensorflow-serving-api.
        RuntimeError: on a backend other than TensorFlow and JAX; if the model fails on
            a warm-up request.
        TypeError: if the model or the correction is of another type.
        ValueError: if the model is not built, has several outputs, or does not tell
            whether its output is logits; if the class names or the correction do not
            fit the output.

    Warns:
        UserWarning: if there is a correction and the model was compiled with an
            adjusted loss of this package.

    Reference:
        https://www.tensorflow.org/tfx/serving/saved_model_warmup

    Example:
    ```python
    import tempfile
    import keras
    import keras_ccar

    model = keras.Sequential([keras.Input((8,), name="x"), keras.layers.Dense(3)])
    folder = keras_ccar.serving.export(
        model,
        tempfile.mkdtemp() + "/animals",
        class_names=["cat", "dog", "axolotl"],
        correction=keras_ccar.LogitCorrection([500, 100, 20]),
    )
    assert folder.name == "1"
    ```
    """
    _check_backend()
    version = check_whole_number("version", version, 0)
    target = Path(path) / str(version)
    if target.exists():
        raise FileExistsError(
            f"`path` holds version {version} already. Received: {target}. Pass a "
            "higher `version`, and TensorFlow Serving switches to it."
        )
    tf = require("tensorflow", "TensorFlow", "serving")
    log_messages = "tensorflow_serving.apis.prediction_log_pb2"
    messages = require(log_messages, "tensorflow-serving-api", "serving")
    classify, specs, names = build_classifier(model, correction, class_names)

    archive = keras.export.ExportArchive()
    archive.track(model)
    probabilities = archive.add_endpoint(
        "probabilities", classify, [specs], **_jax_export_options()
    )

    def with_names(inputs: dict[str, Any]) -> dict[str, Any]:
        answer = probabilities(inputs)
        batch = tf.shape(answer["probabilities"])[0]
        return {**answer, "class_names": tf.tile(tf.constant([names]), [batch, 1])}

    tensors = {n: tf.TensorSpec(s.shape, s.dtype, n) for n, s in specs.items()}
    serve = tf.function(with_names, input_signature=[tensors], autograph=False)
    serve.get_concrete_function()
    archive.add_endpoint("serving_default", serve)
    requests = [_warm_up_inputs(specs, size) for size in _WARM_UP_BATCHES]
    _check_warm_up(serve, requests, tf)
    logs = [_warm_up_log(inputs, Path(path).name, tf, messages) for inputs in requests]
    with _atomic_folder(target) as folder:
        archive.write_out(folder, verbose=False)
        file = folder / "assets.extra" / "tf_serving_warmup_requests"
        file.parent.mkdir()
        with tf.io.TFRecordWriter(str(file)) as writer:
            for log in logs:
                writer.write(log)
    return target


def _check_backend() -> None:
    backend = keras.backend.backend()
    if backend not in ("tensorflow", "jax"):
        raise RuntimeError(
            "`export` needs the TensorFlow or JAX backend, the only ones that write a "
            f"SavedModel with a free batch dimension. Received: backend {backend!r}. "
            "Save the model with `model.save('model.keras')`, and load and export it "
            "in a process with KERAS_BACKEND=tensorflow."
        )


def _jax_export_options() -> dict[str, Any]:
    """Returns options for JAX to export for CPU and GPU, not only its own device."""
    options = {
        "native_serialization": True,
        "native_serialization_platforms": ("cpu", "cuda"),
    }
    return {"jax2tf_kwargs": options} if keras.backend.backend() == "jax" else {}


def _warm_up_inputs(specs: dict[str, Any], size: int) -> dict[str, np.ndarray]:
    inputs = {}
    for name, spec in specs.items():
        shape = [_FREE_SIZE if n is None else n for n in spec.shape[1:]]
        blank, dtype = (b"", object) if spec.dtype == "string" else (0, spec.dtype)
        inputs[name] = np.full((size, *shape), blank, dtype)
    return inputs


def _check_warm_up(serve: Any, requests: list[dict[str, np.ndarray]], tf: Any) -> None:
    """Calls the exported function: the server does not start if a warm-up fails."""
    for request in requests:
        try:
            serve(request)
        except tf.errors.OpError as error:
            shapes = {name: value.shape for name, value in request.items()}
            raise RuntimeError(
                f"`model` fails on zeros of the shapes {shapes}, with {_FREE_SIZE} for "
                "sizes that it leaves free: set them with `keras.Input`."
            ) from error


def _warm_up_log(
    inputs: dict[str, np.ndarray], model_name: str, tf: Any, messages: Any
) -> bytes:
    log = messages.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = model_name
    request.model_spec.signature_name = "serving_default"
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return log.SerializeToString()


@contextlib.contextmanager
def _atomic_folder(target: Path) -> Iterator[Path]:
    """Yields a folder to write to, which becomes `target` if nothing fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # TensorFlow Serving ignores folders whose name is not a number.
    folder = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        yield folder
        os.rename(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
