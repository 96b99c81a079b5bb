"""Losses for long-tailed classification."""

from keras_ccar.losses.ccar_loss import CCARLoss
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy

__all__ = ["CCARLoss", "LongTailedCrossentropy"]
