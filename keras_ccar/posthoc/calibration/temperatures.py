"""Chooses the temperatures that make a trained model's probabilities come true."""

from typing import Any

import numpy as np

from keras_ccar.arguments import check_choice, check_number
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.layers.temperature_scaling import TemperatureScaling
from keras_ccar.output_counts import OutputCounts, read_output_counts
from keras_ccar.posthoc.by_class.groups import Groups, read_groups
from keras_ccar.posthoc.calibration.calibrated import PARTS, Calibrated
from keras_ccar.posthoc.calibration.scaling_fit import (
    fit_columns,
    fit_temperature,
    parts_to_fit,
)
from keras_ccar.posthoc.calibration.scaling_report import Side, compare_sides
from keras_ccar.posthoc.data.predictions import (
    Predictions,
    predict,
    require_num_columns,
)
from keras_ccar.posthoc.prior.prior_gap import warn_of_prior_gap
from keras_ccar.posthoc.prior.target_prior import warn_of_other_prior
from keras_ccar.posthoc.result import require_posthoc


def calibrate(
    model: Any,
    validation: Any,
    class_counts: ClassCounts | None = None,
    by: str = "all",
    shrinkage: float = 10.0,
    num_examples: NumExamples = None,
    from_logits: bool | None = None,
    ignore_class: int | None = None,
    ignore_value: float | None = None,
    batch_size: int | None = None,
    train: Any = None,
    groups: Groups = (100, 20),
) -> Calibrated:
    """Fits the temperature of a trained model on validation data.

    Finds the temperatures with the smallest log loss (negative log likelihood). One
    temperature for all classes changes no predicted class. Temperatures of groups or
    classes divide column j of the logits by `T_j`: they are fitted all at once, and may
    change predicted classes. Yes-or-no labels are fitted in the same way, each as a
    problem of its own with `by="class"`.

    A temperature moves no prior. Of a model that was rebalanced in training, by
    weights, resampling or an adjusted loss, calibrate `chain(model,
    LogitCorrection(class_counts, trained_prior="balanced"))`; otherwise its
    probabilities stay those of equally frequent classes.

    Args:
        model: a `keras.Model` with one output, or an array of its predictions for the
            validation data, `(N, ..., K)`.
        validation: data with labels that the model was not trained on: `(x, y)`, a
            tf.data.Dataset, a torch DataLoader or a PyDataset; for an array of
            predictions their labels.
        class_counts: training examples of each class or label, as in `LogitCorrection`.
            `by="group"` needs them. They also tell labels from classes, where the model
            does not.
        by: "all" for one temperature, "group" for one of each shot group, "class" for
            one of each class or label.
        shrinkage: strength >= 0 of the pull of the temperatures of groups and classes
            towards the common one, in examples: `shrinkage / 2 * sum((log T_g - log
            T)²)` is added to the sum of the log losses. So a few examples change little
            and many have their way. With 0, temperatures of classes with few examples
            may have any value.
        num_examples: the number of examples of labels, as in `LogitCorrection`.
        from_logits: whether predictions are logits rather than probabilities. None
            reads it from the model; arrays are taken for logits, unless all numbers are
            in [0, 1], which is an error.
        ignore_class: the class of examples to leave out.
        ignore_value: what stands for a missing answer of a yes-or-no label.
        batch_size: that of `model.predict`, for arrays.
        train: the training data, to make sure that they share no example with
            `validation`; None to trust that.
        groups: thresholds `(many, few)` of the shot groups: classes with more than
            `many` training examples, with fewer than `few`, and those between; or
            "terciles", three groups with about the same number of classes.

    Returns:
        A `Calibrated`, whose `layer` is put after the model.

    Raises:
        ValueError: for arguments other than these, for validation data without
            examples, for predictions that are NaN or do not fit `class_counts`.
        ModuleNotFoundError: without SciPy and pandas.

    Warns:
        UserWarning: for a temperature at the end of what is tried, 0.001 to 1000; for
            groups and classes without validation examples, and labels without an
            example of yes or of no, which take the common temperature; if the model
            ends in a correction to another `target_prior` than that of the data; if
            calibrated probabilities are, on average, far from the shares in the data.

    Reference:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599.

    Example:
    ```python
    import numpy as np
    from keras_ccar.posthoc.calibration.temperatures import calibrate

    # Sure of itself, and wrong in one of four.
    logits = np.array([[9.0, 0.0]] * 4)
    found = calibrate(logits, np.array([0, 0, 0, 1]))
    assert np.isclose(found.temperature, 9 / np.log(3))
    calibrated = found.layer(logits)
    ```
    """
    check_choice("by", by, tuple(PARTS))
    shrinkage = check_number("shrinkage", shrinkage, 0)
    # Any two counts, because the groups are checked without counts too.
    read_groups(groups, [3, 2])
    counts = None
    if class_counts is not None:
        counts = read_output_counts(class_counts, num_examples)
    elif by == "group" or num_examples is not None:
        needed_by = 'by="group"' if by == "group" else "`num_examples`"
        raise ValueError(
            f"`class_counts` must be given with {needed_by}: the training examples of "
            "each class. Received: class_counts=None"
        )
    reading: dict[str, Any] = {
        "from_logits": from_logits,
        "ignore_class": ignore_class,
        "ignore_value": ignore_value,
        "batch_size": batch_size,
    }
    predictions = predict(
        model, validation, counts, name="validation", train=train, **reading
    )
    advice = "Calibrate the model that the correction was added to."
    is_told = warn_of_other_prior(model, predictions, "validation", advice)
    scopes: dict[Any, np.ndarray] = {}
    if counts is not None:
        require_num_columns(counts, predictions)
        if by == "group":
            examples = _examples_of_columns(counts, predictions)
            scopes = read_groups(groups, examples, minimum=1)
    if by == "class":
        scopes = dict(enumerate(np.eye(predictions.num_columns, dtype=bool)))
    common = fit_temperature(predictions)
    by_column = np.full(predictions.num_columns, common)
    if scopes:
        parts = parts_to_fit(scopes, predictions)
        by_column = fit_columns(predictions, parts, common, shrinkage)
    layer = TemperatureScaling(
        by_column.tolist() if scopes else common,
        from_logits=predictions.from_logits,
        multi_label=predictions.are_labels,
    )
    if not is_told:
        given = {"num_examples": num_examples, **reading}
        calibrated = predictions.logits / by_column
        warn_of_prior_gap(model, predictions, calibrated, counts, given, 2)
    before = Side(predictions, predictions.logits)
    after = Side(predictions, predictions.logits / by_column)
    everything = np.ones(predictions.num_columns, bool)
    rows = [compare_sides("all", common, everything, before, after)]
    for scope, columns in scopes.items():
        temperature = float(by_column[columns][0])
        rows.append(compare_sides(scope, temperature, columns, before, after))
    return Calibrated(
        by_column if scopes else common,
        layer,
        require_posthoc("pandas", "pandas").DataFrame(rows),
        by,
        before.reliability(everything),
        after.reliability(everything),
    ).remember(model)


def _examples_of_columns(counts: OutputCounts, predictions: Predictions) -> np.ndarray:
    """Returns the training examples of each class, or of the yes of each label."""
    if counts.are_labels:
        return counts.examples[0]
    return counts.examples[1:] if predictions.are_labels else counts.examples
