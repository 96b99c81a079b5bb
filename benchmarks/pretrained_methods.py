"""The methods of `pretrained_heads.py`: a loss, a kind of head, what comes after.

Methods of the benchmark go by their names there, such as `ccar+la[normalize,tau=1.5]`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

import keras_ccar
from keras_ccar.adjustments import LogitAdjustment
from keras_ccar.benchmark.spec.loss_builders import LDAM, LDAM_DRW
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import get_method
from keras_ccar.benchmark.training.head_loop import HeadWeights
from keras_ccar.posthoc.retraining.second_stage import retrain_classifier
from keras_ccar.weightings import EffectiveNumber, Focal, InverseFrequency

TAUS = (0.5, 1.0, 1.5, 2.0)
# Of Kang et al. 2020, for the second stage.
SECOND_STAGE = {"epochs": 10, "batch_size": 256}


class Fitted(NamedTuple):
    """What a head was trained on: features, labels, counts of classes, the seed."""

    x: np.ndarray
    y: np.ndarray
    counts: list[int]
    seed: int


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
        after: from the trained head and what it was trained on to the head that is
            measured.
    """

    name: str
    family: str
    build: Callable[[Any], Any]
    tau: float | None = None
    kind: str = "linear"
    build_deferred: Callable[[Any], Any] | None = None
    starts_at_prior: bool = False
    is_class_balanced: bool = False
    after: Callable[[HeadWeights, Fitted], HeadWeights] | None = None

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
    def after(head, fitted):
        shift = tau * np.log(np.asarray(fitted.counts) / np.sum(fitted.counts))
        return head._replace(bias=head.bias - shift)

    name = f"la-posthoc[tau={tau:g}]"
    return HeadMethod(name, "la-posthoc", _CROSSENTROPY, tau, after=after)


def _norm(tau):
    def after(head, fitted):
        lengths = np.linalg.norm(head.kernel, axis=0)
        return HeadWeights(head.kernel / lengths**tau, np.zeros_like(head.bias))

    name = f"tau-norm[tau={tau:g}]"
    return HeadMethod(name, "tau-norm", _CROSSENTROPY, tau, after=after)


def _with_learned_scales(head, fitted):
    """LWS: multiplies the logits of each class by a factor, learned on even draws."""
    width, num_classes = head.kernel.shape
    model = keras.Sequential([keras.Input((width,)), keras.layers.Dense(num_classes)])
    model.layers[-1].set_weights([head.kernel, head.bias])
    data = fitted.x, fitted.y
    scaled = retrain_classifier(
        model, data, fitted.counts, "lws", seed=fitted.seed, **SECOND_STAGE
    )
    return HeadWeights(*scaled.layers[-1].get_weights())


def _stepped(name, plain, weighted, tau=None):
    """A loss whose step is that of a weighted one: a control.

    Each batch has the mean of the weights that the weighted loss would give to its
    samples, the same for all of them.
    """

    def build(counts):
        plain_loss, weighted_loss = (
            _loss_of(get_method(of))(counts) for of in (plain, weighted)
        )

        def loss(labels, logits):
            terms = plain_loss.call(labels, logits)
            weights = weighted_loss.compute_weights(
                ops.exp(-terms),
                weighted_loss.current_prior(),
                ops.ones_like(terms),
                ops.ones_like(terms),
                labels,
            )
            return ops.mean(terms) * ops.stop_gradient(ops.mean(weights))

        return loss

    return HeadMethod(name, name, build, tau)


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
        HeadMethod("lws", "lws", _CROSSENTROPY, after=_with_learned_scales),
    ],
    "step": [
        _of_benchmark("ccar+la[tau=1]"),
        _stepped("ce×c(batch)", "ce", "ccar"),
        _stepped("la×c(batch)[tau=1]", "la[tau=1]", "ccar+la[tau=1]"),
    ],
    **{
        f"variants-{start // 16}": _VARIANTS[start : start + 16]
        for start in range(0, len(_VARIANTS), 16)
    },
}
METHODS = {method.name: method for block in BLOCKS.values() for method in block}
