"""Turns the weights of losses on after some epochs."""

from typing import Any, ClassVar

import keras

from keras_ccar.arguments import check_whole_number
from keras_ccar.callbacks.attachment import (
    Attached,
    attach_statistics,
    serve_compiled_functions,
)
from keras_ccar.callbacks.detached_copies import DetachedCopies


class DeferredReweighting(DetachedCopies, keras.callbacks.Callback):
    """Trains with weight 1 at first, and with the loss's weights from an epoch on.

    Deferred reweighting (DRW) lets a network learn its features from the data as they
    are before it reweights them. The switch is a variable of the compiled step, so the
    step is compiled only once. Adjustments of the logits are on throughout. Losses are
    found wherever they are, as `CCARCallback` finds them; those without weights are
    left alone.

    Every model has a switch of its own. A training that is interrupted leaves it as it
    is in this epoch; the next `fit` with a callback of this package turns it on again.

    Args:
        start_epoch: the first epoch (from 0) that trains with weights.

    Raises:
        ValueError: if the start epoch is no whole number of at least 0; when training
            begins, if the model was compiled without a loss of this package or with
            one without weights.

    Reference:
        Cao et al. 2019, arXiv 1906.07413, Algorithm 1.

    Example:
    ```python
    import keras
    import numpy as np
    import keras_ccar
    from keras_ccar.weightings import EffectiveNumber

    model = keras.Sequential([keras.Input((8,)), keras_ccar.layers.CosineHead(3)])
    model.compile(
        "sgd",
        keras_ccar.LDAMLoss(
            [3, 2, 1], weighting=EffectiveNumber(), normalize=True, from_logits=True
        ),
    )
    model.fit(
        np.ones((6, 8)),
        np.array([0, 0, 0, 1, 1, 2]),
        epochs=2,
        callbacks=[keras_ccar.DeferredReweighting(start_epoch=1)],
        verbose=0,
    )
    ```
    """

    _detached: ClassVar[dict[str, Any]] = {"_attached": {}}

    def __init__(self, start_epoch: int) -> None:
        super().__init__()
        self.start_epoch: int = check_whole_number("start_epoch", start_epoch, 0)
        self._attached: Attached = {}

    def set_model(self, model: keras.Model) -> None:
        """Attaches the switch to the model."""
        super().set_model(model)
        self._attached = attach_statistics(model, self)
        if all(loss.weighting is None for loss, _ in self._attached.values()):
            raise ValueError(
                "`DeferredReweighting` needs a loss with weights to defer. Give the "
                "loss some, e.g. `LDAMLoss(class_counts, weighting="
                "keras_ccar.weightings.EffectiveNumber(), normalize=True)`."
            )

    def on_train_begin(self, logs: Any = None) -> None:
        """Has the step compiled again if it does not read the switch yet."""
        serve_compiled_functions(self.model, self._attached)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Sets the switch."""
        for _, statistics in self._attached.values():
            statistics.weight_switch.assign(float(epoch >= self.start_epoch))

    def on_train_end(self, logs: Any = None) -> None:
        """Switches the weights on, as they are without this callback."""
        for _, statistics in self._attached.values():
            statistics.weight_switch.assign(1.0)
