"""Writes a classifier as a SavedModel for TensorFlow Serving."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_ccar.arguments import check_boolean, check_path, check_whole_number
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.requirements import require
from keras_ccar.serving.atomic_folder import atomic_folder
from keras_ccar.serving.classifier import (
    build_classifier,
    check_is_correction,
    check_model,
    check_texts,
    named_inputs,
)
from keras_ccar.serving.example import parse_example
from keras_ccar.serving.warm_up import check_warm_up, warm_up_requests, write_warm_up


def export(
    model: keras.Model,
    path: str | os.PathLike[str],
    class_names: Sequence[str] | None = None,
    correction: LogitCorrection | None = None,
    version: int = 1,
    example: Any = None,
    warm_up: bool = True,
) -> Path:
    """Writes a classifier as a SavedModel for TensorFlow Serving.

    The SavedModel needs neither Keras nor this package. Its signature `serving_default`
    answers with `probabilities` and `class_names`, its signature `probabilities` with
    the former alone, which is shorter if there are thousands of classes.

    - The inputs have the names of the model's inputs; a single unnamed input is called
      `inputs`, one of several `input_0`, `input_1` and so on. An underscore stands for
      each character that is no ASCII letter or digit, and a number is added to names
      that would be the same.
    - `probabilities` is float32 of shape `(batch, ..., K)`, whatever the precision of
      the model. Logits go through softmax, or through sigmoid if `K` is 1 or the model
      was compiled with a binary cross-entropy or `BinaryCCARLoss`. A single probability
      becomes the two columns `1 - p, p` if there are two class names.
    - `class_names` is string of shape `(batch, K)`: the same names for each example,
      because the row format of the REST interface requires it of every output.

    The batch dimension is free. Warm-up requests of 1 and 8 examples are tried and
    written, so that the first answer of the server is as fast as the others. They hold
    `example`, or else zeros and empty strings, with 32 for sizes that the model leaves
    free. Give an example if the model does not take zeros, such as one that decodes
    images, or if its sizes are much larger than 32. The folder of the version appears
    in one step when it is complete: a server that watches `path` never sees half a
    model. The next export removes what a killed one left.

    Args:
        model: a built `keras.Model` with one or several inputs and one output of shape
            `(batch, ..., K)`.
        path: the folder of the model, TensorFlow Serving's `base_path`. It is created
            if it does not exist.
        class_names: sequence of `K` different texts, such as a list; None for "0" to
            "K - 1".
        correction: optional `keras_ccar.LogitCorrection` to apply to the model's
            output. Without `from_logits` it takes the output for what it is.
        version: whole number from 1 to 2**63 - 1 that names the folder within `path`.
            TensorFlow Serving serves the highest.
        example: what a client sends: one value for a model with one input, otherwise a
            dict by name, or values nested as the model takes them. A value is an array,
            a tensor, a list, a string or bytes, for one example or, with one more axis
            in front, for a batch. None for zeros and empty strings.
        warm_up: whether to try and write the warm-up requests. If not, the example is
            only compared with the inputs.

    Returns:
        The folder of the version, a `pathlib.Path`.

    Raises:
        FileExistsError: if the version exists already.
        ModuleNotFoundError: without TensorFlow or tensorflow-serving-api.
        RuntimeError: on a backend other than TensorFlow and JAX; if the model fails on
            a warm-up request.
        TypeError: if the model or the correction is of another type.
        ValueError: for a path, a version or class names other than these; if the model
            is not built, has several outputs, or does not tell whether its output is
            logits; if the class names or the correction do not fit the output; if the
            example does not fit the inputs.

    Warns:
        UserWarning: if there is a correction and the model was compiled with an
            adjusted loss of this package; if an input is called otherwise than its name
            tells.

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
    check_path("path", path)
    version = check_whole_number("version", version, 1, 2**63 - 1)
    warm_up = check_boolean("warm_up", warm_up)
    check_model(model)
    check_is_correction(correction)
    names = None if class_names is None else check_texts(class_names)
    _check_backend()
    target = Path(path) / str(version)
    if target.exists():
        raise FileExistsError(
            f"`path` holds version {version} already. Received: {target}. Pass a "
            "higher `version`, and TensorFlow Serving switches to it."
        )
    tf = require("tensorflow", "TensorFlow", "serving")
    log_messages = "tensorflow_serving.apis.prediction_log_pb2"
    messages = require(log_messages, "tensorflow-serving-api", "serving")
    signature, specs = named_inputs(model)
    if example is not None:
        example, specs = parse_example(example, signature, specs)
    classify, names = build_classifier(model, signature, specs, correction, names)

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
    requests = warm_up_requests(specs, example) if warm_up else []
    check_warm_up(serve, requests, specs, example is not None)
    with atomic_folder(target) as folder:
        archive.write_out(folder, verbose=False)
        if requests:
            write_warm_up(folder, requests, Path(path).name, tf, messages)
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
    """Returns options for JAX to export for CPU and GPU, not only its own device.

    A server needs no gradients, and JAX has none of convolutions of free sizes.
    """
    options = {
        "with_gradient": False,
        "native_serialization": True,
        "native_serialization_platforms": ("cpu", "cuda"),
    }
    return {"jax2tf_kwargs": options} if keras.backend.backend() == "jax" else {}
