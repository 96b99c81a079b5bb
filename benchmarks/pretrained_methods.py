"""The methods of `pretrained_heads.py`: a loss, a kind of head, what comes after.

Methods of the benchmark go by their names there, such as `ccar+la[normalize,tau=1.5]`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import keras_ccar
from keras_ccar.adjustments import LogitAdjustment
from keras_ccar.benchmark.spec.loss_builders import LDAM, LDAM_DRW
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import get_method
from keras_ccar.benchmark.training.head_loop import HeadWeights
from keras_ccar.weightings import EffectiveNumber, Focal, InverseFrequency

TAUS = (0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True)
class HeadMethod:
    """One method.

    Attributes:
        name: in results and tables.
        family: the curve that it belongs to, along τ, or its name.
        build: from class counts to the loss.
        tau: the τ of its adjustment or correction, None for none.
        kind: "linear" or "cosine".
        build_deferred: from class counts to the loss of the last fifth of the steps.
        starts_at_prior: whether the bias begins at the log prior.
        is_class_balanced: whether batches draw every class equally often.
        after: from the trained head and class counts to the head that is measured.
    """

    name: str
    family: str
    build: Callable[[Any], Any]
    tau: float | None = None
    kind: str = "linear"
    build_deferred: Callable[[Any], Any] | None = None
    starts_at_prior: bool = False
    is_class_balanced: bool = False
    after: Callable[[HeadWeights, Any], HeadWeights] | None = None

    @property
    def trained_as(self):
        """What tells apart the trainings of methods; those without may share one."""
        return (
            self.name if self.after is None else "ce",
            self.kind,
            self.is_class_balanced,
        )


def _loss_of(method):
    """Returns from class counts to the loss of a method of the benchmark."""
    return lambda counts: method.build_loss(counts, LossOptions())


_CROSSENTROPY = _loss_of(get_method("ce"))


def _of_benchmark(name, family=None, tau=None):
    method = get_method(name)
    return HeadMethod(name, family or name, _loss_of(method), tau, method.head)


def _weighted_loss(weighting, adjustment=None):
    """Returns from class counts to a weighting of mean 1, maybe on adjusted logits."""
    return lambda counts: keras_ccar.LongTailedCrossentropy(
        counts,
        weighting=weighting(),
        adjustment=adjustment,
        normalize=True,
        from_logits=True,
    )


def _adjusted(name, weighting, tau):
    """A weighting on adjusted logits, its mean weight 1."""
    build = _weighted_loss(weighting, LogitAdjustment(tau))
    return HeadMethod(f"{name}+la[tau={tau:g}]", f"{name}+la", build, tau)


def _corrected(tau):
    def after(head, counts):
        shift = tau * np.log(np.asarray(counts) / np.sum(counts))
        return head._replace(bias=head.bias - shift)

    name = f"la-posthoc[tau={tau:g}]"
    return HeadMethod(name, "la-posthoc", _CROSSENTROPY, tau, after=after)


def _norm(tau):
    def after(head, counts):
        lengths = np.linalg.norm(head.kernel, axis=0)
        return HeadWeights(head.kernel / lengths**tau, np.zeros_like(head.bias))

    name = f"tau-norm[tau={tau:g}]"
    return HeadMethod(name, "tau-norm", _CROSSENTROPY, tau, after=after)


def _along_tau(name, settings=""):
    """A method of the benchmark with an adjustment, for every τ."""
    inner = f"{settings}," if settings else ""
    family = f"{name}[{settings}]" if settings else name
    return [_of_benchmark(f"{name}[{inner}tau={tau:g}]", family, tau) for tau in TAUS]


def _weighted(name, weighting):
    return HeadMethod(name, name, _weighted_loss(weighting))


def _ccar_variants():
    """CCAR alone and with τ = 1, in every form and strength but those of the core."""
    found = []
    for form in ("exponential", "power", "information", "inverse"):
        for strength in (1, 2, 3, 4):
            for scale in ("", ",frequency_scale=largest"):
                for normalize in ("", ",normalize"):
                    words = f"strength={strength},form={form}{normalize}{scale}"
                    found.append(_of_benchmark(f"ccar[{words}]"))
                    family = f"ccar+la[{words}]"
                    name = f"ccar+la[{words},tau=1]"
                    found.append(_of_benchmark(name, family, 1.0))
    return found


# Blocks are trained side by side, in this order. The first three answer the questions
# of the study; the last looks at every variant of CCAR.
_VARIANTS = _ccar_variants()
BLOCKS = {
    "prior": [
        _of_benchmark("ce"),
        HeadMethod(
            "prior-bias",
            "prior-bias",
            _CROSSENTROPY,
            starts_at_prior=True,
        ),
        *_along_tau("la"),
        *map(_corrected, TAUS),
        *map(_norm, (0.5, 1.0, 1.5, 2.0)),
    ],
    "confidence": [
        *_along_tau("ccar+la", "normalize"),
        *(_adjusted("focal", Focal, tau) for tau in TAUS),
    ],
    "weights": [
        _of_benchmark("ccar"),
        _of_benchmark("ccar[normalize]"),
        _of_benchmark("ccar[strength=3,normalize,frequency_scale=largest]"),
        *_along_tau("ccar+la", "strength=3,normalize,frequency_scale=largest")[1:3],
        _weighted("focal", Focal),
        _weighted("inverse", InverseFrequency),
        _weighted("cb", EffectiveNumber),
    ],
    "frequency": [_adjusted("inverse", InverseFrequency, tau) for tau in TAUS],
    "cosine": [
        HeadMethod(
            "ldam-drw",
            "ldam-drw",
            lambda counts: LDAM(counts, LossOptions()),
            kind="cosine",
            build_deferred=lambda counts: LDAM_DRW(counts, LossOptions()),
        ),
    ],
    "two-stage": [
        HeadMethod(
            "crt",
            "crt",
            _CROSSENTROPY,
            is_class_balanced=True,
        ),
    ],
    **{
        f"variants-{start // 16}": _VARIANTS[start : start + 16]
        for start in range(0, len(_VARIANTS), 16)
    },
}
METHODS = {method.name: method for block in BLOCKS.values() for method in block}
