"""What a comparison found, in sentences with the numbers in them."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.curves import accuracy_curve, training_confidence
from keras_ccar.benchmark.report.summary import format_signed
from keras_ccar.benchmark.statistics.paired import (
    PairedDifference,
    paired_difference,
    paired_ratio,
)

# A method, and the one that it has to beat.
_QUESTIONS = (
    ("ccar", "ce"),
    ("ccar", "bs"),
    ("ccar+la", "la"),
    ("ccar+bs", "bs"),
    ("ccar+la", "ce"),
    ("ccar+la", "bs"),
    ("ccar", "ce-tuned"),
)
# A method, its baseline, and that baseline times the method's mean weight.
_CONTROLS = (
    ("ccar", "ce", "ce×c"),
    ("ccar", "ce", "ce×c(t)"),
    ("ccar+la", "la", "la×c"),
    ("ccar+la", "la", "la×c(t)"),
)
# A comparison that lacks one of these methods leaves a question open.
_NEEDED = {
    "ccar": "CCAR",
    "ce": "cross-entropy",
    "bs": "Balanced Softmax",
    "la": "logit adjustment",
    "ccar+la": "CCAR + logit adjustment",
    "ce×c": "cross-entropy × CCAR's mean weight (its control)",
    "la×c": "logit adjustment × the mean weight of CCAR + logit adjustment (its "
    "control)",
}


def verdicts(comparison: Comparison) -> list[str]:
    """Says in sentences whether CCAR beat what it has to beat.

    Balanced accuracy decides: the mean of the recalls of all classes, in percent.
    """
    titles = {method["name"]: method["title"] for method in comparison.methods}
    known = comparison.representatives
    sentences = [
        _verdict(comparison, titles, *names) for names in _asked(_QUESTIONS, known)
    ]
    sentences += [
        _explained_by_control(comparison, titles, *names)
        for names in _asked(_CONTROLS, known)
    ]
    sentences += _equal_methods(comparison)
    if {"ccar", "ce"} <= titles.keys():
        sentences += _speed_of_training(comparison, titles)
        sentences += _overfitting(comparison, titles)
    absent = [title for name, title in _NEEDED.items() if name not in known]
    if absent:
        sentences.append(f"Not compared here: {', '.join(absent)}.")
    return sentences


def _asked(
    questions: Iterable[tuple[str, ...]], known: Mapping[str, str]
) -> list[tuple[str, ...]]:
    """Returns the questions about methods that were compared, each once.

    Methods that compute the same are one, so that two questions may be the same, and
    none is asked of a method against itself.
    """
    found = [
        tuple(known[name] for name in names)
        for names in questions
        if set(names) <= known.keys()
    ]
    return [names for names in dict.fromkeys(found) if len(set(names)) == len(names)]


def _equal_methods(comparison: Comparison) -> list[str]:
    """Says which methods were trained and counted once, under another's name."""
    return [
        f"{other['title']} computes here the same as {method['title']}: they are one "
        "method under two names, trained once and counted once."
        for method in comparison.methods
        for other in method.get("equal_methods", ())
    ]


def _shared_scores(comparison: Comparison, *names: str) -> list[pd.Series]:
    """Returns the balanced accuracies of methods, over the seeds that all finished."""
    scores = {name: comparison.by_seed(name, "balanced") for name in names}
    shared = pd.DataFrame(scores).dropna()
    return [shared[name] for name in names]


def _verdict(
    comparison: Comparison, titles: dict[str, str], method: str, baseline: str
) -> str:
    """Says whether a method beat a baseline."""
    ours, theirs = _shared_scores(comparison, method, baseline)
    difference = paired_difference(ours, theirs)
    name, other = titles[method], titles[baseline]
    if not difference.seeds:
        return f"{name} against {other}: no seed was finished by both."
    numbers = (
        f"{ours.mean():.2f} % against {theirs.mean():.2f} % balanced "
        f"accuracy, {format_signed(difference.mean)} points"
    )
    if not difference.has_interval:
        return (
            f"{name} against {other}: {numbers}, {_too_few(difference)}, so there is "
            "no confidence interval and neither can be said to be better."
        )
    interval = f"{_interval(difference)}, {difference.seeds} paired seeds"
    if difference.includes_zero:
        return (
            f"{name} did not measurably differ from {other}: {numbers}; the {interval},"
            " includes zero."
        )
    verb = "beat" if difference.mean > 0 else "lost to"
    return f"{name} {verb} {other}: {numbers}; the {interval}, excludes zero."


def _explained_by_control(
    comparison: Comparison, titles: dict[str, str], *names: str
) -> str:
    """Says how much of a method's gain is explained by its larger steps alone.

    `names` are the method, its baseline and the control.
    """
    ours, theirs, scaled = _shared_scores(comparison, *names)
    name, other, control = (titles[of] for of in names)
    head = f"The control, {control},"
    if ours.empty:
        return f"{head} explains nothing yet: no seed was finished by all three."
    gain = paired_difference(ours, theirs)
    explained = paired_difference(scaled, theirs)
    rest = paired_difference(ours, scaled)
    numbers = (
        f"{head} changed {other} by {_points(explained)} where {name} changed it by "
        f"{_points(gain)}; {name} less the control is {_points(rest)}"
    )
    if not gain.has_interval:
        return (
            f"{numbers}; {_too_few(gain)} there is no interval, and no share is given."
        )
    if gain.mean <= 0:
        return f"{numbers}. {name} gained nothing, so there is no share to explain."
    if gain.includes_zero:
        return (
            f"{numbers}. The interval of the gain of {name} includes zero, so no share "
            "of it is given."
        )
    share = paired_ratio(scaled - theirs, ours - theirs)
    return (
        f"{numbers}. So the control explains {100 * share.value:.0f} % of the gain "
        f"(95 % confidence interval {_percent(share.low)} to {_percent(share.high)}, "
        f"{len(ours)} paired seeds)."
    )


def _speed_of_training(comparison: Comparison, titles: dict[str, str]) -> list[str]:
    """Says when CCAR was as confident on the training data as cross-entropy became."""
    theirs = training_confidence(comparison, "ce")
    ours = training_confidence(comparison, "ccar")
    seeds = sorted(theirs.keys() & ours.keys())
    if not seeds:
        return []
    epochs = [np.flatnonzero(ours[seed] >= theirs[seed][-1]) for seed in seeds]
    reached = [found[0] + 1 for found in epochs if found.size]
    ours_last, theirs_last = (
        {seed: 100 * curves[seed][-1] for seed in seeds} for curves in (ours, theirs)
    )
    when = f", on average in epoch {np.mean(reached):.1f}" if reached else ""
    reference = np.mean(list(theirs_last.values()))
    return [
        "Speed of training: the mean confidence in the true class of a training "
        f"example, {reference:.2f} % under {titles['ce']} in the last of "
        f"{len(theirs[seeds[0]])} epochs, was reached by {titles['ccar']} with "
        f"{len(reached)} of {len(seeds)} seeds{when}; in the last epoch the two differ "
        f"by {_points(paired_difference(ours_last, theirs_last))}."
    ]


def _overfitting(comparison: Comparison, titles: dict[str, str]) -> list[str]:
    """Says how far accuracy on the test set fell from its highest to the last epoch."""
    ours, theirs = _falls(comparison, "ccar"), _falls(comparison, "ce")
    seeds = sorted(theirs.keys() & ours.keys())
    if not seeds:
        return []
    our_mean, their_mean = (
        np.mean([falls[seed] for seed in seeds]) for falls in (ours, theirs)
    )
    return [
        "Overfitting: from the highest balanced accuracy that was measured on the test "
        f"set during training to that of the last epoch, {titles['ce']} lost "
        f"{their_mean:.2f} points and {titles['ccar']} {our_mean:.2f}; the two "
        f"losses differ by {_points(paired_difference(ours, theirs))}."
    ]


def _falls(comparison: Comparison, method: str) -> dict[int, float]:
    """Returns highest less last balanced accuracy during the training, by seed."""
    falls = {}
    for run in comparison.finished_runs(method):
        _, balanced = accuracy_curve(run, "balanced", comparison.recipe["epochs"])
        falls[run["seed"]] = max(balanced) - balanced[-1]
    return falls


def _too_few(difference: PairedDifference) -> str:
    if difference.seeds == 1:
        return "from 1 seed"
    return f"from {difference.seeds} seeds that differ by the same"


def _points(difference: PairedDifference) -> str:
    points = f"{format_signed(difference.mean)} points"
    if not difference.has_interval:
        return points
    return f"{points} ({_interval(difference)})"


def _interval(difference: PairedDifference) -> str:
    return (
        f"95 % confidence interval {format_signed(difference.low)} to "
        f"{format_signed(difference.high)}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %".replace("-", "\N{MINUS SIGN}")
