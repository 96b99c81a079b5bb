"""The logit of one class of each sample."""

from typing import Any

import keras
from keras import ops


def subtract_from_class(logits: Any, labels: Any, amounts: Any) -> Any:
    """Returns logits of which that of each sample's class is lowered.

    Args:
        logits: logits `(..., K)`.
        labels: integer classes `(...)` in [0, K).
        amounts: how much to subtract, `(...)`, of the dtype of the logits.
    """
    labels, amounts = (ops.expand_dims(part, -1) for part in (labels, amounts))
    if keras.backend.backend() == "torch":
        # One operation instead of four over the whole array.
        return logits.scatter_add(-1, labels.long(), -amounts)
    # A selection instead of a product: XLA need not build one-hot labels.
    is_class = labels == ops.arange(logits.shape[-1])
    return logits - ops.where(is_class, amounts, ops.zeros_like(amounts))
