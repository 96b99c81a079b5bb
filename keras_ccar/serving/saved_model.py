"""Writes a classifier as a SavedModel that TensorFlow Serving loads as it is."""

import contextlib
import importlib
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from keras_ccar.inputs.checks import check_whole_number
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.serving.classifier import _class_names, _classifier, _inputs

# Batch sizes of the warm-up requests: a single example, and a small batch.
_WARM_UP_BATCHES = (1, 8)
# Warm-up requests have this size where a model leaves it free, as that of an image.
_FREE_SIZE = 32


def export(
    model: keras.Model,
    path: str | os.PathLike,
    class_names: Sequence[str] | None = None,
    correction: LogitCorrection | None = None,
    version: int = 1,
) -> Path:
    """Writes a classifier as a SavedModel that TensorFlow Serving loads as it is.

    What is written needs neither Keras nor this package. It has two signatures:
    `serving_default` answers with `probabilities` and `class_names`, the signature
    `probabilities` with these alone, for where the names of thousands of classes would
    outweigh the answer.

    - Inputs are called what the model's are called; one without a name of its own is
      `inputs`, several are `input_0`, `input_1` and so on.
    - `probabilities` is float32 of shape `(batch, ..., K)`, whatever the precision of
      the model. Where the model gives logits, they go through softmax, or through
      sigmoid if there is but one or the model was compiled with a binary
      cross-entropy or `BinaryCCARLoss`. A single probability becomes the two columns
      `1 - p, p` if there are two class names.
    - `class_names` is string of shape `(batch, K)`: the same names for each example,
      as the row format of the REST interface asks of every output.

    The batch dimension is free. Warm-up requests of 1 and 8 examples are tried and
    written, so that the server's first answer is as fast as the others. The folder of
    the version appears in one step once it is whole: a server that watches `path` never
    sees half a model.

    Args:
        model: a built `keras.Model` with one or several inputs and one output of shape
            `(batch, ..., K)`.
        path: the folder of the model, as TensorFlow Serving's `base_path`. Missing
            folders are created.
        class_names: sequence of `K` names; None for "0" to "K - 1".
        correction: optional `keras_ccar.LogitCorrection` to apply to what the model
            gives, with the `from_logits` that fits it.
        version: whole number that names the folder within `path`. TensorFlow Serving
            serves the highest.

    Returns:
        The folder of the version, a `pathlib.Path`.

    Raises:
        FileExistsError: if there is such a version already.
        ModuleNotFoundError: without TensorFlow or tensorflow-serving-api.
        RuntimeError: on a backend other than TensorFlow and JAX; if the model fails on
            a warm-up request.
        TypeError: if the model or the correction is none.
        ValueError: for a model that is not built, has several outputs, or does not tell
            whether its output is logits; for class names or a correction that do not
            fit the output.

    Warns:
        UserWarning: for a correction of a model that was compiled with an adjusted loss
            of this package.

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
            f"`path` holds version {version} already: {target}. Pass a higher "
            "`version`; TensorFlow Serving then changes over to it."
        )
    tf = _require("tensorflow")
    messages = _require("tensorflow_serving.apis.prediction_log_pb2")
    signature, specs = _inputs(model)
    classify, num_columns = _classifier(
        model, signature, list(specs), correction, class_names
    )
    names = _class_names(class_names, num_columns)

    archive = keras.export.ExportArchive()
    archive.track(model)
    probabilities = archive.add_endpoint(
        "probabilities", classify, [specs], **_jax_export_options()
    )

    tensors = {
        name: tf.TensorSpec(spec.shape, spec.dtype, name)
        for name, spec in specs.items()
    }

    @tf.function(input_signature=[tensors], autograph=False)
    def with_names(inputs):
        answer = probabilities(inputs)
        batch = tf.shape(answer["probabilities"])[0]
        return {**answer, "class_names": tf.tile(tf.constant([names]), [batch, 1])}

    with_names.get_concrete_function()
    archive.add_endpoint("serving_default", with_names)
    requests = [_warm_up_inputs(specs, size) for size in _WARM_UP_BATCHES]
    _check_warm_up(with_names, requests, tf)
    with _atomic_folder(target) as folder:
        archive.write_out(folder, verbose=False)
        _write_warm_up(folder, requests, Path(path).name, tf, messages)
    return target


def _check_backend():
    backend = keras.backend.backend()
    if backend not in ("tensorflow", "jax"):
        raise RuntimeError(
            "`export` needs the TensorFlow or the JAX backend: only these write a "
            f"SavedModel with a free batch dimension. Received: backend {backend!r}. "
            "Save the model with `model.save('model.keras')`, and load and export it "
            "in a process with KERAS_BACKEND=tensorflow."
        )


def _require(module):
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "`export` needs TensorFlow and tensorflow-serving-api, of which one is not "
            f"installed ({error}): `pip install 'keras_ccar[serving]'`."
        ) from error


def _jax_export_options():
    """Returns what makes JAX write a model that runs on other devices than its own."""
    if keras.backend.backend() != "jax":
        return {}
    platforms = ("cpu", "cuda")
    return {
        "jax2tf_kwargs": {
            "native_serialization": True,
            "native_serialization_platforms": platforms,
        }
    }


def _warm_up_inputs(specs, size):
    inputs = {}
    for name, spec in specs.items():
        shape = [_FREE_SIZE if n is None else n for n in spec.shape[1:]]
        is_text = spec.dtype == "string"
        inputs[name] = np.zeros((size, *shape), object if is_text else spec.dtype)
        if is_text:
            inputs[name].fill(b"")
    return inputs


def _check_warm_up(serve, requests, tf):
    """Calls the exported function: a failing warm-up would keep the server down."""
    for request in requests:
        tensors = {name: tf.constant(value) for name, value in request.items()}
        try:
            serve(tensors)
        except tf.errors.OpError as error:
            shapes = {name: value.shape for name, value in request.items()}
            raise RuntimeError(
                f"`model` fails on zeros of the shapes {shapes}. Sizes that it leaves "
                f"free were taken as {_FREE_SIZE}: fix them with `keras.Input`."
            ) from error


@contextlib.contextmanager
def _atomic_folder(target):
    """Gives a folder to write to, which becomes `target` when all went well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # TensorFlow Serving looks at nothing but folders that are called by a number.
    folder = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        yield folder
        os.rename(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write_warm_up(folder, requests, model_name, tf, messages):
    file = folder / "assets.extra" / "tf_serving_warmup_requests"
    file.parent.mkdir()
    with tf.io.TFRecordWriter(str(file)) as writer:
        for inputs in requests:
            log = messages.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = model_name
            request.model_spec.signature_name = "serving_default"
            for name, value in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
            writer.write(log.SerializeToString())
