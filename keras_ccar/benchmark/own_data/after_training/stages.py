"""What is done with a trained model: τ, τ-normalisation, cRT and thresholds.

Everything is chosen on the validation data. The figures of the validation data are
those of examples that had no part in the choice; those of the test data are made with
what was chosen on all of the validation data.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ccar.benchmark.own_data.after_training.folds import cross_fit
from keras_ccar.benchmark.own_data.training.muted_warnings import quiet
from keras_ccar.benchmark.own_data.training.train import Setting
from keras_ccar.benchmark.statistics.objectives import objective_of, threshold_objective
from keras_ccar.layers.prior_shift import PriorShift
from keras_ccar.layers.prior_warning import find_rebalancing
from keras_ccar.posthoc.by_class.scores import Decisions, decide
from keras_ccar.posthoc.composition import chain
from keras_ccar.posthoc.data.predictions import Predictions
from keras_ccar.posthoc.decisions.thresholds import tune_thresholds
from keras_ccar.posthoc.prior.logit_correction import make_correction
from keras_ccar.posthoc.prior.tau_curve import check_taus, choose_tau, score_taus
from keras_ccar.posthoc.retraining.classifier_head import (
    ClassifierHead,
    find_classifier_head,
)
from keras_ccar.posthoc.retraining.head_training import read_features
from keras_ccar.posthoc.retraining.second_stage import (
    normalise_kernel,
    retrain_classifier,
)

_RESAMPLES = 50
# τ of τ-normalisation.
_NORM_TAUS = np.round(np.arange(0, 21) * 0.1, 1)


class StageResult(NamedTuple):
    """What a stage made of a trained model.

    Attributes:
        model: the new model; None if it is the one that there was.
        predictions: for each split that is measured.
        answers: the decisions for each of them; None for those of the predictions.
        chosen: what was chosen, as plain JSON.
    """

    model: keras.Model | None
    predictions: dict[str, Predictions]
    answers: dict[str, np.ndarray] | None
    chosen: dict[str, Any]


def correct(setting: Setting, model: keras.Model, seed: int) -> StageResult:
    """Chooses τ of a `LogitCorrection`."""
    counts = setting.problem.counts
    before = {name: setting.predict(model, name) for name in setting.measured}
    held_out = before["validation"]
    shift = PriorShift(counts, None, None).of_columns(held_out.num_columns)
    adjusted = find_rebalancing(model) is not None
    grid = check_taus(None, adjusted)

    def choose(chosen_on: np.ndarray) -> float:
        part = _rows(held_out, chosen_on)
        objective = objective_of(setting.metric)
        return choose_tau(score_taus(part, counts, grid, objective, _RESAMPLES, seed))

    def apply(tau: float, rows: np.ndarray) -> np.ndarray:
        return np.asarray(held_out.logits[rows] + tau * shift)

    everything = np.arange(len(held_out.labels))
    tau = choose(everything)
    fair = cross_fit(_classes(held_out), seed, choose, apply)
    after = {
        name: predicted._replace(logits=predicted.logits + tau * shift)
        for name, predicted in before.items()
    }
    after["validation"] = held_out._replace(logits=fair)
    layer = make_correction(
        setting.problem.class_counts, None, counts, tau, adjusted, held_out
    )
    return StageResult(chain(model, layer), after, None, {"tau": tau})


def normalise(setting: Setting, model: keras.Model, seed: int) -> StageResult:
    """Chooses τ of τ-normalisation."""
    head = find_classifier_head(model)
    batch_size = setting.batch_size
    features, labels, _ = read_features(
        model,
        head,
        setting.splits["validation"].open(),
        False,
        setting.problem.unknown.ignore_class,
        None,
        batch_size,
    )
    kernel = head.layer.kernel

    def logits(tau: float, rows: np.ndarray) -> np.ndarray:
        return np.asarray(features[rows] @ normalise_kernel(kernel, tau))

    def choose(chosen_on: np.ndarray) -> float:
        scores = []
        for tau in _NORM_TAUS:
            answers = decide(logits(tau, chosen_on), False)
            decisions = Decisions(labels[chosen_on], answers, head.num_columns)
            scores.append(decisions.score(objective_of(setting.metric)))
        return float(_NORM_TAUS[int(np.argmax(scores))])

    tau = choose(np.arange(len(labels)))
    with quiet():
        normalised = retrain_classifier(
            model, None, setting.problem.class_counts, method="tau-norm", tau=tau
        )
    after = {name: setting.predict(normalised, name) for name in setting.measured}
    fair = cross_fit(labels, seed, choose, logits)
    after["validation"] = Predictions(fair, labels, False, True)
    return StageResult(normalised, after, None, {"tau": tau})


def retrain(setting: Setting, model: keras.Model, seed: int) -> StageResult:
    """Trains the last layer again on class-balanced draws (cRT); chooses nothing."""
    with quiet():
        retrained = retrain_classifier(
            model,
            setting.splits["train"].open(seed),
            setting.problem.class_counts,
            batch_size=setting.batch_size,
            seed=seed,
            **setting.problem.ignoring,
        )
    after = {name: setting.predict(retrained, name) for name in setting.measured}
    return StageResult(retrained, after, None, {})


def decide_by_thresholds(
    setting: Setting, model: keras.Model, seed: int
) -> StageResult:
    """Chooses a threshold for each yes-or-no label; of those without both answers ½."""
    predictions = {name: setting.predict(model, name) for name in setting.measured}
    held_out = predictions["validation"]
    objective = threshold_objective(setting.metric)
    untold = _without_answers(held_out)
    columns = range(held_out.num_columns)

    def chooser(column: int) -> Callable[[np.ndarray], float]:
        def choose(rows: np.ndarray) -> float:
            if column in untold:
                return 0.5
            part = (slice(None), slice(column, column + 1))
            with quiet():
                found = tune_thresholds(
                    held_out.logits[rows][part],
                    held_out.labels[rows][part],
                    objective=objective,
                    from_logits=True,
                    ignore_value=float("nan"),
                )
            return float(found.thresholds[0])

        return choose

    def says_yes(name: str, column: int) -> Callable[[float, np.ndarray], np.ndarray]:
        probabilities = predictions[name].probabilities[:, column]
        return lambda threshold, rows: probabilities[rows] >= threshold

    everything = np.arange(len(held_out.labels))
    thresholds = [chooser(column)(everything) for column in columns]

    def decide_apart(column: int) -> np.ndarray:
        """Decides examples by thresholds that they had no part in choosing."""
        says = says_yes("validation", column)
        decided = says(thresholds[column], everything)
        known = np.flatnonzero(~np.isnan(held_out.labels[:, column]))
        if column not in untold:
            choose = chooser(column)
            decided[known] = cross_fit(
                held_out.labels[known, column].astype("int64"),
                seed,
                lambda rows: choose(known[rows]),
                lambda threshold, rows: says(threshold, known[rows]),
            )
        return decided

    answers = {}
    for name, predicted in predictions.items():
        rows = np.arange(len(predicted.labels))
        decided = [
            decide_apart(column)
            if name == "validation"
            else says_yes(name, column)(thresholds[column], rows)
            for column in columns
        ]
        answers[name] = np.stack(decided, axis=1)
    return StageResult(None, predictions, answers, {"thresholds": thresholds})


def has_dense_head(model: keras.Model) -> ClassifierHead | None:
    """Returns the last layer if it turns vectors into logits, None otherwise."""
    try:
        head = find_classifier_head(model)
    except ValueError:
        return None
    is_dense = isinstance(head.layer, keras.layers.Dense)
    return head if is_dense and len(head.output.shape) == 2 else None


def _rows(predictions: Predictions, rows: np.ndarray) -> Predictions:
    return predictions._replace(
        logits=predictions.logits[rows], labels=predictions.labels[rows]
    )


def _classes(predictions: Predictions) -> np.ndarray:
    labels = predictions.labels
    return np.asarray(labels if labels.ndim == 1 else labels[:, 0].astype("int64"))


def _without_answers(predictions: Predictions) -> set[int]:
    """Returns the labels of which thresholds cannot be chosen and measured.

    Raises:
        ValueError: if these are all.
    """
    yes, no = (
        (predictions.labels == 1).sum(axis=0),
        (predictions.labels == 0).sum(axis=0),
    )
    few = np.flatnonzero(np.minimum(yes, no) < 2)
    if few.size == predictions.num_columns:
        raise ValueError(
            "`validation` must have two examples or more of yes and of no, to choose "
            f"thresholds on some and measure on others. Received: {yes[few[0]]} of yes "
            f"and {no[few[0]]} of no for label {few[0]}. Hold out more."
        )
    return set(few.tolist())
