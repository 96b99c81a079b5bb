"""Copies of callbacks."""

import copy
from typing import Any, ClassVar

import keras


class DetachedCopies:
    """Lets copies of a callback belong to no model, as if it had just been made."""

    # What a copy begins with, by the name of the attribute.
    _detached: ClassVar[dict[str, Any]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Returns what copies and pickles have."""
        of_keras = vars(keras.callbacks.Callback())
        return {**vars(self), **of_keras, **copy.deepcopy(self._detached)}
