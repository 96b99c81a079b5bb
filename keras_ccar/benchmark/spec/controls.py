"""Controls of the benchmark: what a run takes from the runs that it depends on.

A larger effective step must not be mistaken for a better method. So the benchmark also
trains cross-entropy with CCAR's mean weight on every sample, logit adjustment with the
mean weight of CCAR + logit adjustment, and cross-entropy at the learning rate that
suits it best on validation images. CCAR's mean weight falls in the course of training,
as a learning rate does, so the stricter controls follow it epoch by epoch. A recipe
with `tune_learning_rate` chooses the learning rate of every method in the same way.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import LEARNING_RATE_FACTORS, METHODS, Method
from keras_ccar.benchmark.spec.recipes import Recipe

_Outcome = tuple[Any, dict[str, Any]]  # a run and its record


def learning_rate_factors(method: Method, recipe: Recipe) -> tuple[float, ...]:
    """Returns the factors of the learning rate that a method tries under a recipe."""
    if recipe.tune_learning_rate:
        return LEARNING_RATE_FACTORS
    return method.learning_rate_factors


def tuning_runs(method: Method, recipe: Recipe) -> list[tuple[Recipe, Method, int]]:
    """Returns the runs that choose the learning rate of a method, if it is tuned.

    Each is a `(recipe, method, seed)`: the method at one of the learning rates, with
    seed 0, whose choice serves all seeds.
    """
    # The same runs serve the two names of tuned cross-entropy.
    tried = METHODS["ce"] if method.learning_rate_factors else method
    return [
        (
            recipe.with_settings(
                learning_rate=factor * recipe.learning_rate, tune_learning_rate=False
            ),
            tried,
            0,
        )
        for factor in learning_rate_factors(method, recipe)
    ]


def resolve_settings(
    run: Any, records: Sequence[dict[str, Any]]
) -> tuple[Recipe, LossOptions, dict[str, Any]]:
    """Returns the settings of a run once the runs that it depends on are done.

    Args:
        run: the `keras_ccar.benchmark.runner.planned_run.Run`.
        records: the records of `run.depends_on`: first the run that scales it, if its
            method is scaled, then those that choose its learning rate.

    Returns:
        The `Recipe`, the `LossOptions`, and a dict for the record that says what was
        decided and from which runs; empty if nothing was.

    Raises:
        RuntimeError: if a run that it depends on failed. A loss that overflowed at
            some of the learning rates, but not at all, is no such failure.
    """
    outcomes = list(zip(run.depends_on, records, strict=True))
    is_scaled = bool(run.method.scaled_by)
    scaling, tried = outcomes[:is_scaled], outcomes[is_scaled:]
    _check_outcomes(run, scaling, tried)
    recipe, options = run.recipe, run.options
    resolved: dict[str, Any] = {}
    for _, record in scaling:
        options, scale = _scaled(run, record)
        resolved |= {**scale, "after": [record["id"]]}
    if tried:
        rate = _best_learning_rate(tried)
        recipe = recipe.with_settings(learning_rate=rate)
        resolved |= {"learning_rate": rate, "tried": _list_tried(tried)}
    return recipe, options, resolved


def _check_outcomes(run: Any, scaling: list[_Outcome], tried: list[_Outcome]) -> None:
    """Raises a RuntimeError if a run failed without which there is no decision."""

    def failed(outcomes: list[_Outcome]) -> list[_Outcome]:
        return [pair for pair in outcomes if pair[1]["status"] != "finished"]

    # A learning rate at which the loss overflowed, or that of the run which scales it,
    # does not suit. Any other failure says nothing about the learning rate, and may not
    # occur again.
    fatal = failed(scaling) + [
        pair for pair in failed(tried) if "FloatingPointError" not in pair[1]["error"]
    ]
    if not fatal and len(failed(tried)) == len(tried):
        fatal = tried
    if fatal:
        earlier, record = fatal[0]
        raise RuntimeError(
            f"{run.method.name} needs a finished run of {earlier.method.name}, seed "
            f"{earlier.seed}, learning rate {earlier.recipe.learning_rate:g}, which "
            f"failed: {record['error']}"
        )


def _scaled(run: Any, record: dict[str, Any]) -> tuple[LossOptions, dict[str, Any]]:
    """Returns the options of a scaled run, and what its record says of the scale."""
    if run.method.scales_by_epoch:
        scales = record["history"]["mean_weight"]
        options = dataclasses.replace(run.options, epoch_scales=tuple(scales))
        return options, {"epoch_scales": scales}
    scale = record["mean_weight"]
    return dataclasses.replace(run.options, scale=scale), {"scale": scale}


def _best_learning_rate(tried: list[_Outcome]) -> float:
    finished = [pair for pair in tried if pair[1]["status"] == "finished"]
    best, _ = max(finished, key=lambda pair: pair[1]["balanced"])
    rate: float = best.recipe.learning_rate
    return rate


def _list_tried(tried: list[_Outcome]) -> list[dict[str, Any]]:
    return [
        {
            "learning_rate": earlier.recipe.learning_rate,
            "validation_balanced": record.get("balanced"),
            "run": record["id"],
        }
        for earlier, record in tried
    ]
