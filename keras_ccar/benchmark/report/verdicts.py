"""What a comparison found, in sentences with the numbers in them."""

import numpy as np

from keras_ccar.benchmark.report.curves import accuracy_curve, training_confidence
from keras_ccar.benchmark.report.statistics import paired_difference, paired_ratio
from keras_ccar.benchmark.report.summary import format_signed

# Method, and what it has to beat.
_QUESTIONS = (
    ("ccar", "ce"),
    ("ccar", "bs"),
    ("ccar+la", "la"),
    ("ccar+bs", "bs"),
    ("ccar+la", "ce"),
    ("ccar+la", "bs"),
    ("ccar", "ce-tuned"),
)
# Method, what it changes, and the latter with the method's mean weight.
_CONTROLS = (("ccar", "ce", "ce×c"), ("ccar+la", "la", "la×c"))
# Without these a question of the benchmark stays open.
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


def verdicts(comparison):
    """Says in sentences whether CCAR beat what it has to beat.

    Balanced accuracy decides: the mean of the recalls of all classes, in percent.

    Args:
        comparison: the `Comparison`.

    Returns:
        A list of sentences, the numbers in each.
    """
    titles = {method["name"]: method["title"] for method in comparison.methods}
    sentences = [
        _verdict(comparison, method, baseline, titles)
        for method, baseline in _QUESTIONS
        if method in titles and baseline in titles
    ]
    sentences.extend(
        _explained_by_control(comparison, *names, titles)
        for names in _CONTROLS
        if set(names) <= set(titles)
    )
    if {"ccar", "ce"} <= set(titles):
        sentences.extend(_speed_of_training(comparison, titles))
        sentences.extend(_overfitting(comparison, titles))
    absent = [title for name, title in _NEEDED.items() if name not in titles]
    if absent:
        sentences.append(f"Not compared here: {', '.join(absent)}.")
    return sentences


def _verdict(comparison, method, baseline, titles):
    ours = comparison.by_seed(method, "balanced")
    theirs = comparison.by_seed(baseline, "balanced")
    difference = paired_difference(ours, theirs)
    name, other = titles[method], titles[baseline]
    if not difference.seeds:
        return f"{name} against {other}: no seed was finished by both."
    seeds = ours.index.intersection(theirs.index)
    numbers = (
        f"{ours[seeds].mean():.2f} % against {theirs[seeds].mean():.2f} % balanced "
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


def _explained_by_control(comparison, method, baseline, control, titles):
    """Says what part of a method's gain a larger step alone explains."""
    ours, theirs, scaled = (
        comparison.by_seed(name, "balanced") for name in (method, baseline, control)
    )
    # One set of seeds for all three numbers.
    shared = theirs.dropna().index.intersection(scaled.dropna().index)
    shared = shared.intersection(ours.dropna().index)
    ours, theirs, scaled = ours[shared], theirs[shared], scaled[shared]
    name, other = titles[method], titles[baseline]
    head = f"The control, {titles[control]},"
    if not len(shared):
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
        f"{share.seeds} paired seeds)."
    )


def _speed_of_training(comparison, titles):
    """Says when CCAR was as confident on the training data as cross-entropy became."""
    curves = {name: training_confidence(comparison, name) for name in ("ce", "ccar")}
    seeds = sorted(curves["ce"].keys() & curves["ccar"].keys())
    if not seeds:
        return []
    epochs = len(curves["ce"][seeds[0]])
    reached = []
    for seed in seeds:
        at_least = np.flatnonzero(curves["ccar"][seed] >= curves["ce"][seed][-1])
        if at_least.size:
            reached.append(at_least[0] + 1)
    last = {
        name: {seed: 100 * curve[-1] for seed, curve in of.items()}
        for name, of in curves.items()
    }
    difference = paired_difference(last["ccar"], last["ce"])
    when = f", on average in epoch {np.mean(reached):.1f}" if reached else ""
    reference = np.mean([last["ce"][seed] for seed in seeds])
    return [
        "Speed of training: the mean confidence in the true class of a training "
        f"example, {reference:.2f} % under {titles['ce']} in the last of "
        f"{epochs} epochs, was reached by {titles['ccar']} with {len(reached)} of "
        f"{len(seeds)} seeds{when}; in the last epoch the two differ by "
        f"{_points(difference)}."
    ]


def _overfitting(comparison, titles):
    """Says how far accuracy on the test set fell from its highest to the last epoch."""
    falls = {}
    for name in ("ce", "ccar"):
        falls[name] = {}
        for run in comparison.run_entries:
            if run["method"] == name and run["status"] == "finished":
                _, balanced = accuracy_curve(
                    run, "balanced", comparison.recipe["epochs"]
                )
                falls[name][run["seed"]] = max(balanced) - balanced[-1]
    seeds = sorted(falls["ce"].keys() & falls["ccar"].keys())
    if not seeds:
        return []
    mean = {name: np.mean([of[seed] for seed in seeds]) for name, of in falls.items()}
    difference = paired_difference(falls["ccar"], falls["ce"])
    return [
        "Overfitting: from the highest balanced accuracy that was measured on the test "
        f"set during training to that of the last epoch, {titles['ce']} lost "
        f"{mean['ce']:.2f} points and {titles['ccar']} {mean['ccar']:.2f}; the two "
        f"losses differ by {_points(difference)}."
    ]


def _too_few(difference):
    if difference.seeds == 1:
        return "from 1 seed"
    return f"from {difference.seeds} seeds that differ by the same"


def _points(difference):
    points = f"{format_signed(difference.mean)} points"
    if not difference.has_interval:
        return points
    return f"{points} ({_interval(difference)})"


def _interval(difference):
    return (
        f"95 % confidence interval {format_signed(difference.low)} to "
        f"{format_signed(difference.high)}"
    )


def _percent(share):
    return f"{100 * share:.0f} %".replace("-", "\N{MINUS SIGN}")
