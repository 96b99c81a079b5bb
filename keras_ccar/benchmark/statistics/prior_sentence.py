"""Says of which class frequencies the probabilities of a trained model are."""

from collections.abc import Sequence
from typing import Any

from keras_ccar.benchmark.results_format import MethodEntry, RunEntry

# Methods after training, by what a model lacks that has not gone through them.
_WITHOUT = {
    "tau": "the correction",
    "tau-norm": "the normalisation",
    "thresholds": "thresholds",
}
# They take out a part of the prior that nobody knows.
_IN_PART = ("tau", "tau-norm")
_BALANCED = '"balanced"'


def describe_prior_gap(
    run: RunEntry,
    others: Sequence[RunEntry],
    methods: Sequence[MethodEntry],
    class_names: Sequence[str],
) -> str:
    """Returns what users of a run's probabilities must know, "" if nothing.

    Args:
        run: a finished run of the user's own data.
        others: the finished runs of the comparison.
        methods: the methods of the comparison.
        class_names: the names of its classes or labels; of one label of no and yes.
    """
    if not _gap_of(run):
        return ""
    name = run["method"]
    entries: dict[str, Any] = {method["name"]: method for method in methods}
    entry = entries.get(name, {})
    base = entry.get("derived_from") or name
    stage = name.removeprefix(f"{base}+")
    trained_prior = _BALANCED if stage == "crt" else entry.get("trained_prior")
    what = "are not those of the data"
    if trained_prior or stage in _IN_PART:
        what += ", but of classes that are more equally frequent"
    taken = "the model that `finish()` returns"
    if stage in _WITHOUT:
        taken = (
            f'`comparison.model("{base}", {run["seed"]})`, the model without '
            f"{_WITHOUT[stage]}"
        )
    elif run.get("chosen", {}).get("temperature") is not None:
        # It fits the probabilities of the other prior.
        taken = (
            f'`comparison.model("{name}", {run["seed"]})`, the model without the '
            "temperature"
        )
    if stage in _IN_PART and not trained_prior:
        before = [r for r in others if (r["method"], r["seed"]) == (base, run["seed"])]
        advice = f"take {taken}"
        if before and _gap_of(before[0]):
            advice += f"; there {_shown(before[0], class_names)}"
    else:
        given = trained_prior or _BALANCED
        advice = (
            f"put `keras_ccar.LogitCorrection(class_counts, trained_prior={given})`, "
            f"with the counts of the training data, by `keras_ccar.posthoc.chain` "
            f"behind {taken}, and calibrate the result by "
            "`keras_ccar.posthoc.calibrate`"
        )
        if not trained_prior:
            advice += (
                ", if the loss or the training data balance the classes; otherwise "
                "train for more epochs, until the log loss of held-out data no longer "
                "falls"
            )
    return (
        f"The probabilities of {name} {what}: on the validation data "
        f"{_shown(run, class_names)}. For probabilities of the data as they are, "
        f"{advice}."
    )


def _gap_of(run: RunEntry) -> Any:
    return run.get("chosen", {}).get("prior_gap")


def _shown(run: RunEntry, class_names: Sequence[str]) -> str:
    place, mean, share = _gap_of(run)
    return (
        f"that of {class_names[int(place)]} is {mean:.3g} on average, and its share is "
        f"{share:.3g}"
    )
