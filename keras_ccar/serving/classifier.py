"""Turns a model into a function from named inputs to probabilities."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops, tree

from keras_ccar.arguments import show
from keras_ccar.inputs.class_names import check_class_names
from keras_ccar.keras_internals import get_input_signature, is_ragged
from keras_ccar.layers.classes_last import check_classes_last
from keras_ccar.layers.kind_of_input import HOW_TO_COUNT_CLASSES, HOW_TO_COUNT_LABELS
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.layers.model_output import output_activation
from keras_ccar.layers.prior_warning import warn_if_rebalanced
from keras_ccar.serving.decision_layers import DecisionLayer, in_float32
from keras_ccar.serving.decisions import fit_thresholds
from keras_ccar.serving.input_names import valid_input_names
from keras_ccar.serving.output_kind import find_kind

Function = Callable[[dict[str, Any]], dict[str, Any]]


class Classifier(NamedTuple):
    """A model as it is served.

    Attributes:
        classify: a function from named inputs to `probabilities`.
        decide: the same with `decisions` too, None without a layer that decides.
        class_names: the names of the columns.
        thresholds: those of the labels, float32 of shape `(K,)`, or None.
    """

    classify: Function
    decide: Function | None
    class_names: list[str]
    thresholds: np.ndarray | None


def check_model(model: Any) -> None:
    """Raises a `TypeError` for anything but a `keras.Model`."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`model` must be a `keras.Model`. Received: model={show(model)}"
        )


def check_is_correction(correction: Any) -> None:
    """Raises a `TypeError` for anything but a `LogitCorrection` or None."""
    if not isinstance(correction, LogitCorrection | None):
        raise TypeError(
            "`correction` must be a `keras_ccar.LogitCorrection`. Received: "
            f"correction={show(correction)}"
        )


def named_inputs(model: Any) -> tuple[Any, dict[str, Any]]:
    """Returns the arguments that a model takes, and a dict of their specs by name."""
    try:
        signature = get_input_signature(model)
    except ValueError as error:
        raise ValueError(
            f"`model` must be built. Received {model.name!r}, whose input shapes are "
            "unknown: start it with a `keras.Input`, or call it once on a batch."
        ) from error
    inputs = getattr(model, "inputs", None) or ()
    ragged = [tensor.name for tensor in inputs if is_ragged(tensor)]
    if ragged:
        raise ValueError(
            "`model` must have dense inputs, which are all that TensorFlow Serving "
            f"takes: padding would count. Received: ragged inputs {ragged}. Export "
            "`keras.Model(padded, model(unpad(padded)))`, where `padded` is a dense "
            "`keras.Input`, and the layer `unpad` calls "
            "`tf.RaggedTensor.from_tensor(padded, padding=0)`."
        )
    parts = tree.flatten(signature)
    specs = {}
    names = valid_input_names([part.name for part in parts])
    for name, part in zip(names, parts, strict=True):
        # The model casts its inputs to half precision itself.
        dtype = "float32" if part.dtype in ("float16", "bfloat16") else part.dtype
        shape = (None, *part.shape[1:])
        specs[name] = keras.layers.InputSpec(dtype=dtype, shape=shape, name=name)
    return signature, specs


def build_classifier(
    model: Any,
    signature: Any,
    specs: dict[str, Any],
    correction: LogitCorrection | None,
    class_names: list[str] | None,
    thresholds: np.ndarray | None,
    decision: DecisionLayer | None = None,
    multi_label: bool | None = None,
) -> Classifier:
    """Returns functions from named inputs, and what names their outputs.

    Args:
        model: the model, without the layer that decides.
        signature: its arguments, as `named_inputs` returns them.
        specs: the specs of its inputs by name.
        correction: the correction of its output, or None.
        class_names: the names of its classes, from `check_texts`, or None.
        thresholds: those of its labels, from `check_thresholds`, or None.
        decision: the layer that decides on its output, or None.
        multi_label: whether several columns are labels; None for what the model tells.
    """
    symbols = tree.pack_sequence_as(
        signature,
        [keras.KerasTensor(spec.shape, spec.dtype) for spec in specs.values()],
    )
    outputs = tree.flatten(model.compute_output_spec(*symbols))
    if len(outputs) != 1:
        raise ValueError(
            f"`model` must have one output. Received a model with {len(outputs)}: "
            "export `keras_ccar.posthoc.one_output(model, i)` for each, which knows "
            "its loss, with `multi_label=True` for yes-or-no labels if it has none."
        )
    shape = outputs[0].shape
    if len(shape) < 2 or shape[-1] is None:
        raise ValueError(
            "`model` must have an output of shape (batch, ..., K) with a known K. "
            f"Received an output of shape {tuple(shape)}."
        )
    check_classes_last(model, shape)
    num_columns = shape[-1]
    are_labels, are_logits = find_kind(
        model, num_columns, correction, decision, multi_label
    )
    if correction is not None:
        correction = _check_correction(correction, model, are_labels, are_logits, shape)
    thresholds = fit_thresholds(thresholds, num_columns, are_labels)
    is_pair = num_columns == 1 and are_labels and len(class_names or ()) == 2
    names = _names_of_columns(class_names, 2 if is_pair else num_columns)
    activation = "sigmoid" if are_labels else "softmax"
    activate = keras.activations.get(activation if are_logits else "linear")

    layer: Any = None if decision is None else in_float32(decision)

    def scores_of(inputs: dict[str, Any]) -> Any:
        arguments = tree.pack_sequence_as(signature, [inputs[name] for name in specs])
        # Not given, it is True behind Keras's layers of images, such as `Resizing`.
        (scores,) = tree.flatten(model(*arguments, training=False))
        # Half precision cannot tell the probabilities of rare classes apart.
        scores = ops.cast(scores, "float32")
        return scores if correction is None else correction(scores)

    def probabilities_of(scores: Any) -> Any:
        yes = activate(scores)
        return ops.concatenate([1.0 - yes, yes], axis=-1) if is_pair else yes

    def classify(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"probabilities": probabilities_of(scores_of(inputs))}

    def decide(inputs: dict[str, Any]) -> dict[str, Any]:
        scores = scores_of(inputs)
        decisions = layer(scores) > 0.5
        if is_pair:
            decisions = ops.concatenate([~decisions, decisions], axis=-1)
        return {"probabilities": probabilities_of(scores), "decisions": decisions}

    return Classifier(classify, None if layer is None else decide, names, thresholds)


def _check_correction(
    correction: LogitCorrection,
    model: Any,
    are_labels: bool,
    are_logits: bool,
    shape: tuple[int | None, ...],
) -> LogitCorrection:
    """Returns the correction in float32, if it fits the model's output."""
    rank, num_columns = len(shape), shape[-1]
    if correction.corrects_labels(num_columns) != are_labels:
        kinds = ["classes that exclude each other", "yes-or-no labels"]
        raise ValueError(
            f"`correction` must have counts of {kinds[are_labels]}, which the model's "
            f"output is. Received one with counts of {kinds[not are_labels]}. "
            + (HOW_TO_COUNT_LABELS if are_labels else HOW_TO_COUNT_CLASSES)
        )
    if output_activation(model)[1]:
        raise ValueError(
            "`model` already ends in a `LogitCorrection`, and `correction` may apply "
            "the prior twice. Export `keras_ccar.posthoc.chain(model, correction)` "
            "without a `correction`, which warns if they do not fit, or leave one out."
        )
    if not correction.fits(num_columns):
        kind = "labels" if are_labels else "classes"
        advice = " For one sigmoid output pass `LogitCorrection([no, yes])`."
        raise ValueError(
            "`correction` must have class counts for each of the model's "
            f"{num_columns} {kind}. Received: {len(correction.class_counts)}."
            f"{advice if num_columns == 1 else ''}"
        )
    if correction.axis not in (-1, rank - 1):
        raise ValueError(
            "`correction` must have the class axis of the model's output, which is the "
            f"last. Received one with axis={correction.axis}: pass "
            "`LogitCorrection(..., axis=-1)`."
        )
    if correction.from_logits not in (None, are_logits):
        kind = "logits" if are_logits else "probabilities"
        raise ValueError(
            f"`correction` must fit the model's output, which is {kind}. Received one "
            f"with from_logits={correction.from_logits}: pass "
            f"`LogitCorrection(..., from_logits={are_logits})`."
        )
    warn_if_rebalanced(model, correction.trained_prior, stacklevel=4)
    config = {
        **correction.get_config(),
        "dtype": "float32",
        "from_logits": are_logits,
    }
    return LogitCorrection.from_config(config)


def check_texts(names: Any) -> list[str]:
    """Returns a sequence of different texts, also an array of numpy, as a list."""
    is_sequence = hasattr(names, "__len__") and hasattr(names, "__getitem__")
    is_sequence = is_sequence and getattr(names, "shape", (0,)) != ()
    if not is_sequence or isinstance(names, str | bytes | Mapping):
        raise ValueError(
            "`class_names` must be a sequence of texts, one for each class in the "
            f"order of the labels. Received: class_names={show(names)}. Pass a list."
        )
    for name in names:
        if not isinstance(name, str):
            raise ValueError(
                "`class_names` must be a sequence of texts. Received "
                f"{type(name).__name__}: {show(name)}. Pass "
                "`[str(name) for name in class_names]`, or decode bytes."
            )
    return check_class_names(names)


def _names_of_columns(names: list[str] | None, num_columns: int) -> list[str]:
    if names is None:
        return [str(label) for label in range(num_columns)]
    if len(names) != num_columns:
        advice = ". Name yes, or no and yes" if num_columns == 1 else ""
        raise ValueError(
            "`class_names` must be a sequence with one name for each of the model's "
            f"{num_columns} classes. Received: {len(names)}{advice}"
        )
    return names
