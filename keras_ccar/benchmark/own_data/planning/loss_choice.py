"""Which losses are compared: those that the user names, or a sensible set."""

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_ccar import losses
from keras_ccar.adjustments import LogitAdjustment
from keras_ccar.arguments import argument_error
from keras_ccar.benchmark.own_data.planning.problem import Problem
from keras_ccar.weightings.ccar import FORMS

_LOSSES = (
    "a dict of names and losses; a loss is a `keras.losses.Loss`, the name of one, a "
    "function of labels and predictions, or a function of class counts that returns one"
)
# The methods that are compared if the user names no losses.
DEFAULT_NAMES = (
    "ce",
    "class_weight",
    "la",
    "ccar",
    *(f"ccar[form={form}]" for form in FORMS[1:]),
    "ccar+la",
    "focal",
    "prior-bias",
)


@dataclass(frozen=True)
class TrainedMethod:
    """A row of the comparison that is trained.

    Attributes:
        name: its name.
        title: what tables and sentences call it.
        source: where it comes from.
        make_loss: from class counts to the loss.
        starts_at_prior: whether the bias of the last layer begins at the class prior.
        optimizer: of its trainings; None for that of the comparison.
    """

    name: str
    title: str
    source: str
    make_loss: Callable[[Any], Any]
    starts_at_prior: bool = False
    optimizer: Any = None


def check_losses(given: Any) -> dict[str, Any] | tuple[str, ...] | None:
    """Returns the losses as a dict, names of `DEFAULT_NAMES` as a tuple, None for None.

    Raises:
        ValueError: for anything that holds no losses.
    """
    if given is None:
        return None
    if isinstance(given, list | tuple):
        names = tuple(name for name in given if name in DEFAULT_NAMES)
        if len(names) < len(given) or not names or len(set(names)) < len(names):
            expected = f"some of {', '.join(map(repr, DEFAULT_NAMES))}, or {_LOSSES}"
            raise argument_error("losses", given, expected)
        return names
    if not isinstance(given, Mapping) or not given:
        raise argument_error("losses", given, _LOSSES)
    for name, loss in given.items():
        is_loss = callable(loss) and not isinstance(loss, type)
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise argument_error("losses", given, _LOSSES)
        if isinstance(loss, str):
            try:
                keras.losses.get(loss)
                continue
            except ValueError as error:
                raise argument_error("losses", loss, _LOSSES) from error
        if not is_loss:
            raise argument_error("losses", given, _LOSSES)
    return dict(given)


def named_methods(given: Mapping[str, Any]) -> list[TrainedMethod]:
    """Returns the methods of the user's own losses."""
    return [TrainedMethod(name, name, "", _maker(loss)) for name, loss in given.items()]


def _maker(given: Any) -> Callable[[Any], Any]:
    """Returns a function of class counts that makes a loss of its own."""

    def make(class_counts: Any) -> Any:
        if isinstance(given, str):
            return keras.losses.get(given)
        if isinstance(given, keras.losses.Loss):
            try:
                return copy.deepcopy(given)
            except (TypeError, ValueError):
                # Keras copies by saving, and cannot load a class within a function.
                return given
        if _num_required(given) != 1:
            return given  # of labels and predictions
        made = given(np.array(class_counts))
        if not callable(made):
            raise argument_error("losses", made, _LOSSES)
        return made

    return make


def _num_required(function: Any) -> int | None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return sum(
        parameter.default is parameter.empty
        and parameter.kind
        in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        for parameter in parameters
    )


_CCAR_PAPER = "Jagati et al. 2026, arXiv 2601.15924"
_ADJUSTMENT_PAPER = "Menon et al. 2021, arXiv 2007.07314"
_FOCAL_PAPER = "Lin et al. 2017, arXiv 1708.02002"
_WEIGHTS_PAPER = "King and Zeng 2001"


def ccar_loss(
    problem: Problem, class_counts: Any, form: str, tau: float, strength: float = 1.0
) -> keras.losses.Loss:
    """Returns CCAR for the output of a model, with logit adjustment unless τ is 0."""
    kind: Any = losses.BinaryCCARLoss if problem.are_labels else losses.CCARLoss
    return kind(
        class_counts,
        strength=strength,
        form=form,
        adjustment=LogitAdjustment(tau) if tau else None,
        from_logits=problem.from_logits,
        **problem.ignoring,
    )


def default_methods(problem: Problem) -> list[TrainedMethod]:
    """Returns a set of methods that suits the output of the model.

    The first is plain cross-entropy, which the others are compared with.
    """
    are_labels = problem.are_labels

    def made(loss: Any, **settings: Any) -> Callable[[Any], Any]:
        words = {"from_logits": problem.from_logits, **problem.ignoring, **settings}
        return lambda counts: loss(counts, **words)

    def ccar(form: str, tau: float = 0.0) -> Callable[[Any], Any]:
        return lambda counts: ccar_loss(problem, counts, form, tau)

    plain: Any = losses.LongTailedCrossentropy
    weighted: Any = losses.InverseFrequencyLoss
    adjusted: Any = losses.LogitAdjustedLoss
    if are_labels:
        plain = losses.BinaryLongTailedCrossentropy
        weighted = losses.BinaryInverseFrequencyLoss
        adjusted = losses.BinaryLogitAdjustedLoss

    def focal(counts: Any) -> Any:
        kind: Any = losses.BinaryFocalLoss if are_labels else losses.FocalLoss
        return kind(
            class_counts=counts, from_logits=problem.from_logits, **problem.ignoring
        )

    first, *others = FORMS
    return [
        TrainedMethod("ce", "cross-entropy", "", made(plain)),
        TrainedMethod(
            "class_weight",
            "cross-entropy, classes weighted by inverse frequency",
            _WEIGHTS_PAPER,
            made(weighted),
        ),
        TrainedMethod("la", "logit adjustment", _ADJUSTMENT_PAPER, made(adjusted)),
        TrainedMethod("ccar", "CCAR", _CCAR_PAPER, ccar(first)),
        *(
            TrainedMethod(
                f"ccar[form={form}]", f"CCAR ({form} form)", _CCAR_PAPER, ccar(form)
            )
            for form in others
        ),
        TrainedMethod(
            "ccar+la", "CCAR + logit adjustment", _CCAR_PAPER, ccar(first, tau=1.0)
        ),
        TrainedMethod("focal", "focal loss", _FOCAL_PAPER, focal),
        TrainedMethod(
            "prior-bias",
            "cross-entropy, bias begun at the prior",
            _FOCAL_PAPER,
            made(plain),
            starts_at_prior=True,
        ),
    ]
