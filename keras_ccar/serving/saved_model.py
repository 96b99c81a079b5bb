"""Writes a classifier as a SavedModel for TensorFlow Serving."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import check_boolean, check_path, check_whole_number, optional
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.layers.thresholds import Thresholds
from keras_ccar.serving.atomic_folder import atomic_folder
from keras_ccar.serving.can_export import check_can_export
from keras_ccar.serving.classifier import (
    build_classifier,
    check_is_correction,
    check_model,
    check_texts,
    named_inputs,
)
from keras_ccar.serving.decision_layers import require_undecided, split_decision
from keras_ccar.serving.decisions import check_thresholds, decide
from keras_ccar.serving.example import parse_example
from keras_ccar.serving.jax_programs import export_options, without_deprecation
from keras_ccar.serving.warm_up import check_warm_up, warm_up_requests, write_warm_up


def export(
    model: keras.Model,
    path: str | os.PathLike[str],
    class_names: Sequence[str] | None = None,
    correction: LogitCorrection | None = None,
    version: int = 1,
    example: Any = None,
    warm_up: bool = True,
    thresholds: float | Sequence[float] | np.ndarray | None = None,
    multi_label: bool | None = None,
) -> Path:
    """Writes a classifier as a SavedModel for TensorFlow Serving.

    The SavedModel needs neither Keras nor this package. Its signature `serving_default`
    answers with `probabilities`, `class_names` and, with thresholds, `decisions` and
    `thresholds`; its signature `probabilities` with the first alone, which is shorter
    if there are thousands of classes.

    - The inputs have the names of the model's inputs; a single unnamed input is called
      `inputs`, one of several `input_0`, `input_1` and so on. An underscore stands for
      each character that is no ASCII letter or digit, and a number is added to names
      that would be the same.
    - `probabilities` is float32 of shape `(batch, ..., K)`, whatever the precision of
      the model. Logits go through softmax, or through sigmoid if `K` is 1, if the model
      was compiled with a binary cross-entropy or a binary loss of this package, if
      the counts of the correction are of yes-or-no labels, or with `multi_label=True`.
      A single probability becomes the two columns `1 - p, p` if there are two names.
    - `class_names` is string of shape `(batch, K)`: the same names for each example,
      because the row format of the REST interface requires it of every output.
    - `decisions` is bool of the shape of `probabilities`: whether the probability of
      yes reaches the threshold of its label. With two class names for one label, the
      first column is the opposite of the second. A model that ends in one of
      `keras_ccar.layers.Thresholds`, `CostSensitiveDecision` and `PredictionSet` is
      served with its decisions, and the probabilities before them. Those of the last
      two are also a signature of their own, `decisions`, without the names.
    - `thresholds` is float32 of shape `(batch, K)`: the same for each example.

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
        class_names: sequence of `K` different texts, such as a list; None for those
            that the model has as `class_names`, as that of `Comparison.finish` does, or
            else for "0" to "K - 1". One yes-or-no label has one name, or two, of no
            and of yes.
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
        thresholds: for yes-or-no labels, the probability from which on each is
            answered with yes, after the correction: a number in [0, 1] for all labels,
            or of shape `(K,)`. None for no decisions but those of the model itself.
        multi_label: whether the `K` outputs are yes-or-no labels rather than classes
            that exclude each other, for a model that does not tell, such as one of
            logits that is not compiled. None for what it tells.

    Returns:
        The folder of the version, a `pathlib.Path`.

    Raises:
        FileExistsError: if the version exists already.
        ModuleNotFoundError: without TensorFlow or tensorflow-serving-api.
        RuntimeError: on a backend other than TensorFlow and JAX; on JAX, if the model
            takes strings, or if TensorFlow is too old for what JAX writes; if the model
            fails on a warm-up request.
        TypeError: if the model or the correction is of another type.
        ValueError: for a path, a version or class names other than these; if the model
            is not built, has several outputs, or does not tell whether its output is
            logits; if the class names, the correction or the thresholds do not fit the
            output, or come on top of a decision of the model; if `multi_label` is not
            what the model tells; if the example does not fit the inputs.

    Warns:
        UserWarning: if there is a correction without `trained_prior` and the model was
            rebalanced by a loss of this package or by `posthoc.retrain_classifier`;
            if an input is called otherwise than its name tells; if logits go through
            softmax although nothing tells that they are not of labels.

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
    multi_label = optional(check_boolean, "multi_label", multi_label)
    check_model(model)
    check_is_correction(correction)
    if class_names is None:
        class_names = getattr(model, "class_names", None)
    names = None if class_names is None else check_texts(class_names)
    limits = check_thresholds(thresholds)
    tf, messages = check_can_export()
    target = Path(path) / str(version)
    if target.exists():
        raise FileExistsError(
            f"`path` holds version {version} already. Received: {target}. Pass a "
            "higher `version`, and TensorFlow Serving switches to it."
        )
    model, decision = split_decision(model)
    if decision is not None:
        require_undecided(model, thresholds, correction)
    if isinstance(decision, Thresholds):
        limits = check_thresholds(decision.thresholds)
    signature, specs = named_inputs(model)
    if example is not None:
        example, specs = parse_example(example, signature, specs)
    _check_no_strings(specs)
    served = build_classifier(
        model, signature, specs, correction, names, limits, decision, multi_label
    )
    names, limits = served.class_names, served.thresholds

    archive = keras.export.ExportArchive()
    archive.track(model)
    options = export_options()
    endpoints = {"probabilities": served.classify}
    if limits is None and served.decide is not None:
        endpoints["decisions"] = served.decide
    for name, function in endpoints.items():
        with without_deprecation():
            answers = archive.add_endpoint(name, function, [specs], **options)

    def with_names(inputs: dict[str, Any]) -> dict[str, Any]:
        answer = answers(inputs)
        batch = tf.shape(answer["probabilities"])[0]
        answer = {**answer, "class_names": tf.tile(tf.constant([names]), [batch, 1])}
        if limits is not None:
            answer |= decide(tf, answer["probabilities"], limits)
        return answer

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


def _check_no_strings(specs: dict[str, Any]) -> None:
    strings = [name for name, spec in specs.items() if spec.dtype == "string"]
    if strings and keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "`model` takes strings, which JAX does not have. Received: inputs of "
            f"strings {strings}. Save the model with `model.save('model.keras')`, and "
            "load and export it in a process with KERAS_BACKEND=tensorflow."
        )
