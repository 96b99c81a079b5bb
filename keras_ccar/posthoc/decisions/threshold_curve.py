"""How good the decisions on a yes-or-no label are, by threshold."""

import numpy as np

# Probabilities that are nearer to each other may change their order in float32.
_RELATIVE_GAP = 1e-6
# Below this, float32 loses digits, and zero and what is next to it are one.
_SMALLEST_GAP = 1e-37


def label_curve(
    yes: np.ndarray, answers: np.ndarray, costs: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Measures the decisions on one label at every threshold that changes them.

    The thresholds are 0 and the midpoints between neighbouring probabilities, and of
    the largest one and 1, so that decisions in float32 are those counted here.
    Probabilities that float32 may not tell apart have no threshold between them.

    Args:
        yes: probabilities, float64 `(N,)`.
        answers: 0, no, and 1, yes, `(N,)`; both occur.
        costs: that of each answer (column) for each truth (row), or None.

    Returns:
        Arrays by name, in the order of rising thresholds: "threshold", "precision",
        which is NaN where no answer is yes, "recall", "alarm_rate", the share of
        answers that are yes, "f1", "balanced_accuracy" and, with costs, "cost", the
        mean over the examples.
    """
    order = np.argsort(yes, kind="stable")
    probabilities, is_yes = yes[order], answers[order] == 1
    upper = np.append(probabilities[1:], 1.0)
    gaps = upper - probabilities
    last_below = np.flatnonzero(gaps > _RELATIVE_GAP * upper + _SMALLEST_GAP)
    middles = (probabilities[last_below] + upper[last_below]) / 2
    # Examples below each threshold, the first of which has none.
    missed = np.append(0, is_yes.cumsum()[last_below]).astype("float64")
    right_no = np.append(0, (~is_yes).cumsum()[last_below]).astype("float64")
    num_yes, num_no = float(is_yes.sum()), float((~is_yes).sum())
    found, false_alarms = num_yes - missed, num_no - right_no
    said_yes = found + false_alarms
    precision = np.full(len(found), np.nan)
    np.divide(found, said_yes, out=precision, where=said_yes > 0)
    curve = {
        "threshold": np.append(0.0, middles),
        "precision": precision,
        "recall": found / num_yes,
        "alarm_rate": said_yes / len(yes),
        "f1": 2 * found / (num_yes + said_yes),
        "balanced_accuracy": (found / num_yes + right_no / num_no) / 2,
    }
    if costs is not None:
        curve["cost"] = (
            right_no * (costs[0, 0] / len(yes))
            + false_alarms * (costs[0, 1] / len(yes))
            + missed * (costs[1, 0] / len(yes))
            + found * (costs[1, 1] / len(yes))
        )
    return curve


def thinned(num_rows: int, kept: int, most: int) -> np.ndarray:
    """Returns which rows of a curve to show: at most so many, one of them `kept`."""
    if num_rows <= most:
        return np.arange(num_rows)
    spread = np.linspace(0, num_rows - 1, most - 1).round().astype("int64")
    return np.union1d(spread, [kept])
