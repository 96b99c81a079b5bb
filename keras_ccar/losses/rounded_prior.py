"""The class distribution in the precision of a loss, as tensors."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ccar.frequencies import ClassPrior
from keras_ccar.keras_internals import in_symbolic_scope


class RoundedPrior:
    """Rounds the float64 numbers of a prior once, not in every step that runs eagerly.

    Args:
        dtype: the dtype of the loss.
    """

    def __init__(self, dtype: str) -> None:
        self._dtype = dtype
        # A prior and its numbers, replaced together: threads may share a loss.
        self._last: tuple[ClassPrior, list[Any]] | None = None

    def of(self, prior: ClassPrior) -> ClassPrior:
        """Returns the numbers of a prior as tensors."""
        last = self._last
        if last is None or last[0] is not prior:
            rounded: list[Any] = [np.asarray(x, self._dtype) for x in prior]
            if keras.backend.backend() == "torch" and not in_symbolic_scope():
                # Tensors of other backends may belong to a step that is compiled.
                rounded = [ops.convert_to_tensor(x) for x in rounded]
            self._last = last = prior, rounded
        return ClassPrior(*map(ops.convert_to_tensor, last[1]))
