"""Builds the loss of each method."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from keras_ccar import losses
from keras_ccar.adjustments import Adjustment, LDAMMargin, LogitAdjustment
from keras_ccar.benchmark.spec.loss_options import CCAR_SETTINGS, LossOptions
from keras_ccar.layers import LogitCorrection
from keras_ccar.weightings import EffectiveNumber, Weighting

# `(class_counts, options) -> loss on logits`, or a layer that corrects logits.
Builder = Callable[[Sequence[int], LossOptions], Any]
AdjustmentBuilder = Callable[[LossOptions], Adjustment | None]

# S in the published code of LDAM.
COSINE_SCALE = 30.0
# The cosine head multiplies its logits by S, so that evaluation sees calibrated logits.
# So the margins are multiplied, and not the logits: S (cos - m) = S cos - S m.
_SCALED_MARGIN: dict[str, Any] = {"max_margin": 0.5 * COSINE_SCALE, "scale": 1.0}


@keras.saving.register_keras_serializable(package="keras_ccar")
class ConstantWeight(Weighting):
    """The same weight for every sample, which acts like a larger learning rate."""

    uses_confidence = False

    def __init__(self, weight: float) -> None:
        self.weight = float(weight)

    def __call__(self, p_t: Any, f_c: Any, prior: Any) -> Any:
        """See `Weighting`."""
        return ops.full_like(f_c, self.weight)

    def get_config(self) -> dict[str, Any]:
        """See `Weighting`."""
        return {"weight": self.weight}


@keras.saving.register_keras_serializable(package="keras_ccar")
class WeightByEpoch(ConstantWeight):
    """The same weight for every sample of an epoch, which `EpochWeights` sets.

    The compiled step mixes the weights of a loss with 1: `s * weight + (1 - s)`. The
    weight of 2 becomes `1 + s`, any number that the callback chooses.
    """

    def __init__(self) -> None:
        super().__init__(2.0)

    def get_config(self) -> dict[str, Any]:
        """See `Weighting`."""
        return {}


def loss_builder(loss: Callable[..., Any], *names: str, **settings: Any) -> Builder:
    """Returns a builder of a loss on logits.

    Args:
        loss: class of the loss.
        *names: names of the `LossOptions` that the loss takes.
        **settings: arguments of the loss that no option changes.
    """
    return lambda class_counts, options: loss(
        class_counts=class_counts,
        from_logits=True,
        **{name: getattr(options, name) for name in names},
        **settings,
    )


def ccar_builder(adjust: AdjustmentBuilder) -> Builder:
    """Returns a builder of CCAR on adjusted logits."""
    return lambda class_counts, options: loss_builder(
        losses.CCARLoss, *CCAR_SETTINGS, adjustment=adjust(options)
    )(class_counts, options)


def scaled_builder(
    adjust: AdjustmentBuilder, weight: Callable[[LossOptions], Weighting]
) -> Builder:
    """Returns a builder of cross-entropy on adjusted logits, times a weight."""
    return lambda class_counts, options: losses.LongTailedCrossentropy(
        class_counts,
        weighting=weight(options),
        adjustment=adjust(options),
        from_logits=True,
    )


def _scale(options: LossOptions) -> Weighting:
    return ConstantWeight(options.scale)


def _scale_by_epoch(options: LossOptions) -> Weighting:
    return WeightByEpoch()


# Unlike Keras's own cross-entropy, it has statistics for `CCARCallback`.
CROSSENTROPY = loss_builder(losses.LongTailedCrossentropy)
FOCAL = loss_builder(losses.FocalLoss, gamma=2.0)
# The published weights have a mean of 0.2 at an imbalance factor of 100. Without
# `normalize`, the method would train at a fifth of the learning rate of the others. The
# code of LDAM-DRW divides by the sum of the weights in the batch, here and in DRW.
CLASS_BALANCED = loss_builder(losses.ClassBalancedLoss, normalize="batch")
INVERSE_FREQUENCY = loss_builder(losses.InverseFrequencyLoss)
BALANCED_SOFTMAX = loss_builder(losses.BalancedSoftmaxLoss)
LOGIT_ADJUSTED = loss_builder(losses.LogitAdjustedLoss, "tau")
LDAM = loss_builder(losses.LDAMLoss, **_SCALED_MARGIN)
LDAM_DRW = loss_builder(
    losses.LDAMLoss,
    weighting=EffectiveNumber(beta=0.9999),
    normalize="batch",
    **_SCALED_MARGIN,
)
CCAR = ccar_builder(lambda options: None)
CCAR_LA = ccar_builder(lambda options: LogitAdjustment(options.tau))
CCAR_BS = ccar_builder(lambda options: LogitAdjustment(1.0))
CCAR_LDAM = ccar_builder(lambda options: LDAMMargin(**_SCALED_MARGIN))
SCALED_CE = scaled_builder(lambda options: None, _scale)
SCALED_LA = scaled_builder(lambda options: LogitAdjustment(options.tau), _scale)
SCALED_CE_BY_EPOCH = scaled_builder(lambda options: None, _scale_by_epoch)
SCALED_LA_BY_EPOCH = scaled_builder(
    lambda options: LogitAdjustment(options.tau), _scale_by_epoch
)


def build_logit_correction(class_counts: Sequence[int], options: LossOptions) -> Any:
    """Builds the layer of post hoc logit adjustment."""
    # Keras would number a name of its own, which would change the id of the run.
    return LogitCorrection(
        class_counts, tau=options.tau, from_logits=True, name="logit_correction"
    )
