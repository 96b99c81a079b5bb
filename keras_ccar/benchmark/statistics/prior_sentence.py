"""Says of which class frequencies the probabilities of a trained model are."""

from collections.abc import Sequence

from keras_ccar.benchmark.results_format import RunEntry

# They take out a part of the prior that nobody knows.
_IN_PART = ("tau", "tau-norm")


def describe_prior_gap(
    run: RunEntry, others: Sequence[RunEntry], class_names: Sequence[str]
) -> str:
    """Returns what users of a run's probabilities must know, "" if nothing.

    Args:
        run: a finished run of the user's own data.
        others: the finished runs of the comparison.
        class_names: the names of its classes or labels; of one label of no and yes.
    """
    chosen = run.get("chosen", {})
    if "prior_gap" not in chosen or "thresholds" in chosen:
        return ""
    place, mean, share = chosen["prior_gap"]
    return (
        f"The probabilities of {run['method']} are not those of the data, but of "
        "classes that are more equally frequent: on the validation data that of "
        f"{class_names[int(place)]} is {mean:.3g} on average, and its share is "
        f"{share:.3g}. For probabilities of the data as they are, "
        f"{_advice(run, others)}."
    )


def _advice(run: RunEntry, others: Sequence[RunEntry]) -> str:
    base, _, stage = str(run["method"]).rpartition("+")
    if stage not in _IN_PART:
        return (
            'put `keras_ccar.LogitCorrection(class_counts, trained_prior="balanced")`, '
            "with the counts of the training data, behind the model that `finish()` "
            "returns, by `keras_ccar.posthoc.chain`"
        )
    for other in others:
        is_base = (other["method"], other["seed"]) == (base, run["seed"])
        if is_base and "prior_gap" not in other.get("chosen", {}):
            return f'take `comparison.model("{base}", {run["seed"]})`'
    return "train with a loss that knows no class counts, such as cross-entropy"
