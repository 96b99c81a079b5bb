"""What a comparison found, in sentences with the numbers in them."""

from collections.abc import Iterable, Mapping

import pandas as pd

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.sentences.course import second_half, speed_of_training
from keras_ccar.benchmark.report.sentences.wording import (
    describe_interval,
    describe_points,
    format_p,
    format_seeds,
    format_signed,
)
from keras_ccar.benchmark.statistics.columns import describe_column
from keras_ccar.benchmark.statistics.paired import (
    PairedDifference,
    corrected_p_values,
    paired_difference,
    paired_ratio,
)
from keras_ccar.benchmark.statistics.ranking import is_significant

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
    # The controls that count; the constant ones, `ce×c` and `la×c`, are weaker.
    "ce×c(t)": "cross-entropy × CCAR's mean weight of each epoch (its control)",
    "la×c(t)": "logit adjustment × the mean weight of CCAR + logit adjustment of each "
    "epoch (its control)",
}


def verdicts(comparison: Comparison) -> list[str]:
    """Says in sentences whether CCAR beat what it has to beat.

    The deciding metric of the comparison decides. The p of a difference to the baseline
    is that of the ranking; those of others are corrected by Holm for the number of
    verdicts.
    """
    titles = {method["name"]: method["title"] for method in comparison.methods}
    known = comparison.representatives
    asked = _asked(_QUESTIONS, known)
    differences = [
        paired_difference(*_shared_scores(comparison, *names)) for names in asked
    ]
    corrected = corrected_p_values(differences)
    ranked = {standing.name: standing.p for standing in comparison.ranking()}
    sentences = [
        _verdict(
            comparison,
            titles,
            (name, other),
            difference,
            ranked[name] if other == comparison.baseline else p,
        )
        for (name, other), difference, p in zip(
            asked, differences, corrected, strict=True
        )
    ]
    sentences += [
        _explained_by_control(comparison, titles, *names)
        for names in _asked(_CONTROLS, known)
    ]
    sentences += _equal_methods(comparison)
    if {"ccar", "ce"} <= titles.keys():
        sentences += speed_of_training(comparison, titles)
        sentences += second_half(comparison, titles)
    absent = [title for name, title in _NEEDED.items() if name not in known]
    # On data of their own, users choose what is compared.
    if absent and "kind" not in comparison.dataset:
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
    """Returns the deciding metric of methods, over the seeds that all finished."""
    scores = {name: comparison.by_seed(name, comparison.metric) for name in names}
    shared = pd.DataFrame(scores).dropna()
    return [shared[name] for name in names]


def _verdict(
    comparison: Comparison,
    titles: dict[str, str],
    names: tuple[str, ...],
    difference: PairedDifference,
    p: float,
) -> str:
    """Says whether a method beat a baseline, its names; `p` is corrected."""
    ours, theirs = _shared_scores(comparison, *names)
    name, other = (titles[of] for of in names)
    if not difference.seeds:
        return f"{name} against {other}: no seed was finished by both."
    column = describe_column(comparison.metric, comparison.metrics)
    unit, points = (" %", " points") if column.is_percent else ("", "")
    numbers = (
        f"{ours.mean():.2f}{unit} against {theirs.mean():.2f}{unit} {column.phrase}, "
        f"{format_signed(difference.mean)}{points}"
    )
    if difference.is_nothing:
        return (
            f"{name} gave the same numbers as {other} with every seed: "
            f"{ours.mean():.2f}{unit} {column.phrase} "
            f"({format_seeds(difference.seeds)})."
        )
    if not difference.has_interval:
        return (
            f"{name} against {other}: {numbers}, {_too_few(difference)}, so there is "
            "no confidence interval and neither can be said to be better."
        )
    interval = f"{describe_interval(difference)}, {difference.seeds} paired seeds"
    if difference.includes_zero:
        return (
            f"{name} did not measurably differ from {other}: {numbers}; the {interval},"
            " includes zero."
        )
    if not is_significant(p):
        return (
            f"{name} cannot be told apart from {other}: {numbers}; the {interval}, "
            "excludes zero, but not once the number of comparisons is allowed for "
            f"(Holm, p = {format_p(p)})."
        )
    is_better = (difference.mean > 0) != column.lower_is_better
    verb = "beat" if is_better else "lost to"
    equals = "" if p < 0.001 else "= "
    return (
        f"{name} {verb} {other}: {numbers}; the {interval}, excludes zero (Holm, p "
        f"{equals}{format_p(p)})."
    )


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
        f"{head} changed {other} by {describe_points(explained)} where {name} changed "
        f"it by {describe_points(gain)}; {name} less the control is "
        f"{describe_points(rest)}"
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


def _too_few(difference: PairedDifference) -> str:
    if difference.seeds == 1:
        return "from 1 seed"
    return f"from {difference.seeds} seeds that differ by the same"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %".replace("-", "\N{MINUS SIGN}")
