"""Builds the loss of each method."""

from collections.abc import Callable

import keras
from keras import ops

from keras_ccar.adjustments import Adjustment, LogitAdjustment
from keras_ccar.benchmark.spec.loss_options import CCAR_SETTINGS, LossOptions
from keras_ccar.layers import LogitCorrection
from keras_ccar.losses import (
    BalancedSoftmaxLoss,
    CCARLoss,
    ClassBalancedLoss,
    FocalLoss,
    InverseFrequencyLoss,
    LDAMLoss,
    LogitAdjustedLoss,
    LongTailedCrossentropy,
)
from keras_ccar.weightings import EffectiveNumber, Weighting

# S of LDAM's published code.
COSINE_SCALE = 30.0


@keras.saving.register_keras_serializable(package="keras_ccar")
class ConstantWeight(Weighting):
    """The same weight for every sample: what a larger learning rate would do.

    Args:
        weight: the weight.
    """

    uses_confidence = False

    def __init__(self, weight):
        self.weight = float(weight)

    def __call__(self, p_t, f_c, prior):
        """See `Weighting`."""
        return ops.full_like(f_c, self.weight)

    def get_config(self):
        """See `Weighting`."""
        return {"weight": self.weight}


def crossentropy(class_counts, options):
    # With neither part the engine is cross-entropy, and the callback can watch it.
    return LongTailedCrossentropy(class_counts, from_logits=True)


def focal(class_counts, options):
    return FocalLoss(gamma=2.0, class_counts=class_counts, from_logits=True)


def class_balanced(class_counts, options):
    # As published the mean weight is 0.2 at an imbalance factor of 100: the method
    # would train at a fifth of the learning rate of what it is compared with.
    return ClassBalancedLoss(class_counts, normalize=True, from_logits=True)


def inverse_frequency(class_counts, options):
    return InverseFrequencyLoss(class_counts, from_logits=True)


def balanced_softmax(class_counts, options):
    return BalancedSoftmaxLoss(class_counts, from_logits=True)


def logit_adjusted(class_counts, options):
    return LogitAdjustedLoss(class_counts, tau=options.tau, from_logits=True)


def logit_correction(class_counts, options):
    # Keras numbers the layers that it names itself, and a run would change its id.
    return LogitCorrection(class_counts, tau=options.tau, name="logit_correction")


# The cosine head has the scale in it, so that evaluation sees calibrated logits:
# S (cos - m) = S cos - S m.
SCALED_MARGIN = {"max_margin": 0.5 * COSINE_SCALE, "scale": 1.0}


def ldam(class_counts, options, weighting=None):
    # The published code divides by the sum of the weights of the batch.
    return LDAMLoss(class_counts, weighting=weighting, normalize=True, **SCALED_MARGIN)


def reweighted_ldam(class_counts, options):
    return ldam(class_counts, options, EffectiveNumber(beta=0.9999))


def not_adjusted(options):
    return None


def logit_adjustment(options):
    return LogitAdjustment(options.tau)


def scaled(adjust: Callable[[LossOptions], Adjustment | None]):
    def build_loss(class_counts, options):
        return LongTailedCrossentropy(
            class_counts,
            weighting=ConstantWeight(options.scale),
            adjustment=adjust(options),
            from_logits=True,
        )

    return build_loss


def ccar(adjust: Callable[[LossOptions], Adjustment | None]):
    def build_loss(class_counts, options):
        return CCARLoss(
            class_counts,
            adjustment=adjust(options),
            from_logits=True,
            **{name: getattr(options, name) for name in CCAR_SETTINGS},
        )

    return build_loss
