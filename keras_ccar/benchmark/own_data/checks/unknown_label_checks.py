"""Refuses losses and metrics that would take unknown labels for known ones."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras

from keras_ccar.benchmark.own_data.planning.loss_choice import TrainedMethod
from keras_ccar.benchmark.own_data.planning.problem import Problem
from keras_ccar.benchmark.own_data.training.training_parts import new_metrics
from keras_ccar.losses.find_losses import find_losses

_PACKAGES = ("keras", "keras_ccar")


def require_told(problem: Problem, methods: Sequence[Any], metrics: Any) -> None:
    """Checks that losses and metrics leave out unknown labels, if there are some.

    Args:
        problem: what is to be learned.
        methods: those of the comparison, of which the trained ones have a loss.
        metrics: those of the user.

    Raises:
        ValueError: for a loss or a metric of Keras or of this package that does not.

    Warns:
        UserWarning: for losses of the user's own, of which nobody can tell.
    """
    if not problem.ignoring:
        return
    code = problem.unknown.as_code(problem.are_labels)
    for method in methods:
        if isinstance(method, TrainedMethod):
            loss = method.make_loss(problem.class_counts)
            _require_told_loss(method.name, loss, problem, code)
    for metric in new_metrics(metrics):
        if _is_known(metric, "update_state") and not _are_told([metric], problem):
            name = getattr(metric, "name", None) or getattr(metric, "__name__", metric)
            advice = f"Pass `{code}` to it."
            if not _have_argument([metric], problem):
                advice = (
                    "Leave it out, or use a metric of `keras_ccar`, such as "
                    "`BalancedAccuracy`, which takes it."
                )
            raise ValueError(
                f"`metrics` must leave out unknown labels, as `{code}` says. Received: "
                f"{str(name)!r}, which would count them. {advice}"
            )


def _require_told_loss(name: str, loss: Any, problem: Problem, code: str) -> None:
    if not _is_known(loss, "call"):
        warnings.warn(
            f"`losses` has {name!r}, which is your own. It must leave out unknown "
            f"labels itself, those that `{code}` says.",
            stacklevel=6,  # the call of `compare`
        )
        return
    found = find_losses(loss, keras.losses.Loss)
    # A sum of losses has no labels of its own.
    parts = [one for one in found if find_losses(one, keras.losses.Loss) == [one]]
    parts = parts or [loss]
    if _are_told(parts, problem):
        return
    advice = f"Pass `{code}` to it."
    if not _have_argument(parts, problem):
        kind = "Binary" if problem.are_labels else ""
        advice = (
            f"Use `keras_ccar.{kind}LongTailedCrossentropy(None, {code}, "
            f"from_logits={problem.from_logits})`, which is cross-entropy without them."
        )
    raise ValueError(
        f"`losses` must leave out unknown labels, as `{code}` says. Received: "
        f"{name!r}, which would learn from them. {advice}"
    )


def _is_known(part: Any, method: str) -> bool:
    """Whether what a loss or a metric does is of Keras or of this package."""
    if isinstance(part, str):  # Keras knows its names alone.
        return True
    inner = getattr(part, "fn", None) or getattr(part, "_fn", None)
    own = getattr(type(part), method, part)
    modules = [getattr(each, "__module__", None) for each in (own, inner or own)]
    return all(str(module).partition(".")[0] in _PACKAGES for module in modules)


def _are_told(parts: Sequence[Any], problem: Problem) -> bool:
    """Whether all have the argument of unknown labels, with the same value."""
    ((argument, value),) = problem.ignoring.items()
    return all(_is_same(getattr(part, argument, None), value) for part in parts)


def _have_argument(parts: Sequence[Any], problem: Problem) -> bool:
    (argument,) = problem.ignoring
    return all(hasattr(part, argument) for part in parts)


def _is_same(some: Any, other: Any) -> bool:
    """Whether two values are equal; NaN is equal to NaN."""
    return bool(some == other or (some != some and other != other))
