"""The predictions of a trained model for labelled data, in one form."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ccar.arguments import (
    argument_error,
    check_boolean,
    check_ignore_class,
    check_whole_number,
    optional,
)
from keras_ccar.inputs.binary_targets import check_ignore_value
from keras_ccar.inputs.predictions import check_probabilities
from keras_ccar.ops.numerics import SMALLEST_PROBABILITY
from keras_ccar.output_counts import OutputCounts
from keras_ccar.posthoc.data.batches import DATA, read_batches, rows_of
from keras_ccar.posthoc.data.counted_labels import read_counted
from keras_ccar.posthoc.data.given_predictions import check_predictions
from keras_ccar.posthoc.data.labels import are_answers
from keras_ccar.posthoc.data.masks import OutputMask
from keras_ccar.posthoc.data.model_inputs import inputs_for
from keras_ccar.posthoc.data.output_kind import find_kind
from keras_ccar.posthoc.data.outputs import several_outputs
from keras_ccar.posthoc.data.overlap import require_separate


class Predictions(NamedTuple):
    """What a model says of examples, and what they are.

    Attributes:
        logits: float64 of shape `(N, K)`: of classes, up to a constant of each row, or
            of labels.
        labels: int64 of shape `(N,)` for classes; float64 `(N, K)` of 0, 1 and NaN,
            where an answer is missing, for yes-or-no labels; None if there are none.
        are_labels: whether the columns are yes-or-no labels rather than classes that
            exclude each other.
        from_logits: whether the model returns logits rather than probabilities.
        examples: int64 `(N,)`: which example of the data each row is of.
        num_examples: all that are in the data.
    """

    logits: np.ndarray
    labels: Any
    are_labels: bool
    from_logits: bool
    examples: Any = None
    num_examples: int = 0

    @property
    def num_columns(self) -> int:
        """K."""
        return self.logits.shape[1]

    @property
    def probabilities(self) -> np.ndarray:
        """Float64 of shape `(N, K)`."""
        return to_probabilities(self.logits, self.are_labels)


def to_probabilities(logits: np.ndarray, are_labels: bool) -> np.ndarray:
    """Returns the softmax of each row, or the sigmoid of each number, in float64."""
    if are_labels:
        return np.exp(-np.logaddexp(0, -logits))
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def to_logits(probabilities: np.ndarray, are_labels: bool) -> np.ndarray:
    """Returns logits of probabilities, as `LogitCorrection` computes them."""
    logits = np.log(np.maximum(probabilities, SMALLEST_PROBABILITY))
    if are_labels:
        logits = logits - np.log(np.maximum(1 - probabilities, SMALLEST_PROBABILITY))
    return logits


def predict(
    model: Any,
    data: Any,
    counts: OutputCounts | None = None,
    *,
    name: str = "data",
    from_logits: bool | None = None,
    ignore_class: int | None = None,
    ignore_value: float | None = None,
    batch_size: int | None = None,
    needs_labels: bool = True,
    train: Any = None,
    takes_decisions: bool = False,
    not_of_labels: str | None = None,
) -> Predictions:
    """Returns the predictions for data, and their labels.

    Examples do not count that the Keras mask of the model leaves out, whatever their
    labels are, nor those of weight 0 and of `ignore_class`. Of several yes-or-no labels
    a weight of 0 for each answer leaves that answer out.

    Args:
        model: a `keras.Model` with one output, or an array of its predictions,
            `(N, ..., K)`.
        data: what to predict. Without `needs_labels` also bare inputs.
        counts: the training examples of what the output stands for, if they are known.
        name: the name of the argument `data`.
        from_logits: whether the output is logits; None to find it out.
        ignore_class: the class of examples to leave out.
        ignore_value: what stands for a missing answer of a yes-or-no label.
        batch_size: that of `model.predict`, for arrays.
        needs_labels: whether the labels are used; otherwise they only tell which
            examples to ignore.
        train: training data that must not share an example with the data, or None.
        takes_decisions: whether the model may end in `Thresholds` or another decision
            for one answer, whose 0 and 1 are read as probabilities.
        not_of_labels: what to do about predictions of yes-or-no labels, which are an
            error then.

    Raises:
        ValueError: for predictions that are NaN, or not probabilities although they
            have to be; for labels out of range; for sample weights other than 0 and 1;
            for a model that does not tell what its output is; for examples that `train`
            has too.
    """
    ignore_class = check_ignore_class(ignore_class)
    ignore_value = check_ignore_value(ignore_value)
    from_logits = optional(check_boolean, "from_logits", from_logits)
    # An array of predictions would never get to it.
    batch_size = optional(check_whole_number, "batch_size", batch_size, 1)
    if isinstance(model, keras.Model):
        if train is not None:
            require_separate(name, data, train)
        mask = OutputMask(model)
        parts = [
            _run(model, mask, *batch) for batch in read_batches(data, name, batch_size)
        ]
    else:
        output = check_predictions(model)
        parts = [(output, data, None, _examples_of(output), len(output))]
        if train is not None:
            raise ValueError(
                "`train` must be None where `model` is an array of predictions, which "
                "come without the inputs that are compared. Received: training data"
            )
    parts = [part for part in parts if len(part[0])]
    if not parts:
        raise ValueError(f"`{name}` must hold examples. Received: none")
    outputs = np.concatenate([output for output, *_ in parts])
    has_answers = any(
        are_answers(given, output.shape, ignore_class) for output, given, *_ in parts
    )
    if not_of_labels is not None and isinstance(model, keras.Model):
        counts = None  # Other counts would not help where labels are an error.
    are_labels, from_logits = find_kind(
        model, outputs, counts, from_logits, has_answers, takes_decisions
    )
    if are_labels and not_of_labels is not None:
        raise ValueError(
            "`model` must predict classes that exclude each other, by a softmax. "
            "Received: predictions of yes-or-no labels, of a sigmoid, or answers to "
            f"several. {not_of_labels}"
        )
    logits = _logits(outputs, are_labels, from_logits)
    labels: list[Any] = []
    is_counted, examples, num_examples = [], [], 0
    for output, given, weights, places, size in parts:
        examples.append(num_examples + places)
        num_examples += size
        if needs_labels and given is None:
            raise argument_error(name, data, f"data with labels: {DATA}")
        found, counted = read_counted(
            given,
            weights,
            output.shape,
            are_labels,
            name,
            ignore_class,
            ignore_value,
            needs_labels,
        )
        is_counted.append(counted)
        labels.append(found)
    kept = np.concatenate(is_counted)
    if not kept.any():
        raise ValueError(f"`{name}` must hold examples that count. Received: none")
    found = np.concatenate(labels)[kept] if needs_labels else None
    if found is not None and are_labels and np.isnan(found).all():
        raise ValueError(
            f"`{name}` must hold answers of yes or no. Received: none that is known, "
            "all are the `ignore_value`"
        )
    rows_of_examples = np.concatenate(examples)[kept]
    return Predictions(
        logits[kept], found, are_labels, from_logits, rows_of_examples, num_examples
    )


def require_num_columns(counts: OutputCounts, predictions: Predictions) -> None:
    """Raises a `ValueError` unless the counts are those of the columns predicted."""
    if not counts.fit(predictions.num_columns):
        raise ValueError(
            "`class_counts` must have one entry for each column of the predictions. "
            f"Received: {counts.num_columns} for {predictions.num_columns} columns"
        )


def _run(
    model: keras.Model,
    mask: OutputMask,
    x: Any,
    labels: Any,
    weights: Any,
    options: dict[str, Any],
) -> tuple[np.ndarray, Any, Any, np.ndarray, int]:
    """Returns predictions, labels and weights of a batch, of what the mask counts.

    Also which example of the batch each row is of, and how many examples it has.
    """
    x = inputs_for(model, x)
    output = model.predict(x, **options)
    _require_one_output(output, model)
    counted = mask.predict(x, np.shape(output), options)
    places, size = _examples_of(output), len(output)
    if counted is None:
        return check_predictions(output), labels, weights, places, size
    given = (rows_of(part, counted) for part in (labels, weights))
    return check_predictions(output[counted]), *given, places[counted.ravel()], size


def _examples_of(output: Any) -> np.ndarray:
    """Returns the example of each row of predictions `(N, ..., K)`."""
    return np.repeat(np.arange(len(output)), int(np.prod(np.shape(output)[1:-1])))


def _require_one_output(output: Any, model: keras.Model) -> None:
    if isinstance(output, Mapping | list | tuple):
        raise several_outputs(model, len(output))


def _logits(outputs: np.ndarray, are_labels: bool, from_logits: bool) -> np.ndarray:
    rows = outputs.reshape(-1, outputs.shape[-1])
    if from_logits:
        return rows
    check_probabilities(keras.ops.convert_to_tensor(rows), "model")
    if not are_labels:
        sums = rows.sum(axis=-1, keepdims=True)
        rows = rows / np.where(sums > 0, sums, 1)
    return to_logits(rows, are_labels)
