"""Sets the weight of a loss epoch by epoch."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_ccar.callbacks.attachment import (
    Attached,
    attach_statistics,
    serve_compiled_functions,
)


class EpochWeights(keras.callbacks.Callback):
    """Multiplies a loss with `WeightByEpoch` by a factor for each epoch.

    The factor is in a variable of the compiled step, on every backend, so the step is
    compiled only once, and a training that is resumed needs nothing but this callback.

    Args:
        factors: one factor for each epoch.
    """

    def __init__(self, factors: Sequence[float]) -> None:
        super().__init__()
        self.factors = tuple(factors)
        self._attached: Attached = {}

    def set_model(self, model: keras.Model) -> None:
        """Finds the variables in the model."""
        super().set_model(model)
        self._attached = attach_statistics(model, self)

    def on_train_begin(self, logs: Any = None) -> None:
        """Has the step compiled again if it does not read the variables yet."""
        serve_compiled_functions(self.model, self._attached)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Sets the factor of the epoch."""
        for _, statistics in self._attached.values():
            # The step multiplies by `s * 2 + (1 - s)`; see `WeightByEpoch`.
            statistics.weight_switch.assign(self.factors[epoch] - 1.0)
