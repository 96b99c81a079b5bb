"""Pictures of the classes of a trained model: what to look at first."""

from typing import Any

import numpy as np

from keras_ccar.posthoc.by_class.scores import decide, divide
from keras_ccar.posthoc.calibration.reliability import measure_reliability
from keras_ccar.posthoc.data.predictions import Predictions
from keras_ccar.posthoc.result import new_axes

# Okabe and Ito's palette: colour-blind readers can tell these colours apart.
_COLOURS = {
    "many": "#0072B2",
    "medium": "#009E73",
    "few": "#D55E00",
    "all": "#30343B",
}
_WORST, _BINS = 12, 10


def draw_recall(table: Any) -> Any:
    """Returns a figure of recall against training examples, a point a class."""
    figure, axes = new_axes(6.4, 3.8)
    for group, rows in table.groupby("shot_group", sort=False):
        counts = np.maximum(rows["training_examples"], 0.5)
        colour = _COLOURS[group]
        bounds = (rows["recall_low"], rows["recall_high"])
        axes.vlines(counts, *bounds, color=colour, lw=0.8, alpha=0.35)
        axes.scatter(
            counts, rows["recall"], s=18, color=colour, alpha=0.75, label=group
        )
    axes.set_xscale("log")
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("training examples of the class")
    axes.set_ylabel("recall")
    axes.legend(frameon=False)
    return figure


def draw_confusion(predictions: Predictions, table: Any) -> Any:
    """Returns a figure of what is answered to examples of the worst classes.

    Of labels it shows precision and recall, which is all that there is to confuse.
    """
    known = table[table["support"] > 0]
    worst = known.sort_values("recall", kind="stable").index[:_WORST]
    if predictions.are_labels:
        return _draw_worst_labels(known.loc[worst])
    names = list(table.index)
    answers = decide(predictions.logits, False)
    numbers = [names.index(name) for name in worst]
    given = [
        np.bincount(answers[predictions.labels == k], minlength=len(names))
        for k in numbers
    ]
    shares = divide(np.array(given), np.sum(given, axis=1, keepdims=True))
    # The answers that are given most, the classes themselves first.
    others = [k for k in np.argsort(-shares.sum(axis=0)) if k not in numbers]
    shown = numbers + [k for k in others[:_WORST] if shares[:, k].any()]
    figure, axes = new_axes(1.8 + 0.42 * len(shown), 1.6 + 0.36 * len(numbers))
    axes.imshow(shares[:, shown], cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(shares[:, shown] >= 0.005):
        share = shares[row, shown[column]]
        colour = "white" if share > 0.6 else "#30343B"
        axes.text(
            column,
            row,
            f"{100 * share:.0f}",
            ha="center",
            va="center",
            color=colour,
            size=7,
        )
    labels = [_short(names[k]) for k in shown]
    plain = {"parse_math": False, "size": 8}  # a class may be called "$x$"
    axes.set_xticks(range(len(shown)), labels, rotation=60, ha="right", **plain)
    axes.set_yticks(range(len(numbers)), labels[: len(numbers)], **plain)
    axes.set_xlabel("answer, in % of the examples of the class")
    axes.set_ylabel("class")
    return figure


def draw_reliability(predictions: Predictions, groups: dict[str, np.ndarray]) -> Any:
    """Returns a figure of accuracy against confidence, a line for each shot group.

    Examples belong to the group of the class that was answered; of labels, to that of
    the label, with the probability of yes as confidence.
    """
    figure, axes = new_axes(4.6, 4.2)
    axes.plot([0, 1], [0, 1], color="#8A8F98", lw=1, ls="--")
    probabilities = predictions.probabilities
    answers = decide(predictions.logits, predictions.are_labels)
    for name, members in groups.items():
        if predictions.are_labels:
            labels = predictions.labels[:, members]
            known = ~np.isnan(labels)
            confidence = probabilities[:, members][known]
            hits = labels[known] == 1
        else:
            rows = np.flatnonzero(members[answers])
            confidence = probabilities[rows, answers[rows]]
            hits = predictions.labels[rows] == answers[rows]
        if hits.size:
            found = measure_reliability(confidence, hits, _BINS)
            used = found.counts > 0
            axes.plot(
                found.confidence[used],
                found.accuracy[used],
                "o-",
                ms=4,
                color=_COLOURS[name],
                label=name,
            )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    are_labels = predictions.are_labels
    axes.set_xlabel("probability of yes" if are_labels else "confidence")
    axes.set_ylabel("share of yes" if are_labels else "accuracy")
    axes.legend(frameon=False)
    return figure


def _draw_worst_labels(rows: Any) -> Any:
    figure, axes = new_axes(6.0, 1.4 + 0.36 * len(rows))
    places = np.arange(len(rows))
    axes.barh(places - 0.2, rows["recall"], 0.38, color="#0072B2", label="recall")
    axes.barh(places + 0.2, rows["precision"], 0.38, color="#E69F00", label="precision")
    labels = [_short(name) for name in rows.index]
    axes.set_yticks(places, labels, size=8, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.legend(frameon=False)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 22 else f"{name[:21]}…"
