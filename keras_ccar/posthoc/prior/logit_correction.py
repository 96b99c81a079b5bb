"""Chooses how much of the prior to take out of a trained model's logits."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import check_boolean, check_whole_number
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.layers.model_output import output_activation, output_tensor
from keras_ccar.output_counts import OutputCounts, read_output_counts
from keras_ccar.posthoc.by_class.scores import check_objective
from keras_ccar.posthoc.by_class.units import read_units
from keras_ccar.posthoc.data.enough_examples import require_examples
from keras_ccar.posthoc.data.predictions import (
    Predictions,
    predict,
    require_num_columns,
)
from keras_ccar.posthoc.prior.prior_gap import rebalancing_of
from keras_ccar.posthoc.prior.target_prior import warn_of_other_prior
from keras_ccar.posthoc.prior.tau_curve import check_taus, choose_tau, score_taus
from keras_ccar.posthoc.prior.tuned_correction import TunedLogitCorrection

Objective = str | Callable[[np.ndarray, np.ndarray], float]


def tune_logit_correction(
    model: Any,
    validation: Any,
    class_counts: ClassCounts,
    objective: Objective = "balanced_accuracy",
    taus: Sequence[float] | np.ndarray | None = None,
    adjusted: bool = False,
    num_examples: NumExamples = None,
    from_logits: bool | None = None,
    ignore_class: int | None = None,
    ignore_value: float | None = None,
    batch_size: int | None = None,
    train: Any = None,
    resamples: int = 200,
    seed: int = 0,
    resample_by: Any = None,
) -> TunedLogitCorrection:
    """Chooses the τ of a `LogitCorrection` on validation data.

    Each τ of a grid is tried on the same predictions, so nothing is trained. Of all τ
    whose score is within one standard error of the best one, the smallest is chosen,
    because a larger correction has to earn its place. The standard error is that of the
    difference between the two scores on the same examples, from bootstrap resamples of
    each class.

    The choice is only as good as the validation data: they must be held out of the
    training data, before training, with examples of every class. They need not be
    balanced.

    Args:
        model: a trained `keras.Model` with one output, or an array of its predictions,
            of shape `(N, ..., K)`; then `validation` is their labels.
        validation: what `model.predict` takes, with labels: `(x, y)`, a
            `tf.data.Dataset`, a torch `DataLoader` or a `keras.utils.PyDataset` of
            batches. Labels are integers `(N, ...)` or one-hot `(N, ..., K)`; zeros and
            ones `(N, ..., K)` of yes-or-no labels.
        class_counts: the training examples, as for `LogitCorrection`.
        objective: "balanced_accuracy", "macro_f1" or "geometric_mean", of the most
            probable classes or, for labels, of thresholds of one half; or a function
            of labels and probabilities of shape `(N, K)` that returns a number, more
            being better.
        taus: the grid. None for 0 to 3 in steps of 0.05 or, if `adjusted`, -1.5 to 1.5.
        adjusted: whether the model was trained with a loss that adjusts its logits or
            weighs its classes, or on balanced draws. The τ is what to add to that;
            below 0 it puts a part of the prior back.
        num_examples: as for `LogitCorrection`.
        from_logits: whether the output is logits. None reads it from the model; an
            array of probabilities needs False.
        ignore_class: the label of examples to leave out, or None.
        ignore_value: the value of missing answers of yes-or-no labels, or None.
        batch_size: of `model.predict`, for arrays. None for 32.
        train: the training data. If given, examples that both have are an error.
        resamples: bootstrap resamples for the standard error.
        seed: of the resamples.
        resample_by: whom or what each example of the validation data belongs to, as for
            `evaluate_classes`. None takes all rows for independent, so that the error
            of segmentation is too small.

    Returns:
        A `TunedLogitCorrection` with `.tau`, `.layer` and `.curve`.

    Raises:
        ValueError: for arguments other than these; for a model that was compiled with
            an adjusted or weighted loss, that comes from `retrain_classifier`, or that
            is corrected already, unless `adjusted=True`; for validation data without an
            example of some class, with labels out of range, or that `train` has too;
            for predictions that are NaN.

    Warns:
        UserWarning: if a class has under 5 examples in the validation data; if the
            model ends in a correction to another `target_prior` than that of the data.

    Reference:
        Menon et al. 2021, arXiv 2007.07314, Sec. 4.1; Breiman et al. 1984,
        "Classification and Regression Trees", Sec. 3.4.3, for the rule.

    Example:
    ```python
    import numpy as np
    from keras_ccar.posthoc import tune_logit_correction

    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [300, 30])
    logits = rng.normal(size=(330, 2)) + 2.0 * np.eye(2)[labels] + [2.0, 0.0]
    tuned = tune_logit_correction(logits, labels, class_counts=[900, 90])
    assert tuned.tau > 0
    corrected = tuned.layer(logits.astype("float32"))
    ```
    """
    checked_objective = check_objective(objective)
    adjusted = check_boolean("adjusted", adjusted)
    resamples = check_whole_number("resamples", resamples, 2)
    seed = check_whole_number("seed", seed, 0)
    grid = check_taus(taus, adjusted)
    counts = read_output_counts(class_counts, num_examples)
    if not adjusted:
        _require_unadjusted(model)
    predictions = predict(
        model,
        validation,
        counts,
        name="validation",
        from_logits=from_logits,
        ignore_class=ignore_class,
        ignore_value=ignore_value,
        batch_size=batch_size,
        train=train,
    )
    require_num_columns(counts, predictions)
    require_examples(
        "validation", predictions.labels, predictions.num_columns, stacklevel=2
    )
    advice = "Tune the model that the correction was added to."
    warn_of_other_prior(model, predictions, "validation", advice)
    units = read_units(resample_by, predictions)
    curve = score_taus(
        predictions, counts, grid, checked_objective, resamples, seed, units
    )
    tau = choose_tau(curve)
    layer = make_correction(
        class_counts, num_examples, counts, tau, adjusted, predictions
    )
    name = objective if isinstance(objective, str) else "objective"
    return TunedLogitCorrection(tau, layer, curve, name).remember(model)


def _require_unadjusted(model: Any) -> None:
    if not isinstance(model, keras.Model):
        return
    rebalancing = rebalancing_of(model)
    if rebalancing is not None:
        received = f"a model {rebalancing.origin}, which {rebalancing.what}"
    elif output_tensor(model) is not None and output_activation(model)[1]:
        received = "a model whose output is corrected already"
    else:
        return
    raise ValueError(
        "`model` must be trained without an adjustment for the prior, unless "
        f"`adjusted=True`. Received: {received}. Pass `adjusted=True` to look for the "
        "τ to add to that, which may be 0."
    )


def make_correction(
    class_counts: ClassCounts,
    num_examples: NumExamples,
    counts: OutputCounts,
    tau: float,
    adjusted: bool,
    predictions: Predictions,
) -> LogitCorrection:
    """Returns the correction that adds `-tau log f` to the logits, up to a constant.

    Args:
        class_counts: the training examples, as of `LogitCorrection`.
        num_examples: as of `LogitCorrection`.
        counts: both, as `read_output_counts` reads them.
        tau: τ, below 0 to put a part of the prior back.
        adjusted: whether the model was trained with an adjusted or weighted loss.
        predictions: of the model.
    """
    trained_prior: Any = None
    target_prior: Any = None
    if tau < 0:
        # What is put back is the prior of the training data.
        trained_prior = "balanced"
    elif adjusted:
        # Said in so many words, because it is no mistake here.
        examples = counts.examples
        if counts.mean_labels(predictions.num_columns):
            yes, no = examples if counts.are_labels else examples[::-1]
            trained_prior, target_prior = yes / (yes + no), 0.5
        else:
            trained_prior = examples / examples.sum()
            target_prior = np.full(len(examples), 1 / len(examples))
    return LogitCorrection(
        class_counts,
        abs(tau),
        target_prior,
        predictions.from_logits,
        num_examples=num_examples,
        trained_prior=trained_prior,
    )
