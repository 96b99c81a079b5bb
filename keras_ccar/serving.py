"""Trained classifiers as TensorFlow Serving wants them.

The only parts of the package that it needs are the layers; TensorFlow and the messages
of TensorFlow Serving are imported when a model is exported.
"""

import contextlib
import importlib
import os
import re
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops, tree
from keras.src.export.export_utils import get_input_signature

from keras_ccar.callbacks.model_output import describe_output
from keras_ccar.checks import check_whole_number
from keras_ccar.layers.logit_correction import LogitCorrection, warn_if_adjusted
from keras_ccar.losses.binary_ccar_loss import BinaryCCARLoss

__all__ = ["export"]

# Batch sizes of the warm-up requests: a single example, and a small batch.
_WARM_UP_BATCHES = (1, 8)
# Warm-up requests have this size where a model leaves it free, as that of an image.
_FREE_SIZE = 32
# Names that Keras gives to inputs without one; they differ from process to process.
_UNNAMED = re.compile(r"(keras_tensor|input_layer)(_\d+)?")
_BINARY_LOSSES = (
    BinaryCCARLoss,
    keras.losses.BinaryCrossentropy,
    keras.losses.BinaryFocalCrossentropy,
)


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
        "probabilities", classify, [specs], **_portable()
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
    _try(with_names, requests, tf)
    with _appearing(target) as folder:
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


def _portable():
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


def _inputs(model):
    """Returns the arguments that a model takes, and a dict of their parts by name."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a `keras.Model`. Received: model={model!r}")
    try:
        signature = get_input_signature(model)
    except ValueError as error:
        raise ValueError(
            f"`model` must be built, but {model.name!r} has no input shapes yet. Begin "
            "it with a `keras.Input`, or call it once on a batch, before `export`."
        ) from error
    parts = tree.flatten(signature)
    specs = {}
    for index, part in enumerate(parts):
        name = re.sub(r"\W", "_", part.name or "")
        if not name or _UNNAMED.fullmatch(name):
            name = "inputs" if len(parts) == 1 else f"input_{index}"
        # Half precision is a matter within the model, which casts its inputs itself.
        dtype = "float32" if part.dtype in ("float16", "bfloat16") else part.dtype
        shape = (None, *part.shape[1:])
        specs[name] = keras.layers.InputSpec(dtype=dtype, shape=shape, name=name)
    return signature, specs


def _classifier(model, signature, names, correction, class_names):
    """Returns a function from named inputs to probabilities, and how many they are."""
    symbols = tree.map_structure(
        lambda spec: keras.KerasTensor(spec.shape, spec.dtype), signature
    )
    outputs = tree.flatten(model.compute_output_spec(*symbols))
    if len(outputs) != 1:
        raise ValueError(
            f"`model` must have one output. Received one with {len(outputs)}: export "
            "`keras.Model(model.inputs, model.outputs[i])` for each."
        )
    shape = outputs[0].shape
    if len(shape) < 2 or shape[-1] is None:
        raise ValueError(
            "`model` must have an output of shape (batch, ..., K) with a known K. "
            f"Received: output of shape {tuple(shape)}"
        )
    num_classes = shape[-1]
    activation, gives_logits = _activation(model, num_classes)
    if correction is not None:
        correction = _checked(correction, model, activation, gives_logits, num_classes)
    is_pair = num_classes == 1 and class_names is not None and len(class_names) == 2
    activate = keras.activations.get(activation if gives_logits else "linear")

    def classify(inputs):
        arguments = tree.pack_sequence_as(signature, [inputs[name] for name in names])
        (scores,) = tree.flatten(model(*arguments))
        # Before the activation: half precision would not keep rare classes apart.
        scores = ops.cast(scores, "float32")
        if correction is not None:
            scores = correction(scores)
        scores = activate(scores)
        if is_pair:
            scores = ops.concatenate([1.0 - scores, scores], axis=-1)
        return {"probabilities": scores}

    return classify, 2 if is_pair else num_classes


def _activation(model, num_classes):
    """Returns what makes probabilities of logits, and whether the model leaves it out.

    Layers tell best. Where they do not, as in subclassed models, the loss does.
    """
    activation, _ = describe_output(model)
    if activation in ("softmax", "sigmoid"):
        return activation, False
    losses = tree.flatten(getattr(model, "loss", None))
    loss = keras.losses.get(losses[0]) if len(losses) == 1 else None
    gives_logits = activation == "linear" or getattr(loss, "from_logits", None)
    if gives_logits is None:
        raise ValueError(
            f"Whether the output of `model` {model.name!r} is logits or probabilities "
            "can be told neither by its last layer nor by its loss. Compile it with a "
            "loss that has `from_logits`, or end it in a layer with an activation."
        )
    is_binary = num_classes == 1 or isinstance(loss, _BINARY_LOSSES)
    return ("sigmoid" if is_binary else "softmax"), gives_logits


def _checked(correction, model, activation, gives_logits, num_classes):
    """Returns a correction that fits the model's output, in float32."""
    if not isinstance(correction, LogitCorrection):
        raise TypeError(
            "`correction` must be a `keras_ccar.LogitCorrection`. Received: "
            f"correction={correction!r}"
        )
    if activation != "softmax":
        raise ValueError(
            "`correction` corrects classes that exclude each other, but the output of "
            f"`model` goes through {activation}. Leave `correction` out."
        )
    if describe_output(model)[1]:
        raise ValueError(
            "`model` ends in a `LogitCorrection` already: another `correction` would "
            "apply the prior twice. Leave one of the two out."
        )
    if len(correction.class_counts) != num_classes:
        raise ValueError(
            "`correction` must have one class count for each of the model's "
            f"{num_classes} classes. Received: {len(correction.class_counts)}"
        )
    if correction.from_logits != gives_logits:
        kind = "logits" if gives_logits else "probabilities"
        raise ValueError(
            f"`correction` must fit the model's output, which is {kind}: pass "
            f"`LogitCorrection(..., from_logits={gives_logits})`. Received one with "
            f"from_logits={correction.from_logits}."
        )
    warn_if_adjusted(model, stacklevel=4)
    config = {**correction.get_config(), "dtype": "float32"}
    return LogitCorrection.from_config(config)


def _class_names(class_names, num_columns):
    if class_names is None:
        return [str(label) for label in range(num_columns)]
    if isinstance(class_names, str) or len(class_names) != num_columns:
        what = repr(class_names) if isinstance(class_names, str) else len(class_names)
        raise ValueError(
            "`class_names` must be a sequence with one name for each of the model's "
            f"{num_columns} classes. Received: {what}"
        )
    return [str(name) for name in class_names]


def _warm_up_inputs(specs, size):
    inputs = {}
    for name, spec in specs.items():
        shape = [_FREE_SIZE if n is None else n for n in spec.shape[1:]]
        is_text = spec.dtype == "string"
        inputs[name] = np.zeros((size, *shape), object if is_text else spec.dtype)
        if is_text:
            inputs[name].fill(b"")
    return inputs


def _try(serve, requests, tf):
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
def _appearing(target):
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
