"""Estimates the prior of data without labels, by expectation maximisation."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import check_number, check_whole_number, show
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.layers.prior_shift import PriorShift
from keras_ccar.layers.prior_warning import warn_if_rebalanced
from keras_ccar.layers.temperature_scaling import TemperatureScaling
from keras_ccar.output_counts import OutputCounts, output_logits, read_output_counts
from keras_ccar.posthoc.calibration.scaling_fit import fit_scale_and_bias
from keras_ccar.posthoc.data.predictions import (
    Predictions,
    predict,
    require_num_columns,
    to_probabilities,
)
from keras_ccar.posthoc.prior.estimated_prior import EstimatedPrior
from keras_ccar.posthoc.prior.expectation_maximisation import SMALLEST_PRIOR, run_em
from keras_ccar.posthoc.prior.prior_checks import (
    check_corrected_prior,
    pair_of,
    require_all_seen,
    warn_of_end,
    warn_of_temperature,
)
from keras_ccar.posthoc.result import require_posthoc


def estimate_prior(
    model: Any,
    unlabelled: Any,
    class_counts: ClassCounts,
    validation: Any = None,
    num_examples: NumExamples = None,
    from_logits: bool | None = None,
    ignore_class: int | None = None,
    ignore_value: float | None = None,
    batch_size: int | None = None,
    max_iterations: int = 1000,
    tolerance: float = 1e-8,
    trained_prior: float | str | ClassCounts | None = None,
) -> EstimatedPrior:
    """Estimates the class frequencies of data from a model's predictions for them.

    For data in which the classes look as they did in training, but are more or less
    frequent (label shift). Finds the frequencies with the largest likelihood: from
    those of training on, the predictions are corrected to the frequencies, and their
    mean is the next estimate. Of yes-or-no labels the share of yes of each is estimated
    by itself.

    The predictions must be calibrated for this: with a model that is less sure than it
    is right, rare classes may disappear. With `validation`, which has the prior and the
    looks of the training data, a temperature and a bias of each class are fitted first
    (bias-corrected temperature scaling), and the prior that is taken out is the mean of
    the calibrated predictions for `validation`.

    Args:
        model: a `keras.Model` with one output, or an array of its predictions for the
            data, `(N, ..., K)`.
        unlabelled: the data: inputs, `(x, y)`, `(x, y, sample_weight)`, or batches of
            these. Labels only tell which examples to leave out, by `ignore_class`, as
            weights of 0 and the Keras mask of the model do. None for an array of
            predictions.
        class_counts: training examples of each class or label, as in `LogitCorrection`.
        validation: data with labels, as in `calibrate`; for an array of predictions a
            pair `(predictions, labels)`. None to take the predictions as they are.
        num_examples: the number of examples of labels, as in `LogitCorrection`.
        from_logits: whether predictions are logits rather than probabilities. None
            reads it from the model; arrays are taken for logits, unless all numbers are
            in [0, 1], which is an error.
        ignore_class: the class of examples to leave out.
        ignore_value: what stands for a missing answer in `validation`.
        batch_size: that of `model.predict`, for arrays.
        max_iterations: the most iterations, at least 1.
        tolerance: the estimate is done when no number in it changes by more than this,
            at least 0.
        trained_prior: the prior that training saw, where that is not the one of
            `class_counts`: "balanced" for a model that was rebalanced, as in
            `LogitCorrection`. For a model that ends in a `LogitCorrection`, the prior
            that this puts in. Only without `validation`, which tells it.

    Returns:
        An `EstimatedPrior`. Its `calibration`, if there is one, is put after the model,
        and its `layer` after that. Numbers in its `prior` are at least 1e-10, and those
        of labels at most 1 - 1e-10, so that a `LogitCorrection` can take them.

    Raises:
        ValueError: for arguments other than these, for counts of 0, for data without
            examples, for predictions that are NaN or do not fit `class_counts`, for a
            model that ends in a correction to another prior than that of
            `class_counts`, where neither `trained_prior` nor `validation` is given, for
            `validation` without examples of a class, or of an answer to a label.
        ModuleNotFoundError: without SciPy, for `validation`, and pandas.

    Warns:
        UserWarning: if the estimate still changes after `max_iterations`; if a model
            was rebalanced by a loss or by `retrain_classifier`, or ends in a
            `TemperatureScaling`, and neither `trained_prior` nor `validation` is given;
            if `trained_prior` is not what the model is corrected to; if a class gets
            less than a thousandth of one example; and as `calibrate` for temperatures.

    Reference:
        Saerens, Latinne and Decaestecker 2002, "Adjusting the Outputs of a Classifier
        to New a Priori Probabilities", Eq. 2.9; Alexandari, Kundaje and Shrikumar 2020,
        arXiv 1901.06852, for calibration.

    Example:
    ```python
    import numpy as np
    from keras_ccar.posthoc.prior.prior_estimation import estimate_prior

    # A model of two classes that is right about four in five, trained on as many of
    # each, for data of which it says three in four are of class 0.
    p = np.array([[0.8, 0.2]] * 3 + [[0.2, 0.8]])
    found = estimate_prior(p, None, [500, 500], from_logits=False)
    assert np.allclose(found.prior, [11 / 12, 1 / 12], atol=1e-4)
    corrected = found.layer(p)
    ```
    """
    max_iterations = check_whole_number("max_iterations", max_iterations, 1)
    tolerance = check_number("tolerance", tolerance, 0)
    counts = read_output_counts(class_counts, num_examples)
    shift = PriorShift(counts, trained_prior, None)
    if validation is not None and trained_prior is not None:
        raise ValueError(
            "`trained_prior` must be None with `validation`, which tells what the "
            "predictions have as their prior. Received: "
            f"trained_prior={show(trained_prior)}"
        )
    if validation is None:
        check_corrected_prior(model, trained_prior, counts)
        warn_of_temperature(model, trained_prior)
    is_model = isinstance(model, keras.Model)
    if unlabelled is not None and not is_model:
        raise ValueError(
            "`unlabelled` must be None where `model` is an array, the predictions for "
            f"it. Received: data of type {type(unlabelled).__name__}"
        )
    predictions = predict(
        model,
        unlabelled,
        counts,
        name="unlabelled",
        from_logits=from_logits,
        ignore_class=ignore_class,
        ignore_value=ignore_value,
        batch_size=batch_size,
        needs_labels=False,
    )
    require_num_columns(counts, predictions)
    are_labels = predictions.are_labels
    calibration, logits = None, predictions.logits
    if validation is None:
        warn_if_rebalanced(model, trained_prior, stacklevel=2)
        source = _trained(counts, shift, predictions)
    else:
        # For an array of predictions, those for the validation data come with it.
        validated, data = model, validation
        if not is_model:
            validated, data = pair_of(validation)
        known = predict(
            validated,
            data,
            counts,
            name="validation",
            from_logits=from_logits,
            ignore_class=ignore_class,
            ignore_value=ignore_value,
            batch_size=batch_size,
        )
        require_num_columns(counts, known)
        require_all_seen(known)
        temperature, bias = fit_scale_and_bias(known)
        logits = logits / temperature + bias
        calibrated = to_probabilities(known.logits / temperature + bias, are_labels)
        source = calibrated.mean(axis=0)
        calibration = TemperatureScaling(
            temperature.tolist(),
            bias.tolist(),
            from_logits=predictions.from_logits,
            multi_label=are_labels,
        )
    estimate = run_em(
        to_probabilities(logits, are_labels),
        source,
        are_labels,
        max_iterations,
        tolerance,
    )
    if not estimate.is_done:
        warnings.warn(
            f"The prior still changes by {estimate.steps[-1]['change']:.2g} after "
            f"{max_iterations} iterations: raise `max_iterations`.",
            stacklevel=2,
        )
    prior = np.maximum(estimate.prior, SMALLEST_PRIOR)
    prior = np.minimum(prior, 1 - SMALLEST_PRIOR) if are_labels else prior / prior.sum()
    warn_of_end(
        estimate.prior,
        len(logits),
        are_labels,
        validation is not None,
        trained_prior,
        num_examples,
    )
    layer = LogitCorrection(
        class_counts,
        target_prior=prior,
        from_logits=predictions.from_logits,
        num_examples=num_examples,
        trained_prior=trained_prior if validation is None else source,
    )
    curve = require_posthoc("pandas", "pandas").DataFrame(estimate.steps)
    return EstimatedPrior(
        prior, layer, calibration, curve, source, len(logits)
    ).remember(model)


def _trained(
    counts: OutputCounts, shift: PriorShift, predictions: Predictions
) -> np.ndarray:
    """Returns the prior that training saw, of the columns."""
    num_columns = predictions.num_columns
    logits = -shift.of_columns(num_columns)
    if shift.trained_prior is not None:
        # The shift puts in the prior of the counts.
        logits = logits + output_logits(counts.examples, num_columns)
    return to_probabilities(logits[None], predictions.are_labels)[0]
