"""Chooses the temperatures that make a trained model's probabilities come true."""

from typing import Any

import numpy as np

from keras_ccar.arguments import check_choice, check_number
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.layers.temperature_scaling import TemperatureScaling
from keras_ccar.output_counts import OutputCounts, read_output_counts
from keras_ccar.posthoc.groups import Groups, read_groups
from keras_ccar.posthoc.predictions import Predictions, predict, require_num_columns
from keras_ccar.posthoc.prior_gap import warn_of_prior_gap
from keras_ccar.posthoc.reliability import Reliability
from keras_ccar.posthoc.result import Result, require_posthoc
from keras_ccar.posthoc.scaling_fit import fit_columns, fit_temperature, parts_to_fit
from keras_ccar.posthoc.scaling_report import Side, compare_sides
from keras_ccar.posthoc.target_prior import warn_of_other_prior

_PARTS = {"all": "for all classes", "group": "of each group", "class": "of each class"}


class Calibrated(Result):
    """What `calibrate` found.

    Attributes:
        temperature: a float or, with `by="group"` and `by="class"`, of shape `(K,)`.
        layer: the `keras_ccar.layers.TemperatureScaling` with it.
        curve: a DataFrame with a row for "all" and, unless `by="all"`, for each group
            or class: `scope`, its `temperature`, its `examples` (of yes-or-no labels,
            the answers that are given), and on the validation data
            `log_loss_before`, `log_loss_after`, `calibration_error_before` and
            `calibration_error_after`. The temperature of "all" is the common one. The
            log loss is that of the examples of the scope, the calibration error that of
            the predictions of its classes, with the bins of `ExpectedCalibrationError`;
            of yes-or-no labels both are of the columns of the scope, and the
            calibration error is that of the probability of yes. NaN where there is
            nothing to measure.
    """

    chosen_by = "calibrate"

    def __init__(
        self,
        temperature: float | np.ndarray,
        layer: TemperatureScaling,
        curve: Any,
        by: str,
        before: Reliability,
        after: Reliability,
    ) -> None:
        self.temperature = temperature
        self.layer = layer
        self.curve = curve
        self._by = by
        self._sides = {"before": before, "after": after}

    def describe(self) -> str:
        """Returns the temperatures and what they do on the validation data."""
        found = np.atleast_1d(self.temperature)
        text = f"{found.min():.3g}"
        if found.max() > found.min():
            text += f" to {found.max():.3g}"
        row = self.curve.iloc[0]
        unit = "answers" if self.layer.are_labels else "examples"
        changes = [
            f"{words} {row[f'{name}_before']:.4g} before, {row[f'{name}_after']:.4g} "
            "after"
            for name, words in (
                ("log_loss", "log loss"),
                ("calibration_error", "calibration error"),
            )
        ]
        return (
            f"temperature {_PARTS[self._by]}: {text}. On {row['examples']} {unit} of "
            f"the validation data: {'; '.join(changes)}."
        )

    def draw(self, axes: Any) -> None:
        """Draws how often predictions come true, by how sure they are."""
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        for name, side in self._sides.items():
            is_filled = side.counts > 0
            axes.plot(
                side.confidence[is_filled],
                side.accuracy[is_filled],
                marker="o",
                label=f"{name} (error {side.error:.3f})",
            )
        is_yes = self.layer.are_labels
        axes.set_xlabel("Probability of yes" if is_yes else "Confidence")
        axes.set_ylabel("Share of yes" if is_yes else "Accuracy")
        axes.legend(frameon=False)


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
    from keras_ccar.posthoc.calibration import calibrate

    # Sure of itself, and wrong in one of four.
    logits = np.array([[9.0, 0.0]] * 4)
    found = calibrate(logits, np.array([0, 0, 0, 1]))
    assert np.isclose(found.temperature, 9 / np.log(3))
    calibrated = found.layer(logits)
    ```
    """
    check_choice("by", by, tuple(_PARTS))
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
