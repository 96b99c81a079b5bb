"""What is compared: the losses of the benchmark, by name."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras

from keras_ccar.adjustments import LogitAdjustment
from keras_ccar.losses import (
    BalancedSoftmaxLoss,
    CCARLoss,
    LogitAdjustedLoss,
    LongTailedCrossentropy,
)


def _option(default, meaning, **metadata):
    return field(default=default, metadata={"help": meaning, **metadata})


@dataclass(frozen=True)
class LossOptions:
    """Settings of the losses that the command line can change."""

    pivot: float = _option(0.75, "CCAR's pivot ω")
    strength: float = _option(1.0, "CCAR's strength s")
    form: str = _option(
        "exponential",
        "form of CCAR's weight",
        choices=("exponential", "power", "information", "inverse"),
    )
    normalize: bool = _option(False, "scale CCAR's weights to a mean of 1")
    differentiate_weight: bool = _option(False, "let gradients through CCAR's weight")
    tau: float = _option(1.0, "τ of logit adjustment")


@dataclass(frozen=True)
class Method:
    """One row of the comparison.

    Attributes:
        name: what `--methods` calls it.
        title: what tables, figures and sentences call it.
        source: where it comes from.
        build_loss: `(class_counts, options) -> keras.losses.Loss` on logits.
    """

    name: str
    title: str
    source: str
    build_loss: Callable[[list, LossOptions], keras.losses.Loss]


def _crossentropy(class_counts, options):
    # With neither part the engine is cross-entropy, and the callback can watch it.
    return LongTailedCrossentropy(class_counts, from_logits=True)


def _balanced_softmax(class_counts, options):
    return BalancedSoftmaxLoss(class_counts, from_logits=True)


def _logit_adjusted(class_counts, options):
    return LogitAdjustedLoss(class_counts, tau=options.tau, from_logits=True)


def _ccar(class_counts, options, adjustment=None):
    return CCARLoss(
        class_counts,
        pivot=options.pivot,
        strength=options.strength,
        form=options.form,
        adjustment=adjustment,
        normalize=options.normalize,
        differentiate_weight=options.differentiate_weight,
        from_logits=True,
    )


def _ccar_logit_adjusted(class_counts, options):
    return _ccar(class_counts, options, LogitAdjustment(tau=options.tau))


METHODS = {
    method.name: method
    for method in (
        Method("ce", "cross-entropy", "", _crossentropy),
        Method(
            "bs",
            "Balanced Softmax",
            "Ren et al. 2020, arXiv 2007.10740",
            _balanced_softmax,
        ),
        Method(
            "la",
            "logit adjustment",
            "Menon et al. 2021, arXiv 2007.07314",
            _logit_adjusted,
        ),
        Method("ccar", "CCAR", "Jagati et al. 2026, arXiv 2601.15924", _ccar),
        Method(
            "ccar+la",
            "CCAR + logit adjustment",
            "Jagati et al. 2026, arXiv 2601.15924",
            _ccar_logit_adjusted,
        ),
    )
}
DEFAULT_METHODS = ("ce", "bs", "ccar", "ccar+la")


def get_method(name):
    """Returns a method by its name.

    Args:
        name: a key of `METHODS`.

    Raises:
        ValueError: if there is no such method.
    """
    if name not in METHODS:
        raise ValueError(
            f"method {name!r} is unknown; expected one of {', '.join(METHODS)}."
        )
    return METHODS[name]
