"""What a run takes over from runs before it: the controls of the benchmark.

A larger effective step must not be mistaken for the method. So cross-entropy is also
trained with CCAR's mean weight on every sample, logit adjustment with that of CCAR +
logit adjustment, and cross-entropy at the learning rate that suits it best on
validation images.
"""

import dataclasses

from keras_ccar.benchmark.spec.methods import METHODS

# Of the runs that try learning rates: one choice serves all seeds.
TUNING_SEED = 0


def tuning_runs(method, recipe):
    """Returns what is trained to choose the learning rate of a method.

    Args:
        method: the `keras_ccar.benchmark.spec.methods.Method`.
        recipe: the `Recipe`, whose learning rate is in the middle.

    Returns:
        A list of `(recipe, method, seed)`, cross-entropy at each learning rate; empty
        for methods that take the recipe's own.
    """
    return [
        (
            recipe.with_settings(learning_rate=factor * recipe.learning_rate),
            METHODS["ce"],
            TUNING_SEED,
        )
        for factor in method.learning_rate_factors
    ]


def resolve_settings(run, records):
    """Returns what a run trains with once the runs before it are done.

    Args:
        run: the `keras_ccar.benchmark.runner.plan.Run`.
        records: the records of `run.depends_on`.

    Returns:
        The `Recipe`, the `LossOptions`, and a dict for the record that says what was
        decided and by what; empty if nothing was.

    Raises:
        RuntimeError: if a run before it failed, except at a learning rate at which
            the loss overflowed, as long as it did not at every one.
    """
    finished = []
    for earlier, record in zip(run.depends_on, records, strict=True):
        if record["status"] == "finished":
            finished.append((earlier, record))
        # A learning rate at which the loss overflowed is one that does not suit. Any
        # other failure says nothing of it, and may be gone when it is tried again.
        elif run.method.scaled_by or not _overflowed(record):
            raise _needed(run, earlier, record)
    if run.depends_on and not finished:
        raise _needed(run, run.depends_on[0], records[0])
    if run.method.scaled_by:
        ((_, record),) = finished
        scale = record["mean_weight"]
        options = dataclasses.replace(run.options, scale=scale)
        return run.recipe, options, {"scale": scale, "after": [record["id"]]}
    if not run.depends_on:
        return run.recipe, run.options, {}
    best, _ = max(finished, key=lambda pair: pair[1]["balanced"])
    tried = [
        {
            "learning_rate": earlier.recipe.learning_rate,
            "validation_balanced": record.get("balanced"),
            "run": record["id"],
        }
        for earlier, record in zip(run.depends_on, records, strict=True)
    ]
    rate = best.recipe.learning_rate
    recipe = run.recipe.with_settings(learning_rate=rate)
    return recipe, run.options, {"learning_rate": rate, "tried": tried}


def _overflowed(record):
    return record["error"].startswith(FloatingPointError.__name__)


def _needed(run, earlier, record):
    return RuntimeError(
        f"{run.method.name} needs a finished run of {earlier.method.name}, seed "
        f"{earlier.seed}, learning rate {earlier.recipe.learning_rate:g}, which "
        f"failed: {record['error']}"
    )
