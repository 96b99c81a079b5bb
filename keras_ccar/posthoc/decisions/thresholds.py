"""Chooses the thresholds of yes-or-no labels."""

from collections.abc import Sequence
from typing import Any

from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.inputs.class_names import check_class_names, names_of_columns
from keras_ccar.layers.thresholds import Thresholds
from keras_ccar.output_counts import read_output_counts
from keras_ccar.posthoc.data.enough_examples import (
    require_examples,
    warn_if_yes_prevails,
)
from keras_ccar.posthoc.data.predictions import (
    Predictions,
    predict,
    require_num_columns,
)
from keras_ccar.posthoc.decisions.label_thresholds import choose_thresholds
from keras_ccar.posthoc.decisions.objectives import Objective, read_objective
from keras_ccar.posthoc.decisions.tuned_thresholds import TunedThresholds
from keras_ccar.posthoc.prior.target_prior import warn_of_other_prior

_FOR_COSTS = (
    "For costs, put `keras_ccar.layers.CostSensitiveDecision` behind the correction, "
    "which needs no data."
)


def tune_thresholds(
    model: Any,
    validation: Any,
    class_counts: ClassCounts | None = None,
    objective: Objective = "f1",
    num_examples: NumExamples = None,
    from_logits: bool | None = None,
    ignore_value: float | None = None,
    batch_size: int | None = None,
    train: Any = None,
    class_names: Sequence[str] | None = None,
) -> TunedThresholds:
    """Chooses the probability from which on each yes-or-no label is answered with yes.

    Each label has a threshold of its own, the best one on the validation data. Those
    that are tried are 0, the middle between every two neighbouring probabilities, and
    that between the largest probability and 1; of equally good ones, the largest is
    returned. The validation data must be held out of the training data, with examples
    of both answers of every label, and yes as frequent as where the model will be used.
    Correct and calibrate the model before, `chain(model, ...)`, because thresholds fit
    the probabilities that they were chosen for.

    Args:
        model: a trained `keras.Model` with one output of a sigmoid or its logits, or an
            array of its predictions, `(N, ..., K)`; then `validation` is their labels.
        validation: what `model.predict` takes, with labels: `(x, y)`, a
            `tf.data.Dataset`, a torch `DataLoader` or a `keras.utils.PyDataset` of
            batches. Labels are zeros and ones `(N, ..., K)`; `(N, ...)` of one label.
        class_counts: the counts of no and yes, as for `LogitCorrection`. They are only
            needed to tell that the columns are labels, where neither the model nor the
            validation data do.
        objective: "f1"; "balanced_accuracy", the mean of the recalls of yes and of no;
            `precision_at_least(p)`, `recall_at_least(r)` or, for a bounded number of
            alarms, `alarm_rate_at_most(share)`; or costs, of shape (2, 2)
            or, for each label, (K, 2, 2): `costs[i][j]` of answering j where the truth
            is i, 0 being no. Their mean over the validation data is made small. A list
            of K of these has one for each label.
        num_examples: as for `LogitCorrection`.
        from_logits: whether the output is logits. None reads it from the model; an
            array of probabilities needs False.
        ignore_value: the value of missing answers, which do not count, or None.
        batch_size: of `model.predict`, for arrays. None for 32.
        train: the training data. If given, examples that both have are an error.
        class_names: the names of labels, of one also [no, yes]; None for their numbers.

    Returns:
        A `TunedThresholds` with `.thresholds`, `.layer`, `.chosen` and `.curve`.

    Raises:
        ModuleNotFoundError: without pandas.
        ValueError: for arguments other than these; for outputs of classes that exclude
            each other; for predictions that are NaN; for examples that `train` has too;
            if no label has examples of yes and of no and reaches its precision.

    Warns:
        UserWarning: for labels that keep the threshold 0.5, because there is no example
            of yes or of no of them, or no threshold reaches the precision, where others
            are tuned; if a label has under 5 examples of yes or of no; if yes is over
            80 % of the only label, as where the two are swapped; if the model ends in a
            correction to another `target_prior` than that of the data.

    Reference:
        Lipton et al. 2014, arXiv 1402.1892, for F1; Elkan 2001, "The Foundations of
        Cost-Sensitive Learning", for costs.

    Example:
    ```python
    import numpy as np
    from keras_ccar.posthoc.decisions.objectives import precision_at_least
    from keras_ccar.posthoc.decisions.thresholds import tune_thresholds

    labels = np.repeat([0, 1], [90, 10])
    scores = np.random.default_rng(0).normal(size=(100, 1)) + 3.0 * labels[:, None] - 2
    tuned = tune_thresholds(scores, labels, objective=precision_at_least(0.8))
    assert tuned.chosen["precision"][0] >= 0.8
    decisions = tuned.layer(scores.astype("float32"))
    ```
    """
    wanted = read_objective(objective)
    names = None if class_names is None else check_class_names(class_names)
    counts = None
    if class_counts is not None:
        counts = read_output_counts(class_counts, num_examples)
    elif num_examples is not None:
        raise ValueError(
            "`class_counts` must be given with `num_examples`: the examples of yes of "
            "each label. Received: class_counts=None"
        )
    predictions = predict(
        model,
        validation,
        counts,
        name="validation",
        from_logits=from_logits,
        ignore_value=ignore_value,
        batch_size=batch_size,
        train=train,
    )
    _require_labels(predictions)
    warn_if_yes_prevails("validation", predictions.labels, stacklevel=2)
    if counts is not None:
        require_num_columns(counts, predictions)
    num_labels = predictions.num_columns
    if names is not None:
        names = names_of_columns(names, num_labels)
        if len(names) != num_labels:
            raise ValueError(
                "`class_names` must have one name for each label, or two for a single "
                f"one, of no and yes. Received: {len(names)} names for {num_labels}"
            )
    are_known = require_examples(
        "validation",
        predictions.labels,
        num_labels,
        stacklevel=2,
        some_may_lack=True,
    )
    warn_of_other_prior(model, predictions, "validation", _FOR_COSTS)
    best_rows, curve = choose_thresholds(
        predictions,
        wanted.of_labels(num_labels),
        range(num_labels) if names is None else names,
        are_known,
        stacklevel=2,
    )
    layer = Thresholds(
        best_rows["threshold"].to_numpy(dtype="float64"),
        from_logits=predictions.from_logits,
    )
    return TunedThresholds(layer, best_rows, curve, wanted).remember(model)


def _require_labels(predictions: Predictions) -> None:
    if not predictions.are_labels:
        raise ValueError(
            "`model` must have yes-or-no labels, from a sigmoid. Received: "
            f"{predictions.num_columns} columns of classes that exclude each other. "
            "Decide between them with `keras_ccar.layers.CostSensitiveDecision`. If "
            "they are labels, pass `class_counts` of shape (K, 2), which tells it."
        )
