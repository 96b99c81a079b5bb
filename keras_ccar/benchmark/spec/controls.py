"""Controls of the benchmark: what a run takes from the runs that it depends on.

A larger effective step must not be mistaken for a better method. So the benchmark also
trains cross-entropy with CCAR's mean weight on every sample, logit adjustment with the
mean weight of CCAR + logit adjustment, and cross-entropy at the learning rate that
suits it best on validation images. CCAR's mean weight falls in the course of training,
as a learning rate does, so the stricter controls follow it epoch by epoch.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import METHODS, Method
from keras_ccar.benchmark.spec.recipes import Recipe


def tuning_runs(method: Method, recipe: Recipe) -> list[tuple[Recipe, Method, int]]:
    """Returns the runs that choose the learning rate of a method, if it is tuned.

    Each is a `(recipe, method, seed)`: cross-entropy at one of the learning rates, with
    seed 0, whose choice serves all seeds.
    """
    rates = [factor * recipe.learning_rate for factor in method.learning_rate_factors]
    return [
        (recipe.with_settings(learning_rate=rate), METHODS["ce"], 0) for rate in rates
    ]


def resolve_settings(
    run: Any, records: Sequence[dict[str, Any]]
) -> tuple[Recipe, LossOptions, dict[str, Any]]:
    """Returns the settings of a run once the runs that it depends on are done.

    Args:
        run: the `keras_ccar.benchmark.runner.plan.Run`.
        records: the records of `run.depends_on`.

    Returns:
        The `Recipe`, the `LossOptions`, and a dict for the record that says what was
        decided and from which runs; empty if nothing was.

    Raises:
        RuntimeError: if a run that it depends on failed. A loss that overflowed at
            some of the learning rates, but not at all, is no such failure.
    """
    outcomes = list(zip(run.depends_on, records, strict=True))
    finished = [pair for pair in outcomes if pair[1]["status"] == "finished"]
    failed = [pair for pair in outcomes if pair[1]["status"] != "finished"]
    # A learning rate at which the loss overflowed does not suit. Any other failure says
    # nothing about the learning rate, and may not occur again.
    fatal = [
        (earlier, record)
        for earlier, record in failed
        if run.method.scaled_by or not record["error"].startswith("FloatingPointError")
    ]
    if fatal or (failed and not finished):
        earlier, record = (fatal or failed)[0]
        raise RuntimeError(
            f"{run.method.name} needs a finished run of {earlier.method.name}, seed "
            f"{earlier.seed}, learning rate {earlier.recipe.learning_rate:g}, which "
            f"failed: {record['error']}"
        )
    if run.method.scaled_by:
        ((_, record),) = finished
        options, scale = _scaled(run, record)
        return run.recipe, options, {**scale, "after": [record["id"]]}
    if not run.depends_on:
        return run.recipe, run.options, {}
    best, _ = max(finished, key=lambda pair: pair[1]["balanced"])
    tried = [
        {
            "learning_rate": earlier.recipe.learning_rate,
            "validation_balanced": record.get("balanced"),
            "run": record["id"],
        }
        for earlier, record in outcomes
    ]
    rate = best.recipe.learning_rate
    recipe = run.recipe.with_settings(learning_rate=rate)
    return recipe, run.options, {"learning_rate": rate, "tried": tried}


def _scaled(run: Any, record: dict[str, Any]) -> tuple[LossOptions, dict[str, Any]]:
    """Returns the options of a scaled run, and what its record says of the scale."""
    if run.method.scales_by_epoch:
        scales = record["history"]["mean_weight"]
        options = dataclasses.replace(run.options, epoch_scales=tuple(scales))
        return options, {"epoch_scales": scales}
    scale = record["mean_weight"]
    return dataclasses.replace(run.options, scale=scale), {"scale": scale}
