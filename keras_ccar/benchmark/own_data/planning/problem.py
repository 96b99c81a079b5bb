"""What is to be learned: the kind of output, its columns and their examples."""

import warnings
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_ccar.benchmark.own_data.data import OwnData
from keras_ccar.benchmark.own_data.planning.columns import BINARY, LABELS, SOFTMAX
from keras_ccar.benchmark.own_data.planning.weighted_counts import (
    example_weights,
    weigh_counts,
)
from keras_ccar.benchmark.own_data.training.muted_warnings import quiet
from keras_ccar.benchmark.own_data.unknown_labels import UnknownLabels
from keras_ccar.binary_counts import describe_swapped
from keras_ccar.layers.kind_of_input import outputs_are_labels
from keras_ccar.layers.model_output import gives_logits, output_activation
from keras_ccar.losses.find_losses import agreed_from_logits, only_loss
from keras_ccar.output_counts import OutputCounts, read_output_counts
from keras_ccar.posthoc.data.enough_examples import warn_if_yes_prevails

_ROUNDING = 1e-3
_ALL_KNOWN = UnknownLabels()


@dataclass(frozen=True)
class Problem:
    """What a model is trained for.

    Attributes:
        kind: "softmax", "binary" or "labels".
        from_logits: whether the output is logits rather than probabilities.
        class_counts: training examples as losses take them: of each class; `[no, yes]`
            of one label, `(K, 2)` of several. Of weighted examples the sums of their
            weights.
        class_names: a name for each class or label; of one label of no and yes.
        output_shape: that of the output without the axis of examples.
        numbers: as `class_counts`, but numbers of examples whatever their weights.
            None if both are the same.
        unknown: what stands for unknown labels.
    """

    kind: str
    from_logits: bool
    class_counts: list[Any]
    class_names: list[str]
    output_shape: tuple[int, ...]
    numbers: list[Any] | None = None
    unknown: UnknownLabels = _ALL_KNOWN

    @property
    def are_labels(self) -> bool:
        """Whether the columns of the output are yes-or-no labels."""
        return self.kind != SOFTMAX

    @property
    def ignoring(self) -> dict[str, Any]:
        """What tells losses and `keras_ccar.posthoc` of unknown labels."""
        return self.unknown.arguments(self.are_labels)

    @property
    def num_columns(self) -> int:
        """The columns of the output."""
        return 1 if self.kind == BINARY else len(self.class_counts)

    @property
    def counts(self) -> OutputCounts:
        """The class counts in the form of `keras_ccar.posthoc`."""
        return read_output_counts(self.class_counts)

    @property
    def unweighted_counts(self) -> list[Any]:
        """Numbers of training examples in the form of `class_counts`."""
        return self.class_counts if self.numbers is None else self.numbers

    @property
    def examples(self) -> list[int]:
        """Training examples of each class; of labels those of yes."""
        if self.kind == LABELS:
            return [yes for _, yes in self.unweighted_counts]
        return list(self.unweighted_counts)


def find_problem(
    model: keras.Model,
    train: OwnData,
    class_counts: Any,
    class_names: Any,
    unknown: UnknownLabels,
) -> Problem:
    """Finds out what a model is to be trained for, and counts the examples.

    Args:
        model: what `build_model` returned.
        train: the training data.
        class_counts: what the user says, or None.
        class_names: what the user says, or None.
        unknown: what stands for unknown labels.

    Raises:
        ValueError: if model, labels, counts and names do not fit each other; for
            classes without a training example.
    """
    outputs = _first_outputs(model, train)
    num_columns = outputs.shape[-1]
    activation = output_activation(model)[0]
    loss = only_loss(model)
    shape = (len(train.labels), *outputs.shape[1:])
    given = None if class_counts is None else read_output_counts(class_counts)
    are_labels = outputs_are_labels(activation, loss)
    if are_labels is None:
        are_labels = num_columns == 1 or unknown.are_answers(train.labels, shape)
        if given is not None:
            are_labels = given.mean_labels(num_columns)
    if num_columns == 1 and not are_labels:
        raise ValueError(
            "`build_model` must return a model with a column for each class. Received: "
            "one column behind a softmax, which is always 1. End it with "
            '`Dense(2, activation="softmax")`, or with `Dense(1, '
            'activation="sigmoid")` for a yes-or-no label.'
        )
    from_logits = gives_logits(activation)
    if from_logits is None:
        from_logits = agreed_from_logits(loss)
    if from_logits is None:
        from_logits = not _are_probabilities(outputs, are_labels)
    unknown.require_fit(are_labels, num_columns)
    labels, counted = unknown.read(train.labels, None, shape, are_labels, train.name)
    warn_if_yes_prevails(train.name, labels, stacklevel=6)  # the call of `compare`
    counts, numbers = count_examples(labels, num_columns), None
    weights = example_weights(train.weights, shape)
    weights = None if weights is None else weights[counted]
    if weights is not None and given is None:
        numbers, counts = counts, weigh_counts(labels, weights, num_columns)
    if given is not None:
        if not given.fit(num_columns) or given.mean_labels(num_columns) != are_labels:
            expected = "[no, yes]" if num_columns == 1 else f"{num_columns} entries"
            expected = f"({num_columns}, 2)" if np.ndim(counts) == 2 else expected
            raise ValueError(
                f"`class_counts` must be {expected} for the output of this model, of "
                f"{num_columns} columns. Received: {class_counts!r}"
            )
        if are_labels:
            seen = [counts]
            if weights is not None:
                seen.append(weigh_counts(labels, weights, num_columns))
            _warn_if_swapped(train.name, given, seen, stacklevel=6)
        counts = given.class_counts
    kind = (BINARY if num_columns == 1 else LABELS) if are_labels else SOFTMAX
    names = _names(class_names, kind, num_columns)
    _require_examples(counts, kind, names, numbers is not None)
    shape = outputs.shape[1:]
    return Problem(kind, bool(from_logits), counts, names, shape, numbers, unknown)


def _warn_if_swapped(
    name: str, given: OutputCounts, seen: list[list[Any]], stacklevel: int
) -> None:
    """Warns if counts have yes and no in each other's place, by all that was counted.

    Args:
        name: the name of the data that were counted.
        given: the counts of the user.
        seen: numbers of examples and, of weighted ones, also the sums of the weights.
        stacklevel: that of the caller.
    """
    examples = given.examples if given.are_labels else given.examples[::-1, None]
    told = [
        describe_swapped(
            examples,
            np.reshape(counted, (-1, 2)).T[::-1],
            "",
            f"in `{name}` it is",
        )
        for counted in seen
    ]
    if all(told):
        warnings.warn(f"{told[0]}.", stacklevel=stacklevel + 1)


def _first_outputs(model: keras.Model, train: OwnData) -> np.ndarray:
    """Returns what a new model makes of one example, which also builds it."""
    try:
        with quiet():  # Of a softmax over one column, which is refused below.
            outputs = model.predict_on_batch(train.first_inputs)
    except Exception as error:
        raise ValueError(
            f"`build_model` must return a model that takes the inputs of `train`. "
            f"Received: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(outputs, np.ndarray) or outputs.ndim < 2:
        raise ValueError(
            "`build_model` must return a model with one output, of shape (N, ..., K). "
            f"Received: {keras.tree.map_structure(np.shape, outputs)}"
        )
    return outputs


def _are_probabilities(outputs: np.ndarray, are_labels: bool) -> bool:
    """Whether outputs of a model whose layers do not tell look like probabilities."""
    if outputs.min() < 0 or outputs.max() > 1 + _ROUNDING:
        return False
    return are_labels or bool(np.allclose(outputs.sum(axis=-1), 1, atol=_ROUNDING))


def count_examples(labels: np.ndarray, num_columns: int) -> list[Any]:
    """Returns the examples as losses take them."""
    if labels.ndim == 1:
        return list(np.bincount(labels, minlength=num_columns).tolist())
    answers = np.stack([(labels == 0).sum(axis=0), (labels == 1).sum(axis=0)], axis=1)
    counts: list[Any] = answers.tolist()
    return counts[0] if num_columns == 1 else counts


def _names(names: Any, kind: str, num_columns: int) -> list[str]:
    if kind == BINARY:
        if names is None:
            return ["no", "yes"]
        if len(names) == 1:
            return [f"not {names[0]}", names[0]]
        num_columns = 2
    if names is None:
        return [str(number) for number in range(num_columns)]
    if len(names) != num_columns:
        raise ValueError(
            f"`class_names` must have one name for each of the {num_columns} classes. "
            f"Received: {len(names)} names"
        )
    return list(names)


def _require_examples(
    counts: list[Any], kind: str, names: list[str], are_weighted: bool
) -> None:
    """Refuses training data without a class, of which nothing can be learned."""
    rows = np.array(counts, dtype="float64")
    is_empty = (rows == 0).any(axis=-1) if kind == LABELS else rows == 0
    if is_empty.any():
        missing = [name for name, empty in zip(names, is_empty, strict=True) if empty]
        what = "both answers of every label" if kind == LABELS else "every class"
        raise ValueError(
            f"`train` must have an example of {what}"
            f"{' with a weight above 0' if are_weighted else ''}. Received: none for "
            f"{', '.join(missing[:5])}{' and others' if len(missing) > 5 else ''}. "
            "Leave these out of labels and model, or collect examples of them."
        )
