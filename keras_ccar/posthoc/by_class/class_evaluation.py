"""Measures a trained model class by class."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ccar.arguments import check_whole_number
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.inputs.class_names import check_class_names
from keras_ccar.output_counts import OutputCounts, read_output_counts
from keras_ccar.posthoc.by_class.class_report import ClassReport
from keras_ccar.posthoc.by_class.class_table import class_table
from keras_ccar.posthoc.by_class.groups import Groups, read_groups
from keras_ccar.posthoc.by_class.totals import totals_table
from keras_ccar.posthoc.by_class.units import read_units
from keras_ccar.posthoc.data.output_kind import final_decision
from keras_ccar.posthoc.data.predictions import (
    Predictions,
    predict,
    require_num_columns,
)

_GROUPS = (100, 20)
_OF_PROBABILITIES = ["average_precision", "mean_confidence", "calibration_gap"]


def evaluate_classes(
    model: Any,
    data: Any,
    class_counts: ClassCounts | None = None,
    class_names: Sequence[str] | None = None,
    groups: Groups = _GROUPS,
    num_examples: NumExamples = None,
    from_logits: bool | None = None,
    ignore_class: int | None = None,
    ignore_value: float | None = None,
    batch_size: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
    resample_by: Any = None,
) -> ClassReport:
    """Measures a trained model class by class, and says which classes fail.

    Classes that exclude each other are answered by the most probable one, yes-or-no
    labels by yes above a probability of one half; a model that ends in `Thresholds` or
    `CostSensitiveDecision` by its decisions, and what needs probabilities is NaN then.
    One label has two rows, no and yes; its calibration is that of the probability of
    yes. The columns equal those of scikit-learn, where it has them: a class that is
    never answered has a precision of 0. Recall and what depends on it are NaN for
    classes without examples in the data, which are left out of the means.

    The intervals of precision and recall are exact for independent examples: a class of
    which 3 of 3 are found has a recall between 0.29 and 1. Those of totals come from
    bootstrap resamples of each class, or of the rows of several labels. The recall of a
    class with one example is the same in every resample. So the intervals of balanced
    accuracy, the shot groups and, of classes, macro F1 are widened for classes with
    under 5 examples, as if all of these had the recall that they have together; that of
    the geometric mean stays too narrow. Where half or all of the classes had 5 or 6
    examples, these intervals held the truth 84 or 85 times in 100. All take examples
    for independent, and images of one patient, or pixels of one image, are not:
    `resample_by` says which belong together. None says anything about the randomness
    of training. The error of
    calibration is larger in resamples than in the data, and in few data larger than it
    is, because it adds up gaps without their sign: its interval is that of resamples
    of the rows without this bias, and begins at 0 where a calibrated model may have
    such an error by chance.

    Args:
        model: a trained `keras.Model` with one output, or an array of its predictions,
            of shape `(N, ..., K)`; then `data` is their labels.
        data: what `model.predict` takes, with labels: `(x, y)`, a `tf.data.Dataset`, a
            torch `DataLoader` or a `keras.utils.PyDataset` of batches. Labels are
            integers `(N, ...)` or one-hot `(N, ..., K)`; zeros and ones
            `(N, ..., K)` of yes-or-no labels.
        class_counts: the training examples, as for `keras_ccar.LogitCorrection`. None
            if they are not known: the report has no shot groups then, and no picture of
            recall against training examples. Where neither the model nor the data tell
            that columns are yes-or-no labels, they are taken for classes.
        class_names: a name for each class or label; None for their numbers. One label
            has one name, or two, of no and yes.
        groups: `(many, few)`: classes with more than `many` training examples are
            many-shot, with fewer than `few` few-shot. Or "terciles": three parts of as
            nearly the same number of classes as can be. They need `class_counts`.
        num_examples: as for `keras_ccar.LogitCorrection`.
        from_logits: whether the output is logits. None reads it from the model; an
            array of probabilities needs False.
        ignore_class: the label of examples to leave out, or None.
        ignore_value: the value of missing answers of yes-or-no labels, or None.
        batch_size: of `model.predict`, for arrays. None for 32.
        resamples: bootstrap resamples for the intervals. Their time grows with the
            number of examples: 1000 take seconds for 100,000 pixels, minutes for ten
            million.
        seed: of the resamples.
        resample_by: whom or what each example of the data belongs to, such as patients,
            customers or films: numbers or strings `(N,)`, in the order of the data,
            which must not be shuffled anew. Examples of one are drawn together, and
            pixels with their image. None takes all rows for independent.

    Returns:
        A `ClassReport` with `.classes`, `.totals`, `.to_frame()`, `.to_json(path)` and
        `.to_html(path)`.

    Raises:
        ValueError: for arguments other than these, labels out of range, predictions
            that are NaN or, although they have to be, no probabilities.

    Example:
    ```python
    import numpy as np
    from keras_ccar.posthoc import evaluate_classes

    labels = np.repeat([0, 1, 2], [6, 3, 1])
    logits = 3.0 * np.eye(3)[[0, 0, 0, 0, 0, 1, 1, 1, 0, 0]]
    report = evaluate_classes(
        logits, labels, class_counts=[600, 90, 9], class_names=["cat", "dog", "lynx"]
    )
    assert report.classes.loc["lynx", "most_frequent_wrong_answer"] == "cat"
    assert report.totals.loc["few", "value"] == 0.0
    ```
    """
    resamples = check_whole_number("resamples", resamples, 2)
    seed = check_whole_number("seed", seed, 0)
    counts = None
    if class_counts is not None:
        counts = read_output_counts(class_counts, num_examples)
    elif num_examples is not None or not np.array_equal(groups, _GROUPS):
        needed_by = "`groups`" if num_examples is None else "`num_examples`"
        raise ValueError(
            f"`class_counts` must be given with {needed_by}: the training examples of "
            "each class. Received: class_counts=None"
        )
    predictions = predict(
        model,
        data,
        counts,
        from_logits=from_logits,
        ignore_class=ignore_class,
        ignore_value=ignore_value,
        batch_size=batch_size,
        takes_decisions=True,
    )
    are_one_question = predictions.num_columns == 1
    examples, members = None, {}
    if counts is not None:
        require_num_columns(counts, predictions)
        examples = _training_examples(counts, are_one_question)
        members = read_groups(groups, examples, minimum=1)
    num_rows = 2 if are_one_question else predictions.num_columns
    names = _names(class_names, num_rows, are_one_question)
    if are_one_question:
        predictions = _as_two_classes(predictions)
    units = read_units(resample_by, predictions)
    table = class_table(predictions, examples, members, names, units)
    totals = totals_table(
        predictions, members, are_one_question, resamples, seed, units
    )
    if final_decision(model) is not None:
        # 0 and 1 are no probabilities to rank by or to calibrate.
        table[_OF_PROBABILITIES] = np.nan
        totals.loc[["calibration_error", "log_loss"]] = np.nan
    return ClassReport(table, totals, predictions, members)


def _training_examples(counts: OutputCounts, are_one_question: bool) -> np.ndarray:
    """Returns the examples of each row of the report."""
    if not counts.are_labels:
        return counts.examples
    yes, no = counts.examples
    return np.array([no[0], yes[0]]) if are_one_question else yes


def _names(names: Any, num_rows: int, are_one_question: bool) -> list[str]:
    if names is None:
        return ["no", "yes"] if are_one_question else [str(k) for k in range(num_rows)]
    checked = check_class_names(names)
    if are_one_question and len(checked) == 1:
        return [f"not {checked[0]}", checked[0]]
    if len(checked) != num_rows:
        raise ValueError(
            "`class_names` must have one name for each class. Received: "
            f"{len(checked)} names for {num_rows} classes"
        )
    return checked


def _as_two_classes(predictions: Predictions) -> Predictions:
    """Returns one label as the classes no and yes, without missing answers."""
    known = ~np.isnan(predictions.labels[:, 0])
    logits = predictions.logits[known, 0]
    return predictions._replace(
        logits=np.stack([np.zeros_like(logits), logits], axis=1),
        labels=predictions.labels[known, 0].astype("int64"),
        are_labels=False,
        examples=predictions.examples[known],
    )
