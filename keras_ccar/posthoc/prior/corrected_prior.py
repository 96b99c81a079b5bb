"""Tells which prior the predictions have behind a correction."""

from typing import Any

import numpy as np

from keras_ccar.arguments import show
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.layers.prior_shift import BALANCED
from keras_ccar.output_counts import OutputCounts, output_logits

# Logarithms of priors that differ by no more than this are of the same prior.
_SAME = 1e-4
_LONGEST = 80


def last_correction(applied: list[Any]) -> LogitCorrection | None:
    """Returns the last of the layers that moves the prior, None if there is none."""
    for layer in reversed(applied):
        if isinstance(layer, LogitCorrection) and layer.moves_prior:
            return layer
    return None


def is_same_prior(
    some: np.ndarray, others: np.ndarray, are_labels: bool, atol: float = _SAME
) -> bool:
    """Whether the logits of two priors are of the same one.

    Args:
        some: one for each column of the output.
        others: the same of the other prior.
        are_labels: whether the columns are labels. The logits of classes may all be
            higher by the same number.
        atol: the largest difference.
    """
    gaps = some - others
    return bool(np.ptp(gaps) <= atol if not are_labels else np.abs(gaps).max() <= atol)


def continues(layer: LogitCorrection, before: LogitCorrection, columns: int) -> bool:
    """Whether a correction takes out the prior that the one before it has put in."""
    return (
        before.tau == layer.tau == 1
        and layer.fits(columns)
        and is_same_prior(
            before.prior_shift.put_in(columns),
            layer.prior_shift.taken_out(columns),
            layer.corrects_labels(columns),
        )
    )


def advice_against_two(
    layer: LogitCorrection, applied: list[Any], columns: int | None
) -> str | None:
    """Says what to do about a correction behind another, None if it is right.

    Args:
        layer: the correction.
        applied: what the output went through before it.
        columns: the classes or labels of the output, None if unknown.
    """
    first = last_correction(applied)
    if first is None or not layer.moves_prior:
        return None
    if columns is not None and continues(layer, first, columns):
        return None
    one = one_for_both(first, layer)
    if one is None:
        return "Leave one of the two out"
    what = "Leave both out"
    if one:
        what = f"Put `{one}` behind the model without them, in the place of both"
    return f"It takes out another prior than the one that the first has put in. {what}"


def one_for_both(first: LogitCorrection, second: LogitCorrection) -> str | None:
    """Returns the code of one correction from where the first starts to the last prior.

    Returns:
        The code, an empty text if the model needs no correction, and None if the
        settings of the two are too different to tell.
    """
    is_alike = (
        first.tau == second.tau == 1
        and first.class_counts == second.class_counts
        and first.num_examples == second.num_examples
    )
    if not is_alike:
        return None
    given = ["class_counts"]
    if first.num_examples is not None:
        given.append("num_examples=num_examples")
    trained, target = first.trained_prior, second.target_prior
    if trained is not None:
        given.append(f"trained_prior={_code(trained, 'first.trained_prior')}")
    if target is not None:
        given.append(f"target_prior={_code(target, 'second.target_prior')}")
    elif second.trained_prior is not None and trained is None:
        return ""  # from the prior of the counts to itself
    elif second.trained_prior is None and trained == BALANCED:
        return ""
    elif second.trained_prior is None and trained is not None:
        columns = len(first.class_counts)
        balanced = "0.5" if first.are_labels or columns == 2 else f"[1] * {columns}"
        given.append(f"target_prior={balanced}")
    return f"keras_ccar.LogitCorrection({', '.join(given)})"


def trained_prior_behind(
    layer: LogitCorrection, counts: OutputCounts, columns: int
) -> str | None:
    """Returns the `trained_prior`, as code, of what a correction returns.

    None if that is not known: with another `tau` than 1, a part of a prior is left.

    Args:
        layer: the correction.
        counts: those that the code may call `class_counts`.
        columns: the columns of the output.
    """
    if layer.tau != 1:
        return None
    if layer.target_prior is not None:
        return _code(layer.target_prior, "correction.target_prior")
    if layer.trained_prior is None:
        return f'"{BALANCED}"'
    logits = layer.prior_shift.put_in(columns)
    are_labels = layer.corrects_labels(columns)
    if counts.fit(columns) and is_same_prior(
        logits, output_logits(counts.examples, columns), are_labels
    ):
        if counts.num_examples is not None:
            return "numpy.divide(class_counts, num_examples)"
        if counts.are_labels:
            return "[yes / (no + yes) for no, yes in class_counts]"
        return "class_counts"
    if are_labels:
        shares = 1 / (1 + np.exp(-logits))
    else:
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
    return _code([float(f"{share:.6g}") for share in shares], "correction.class_counts")


def _code(prior: Any, name: str) -> str:
    """Returns a prior as code, by name if it is long."""
    text = f'"{prior}"' if prior == BALANCED else show(prior)
    return text if len(text) <= _LONGEST else name
