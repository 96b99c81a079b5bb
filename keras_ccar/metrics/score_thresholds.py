"""Thresholds between logits: evenly spaced where most are, and wider far out."""

import math
import warnings
from typing import Any

import numpy as np
from keras import ops

from keras_ccar.inputs.checks import eager_value

# Up to it thresholds are spaced evenly. Beyond it a probability is nearer to 0 or 1
# than 1e-7, and the logits of each factor of e have as many thresholds as 4 before it.
_EVEN = 16.0
_FURTHER = 4.0
# Of the positives of a class, among negatives beyond the last threshold.
_LARGEST_SHARE = 0.01


def place_among_thresholds(logits: Any, limit: float, num_thresholds: int) -> Any:
    """Returns where logits are among thresholds, from 0 to their number.

    Args:
        logits: a tensor without NaN.
        limit: the last threshold. Logits beyond it are put there.
        num_thresholds: the number of thresholds from `-limit` to `limit`.
    """
    logits = ops.clip(logits, -limit, limit)
    distance = ops.abs(logits)
    beyond = ops.log(ops.maximum(distance, _EVEN) / _EVEN)
    place = ops.sign(logits) * (ops.minimum(distance, _EVEN) + _FURTHER * beyond)
    end = min(limit, _EVEN) + _FURTHER * math.log(max(limit, _EVEN) / _EVEN)
    # Rounding may take the limit itself a little beyond the end.
    place = (place + end) * (num_thresholds / (2 * end))
    return ops.clip(place, 0.0, float(num_thresholds))


def warn_of_ends(samples: Any, limit: float) -> None:
    """Warns of positives and negatives together at the ends, outside of compiled steps.

    Args:
        samples: weights of no and of yes between thresholds, `(K, 2, T)`.
        limit: the last threshold.
    """
    values = eager_value(samples)
    if values is None:
        return
    ends = values[..., [0, -1]]
    total = values[:, 1].sum(axis=-1)
    share = np.where(ends[:, 0] > 0, ends[:, 1], 0).max(axis=-1)
    classes = np.flatnonzero(share > _LARGEST_SHARE * total)
    if classes.size:
        worst = share[classes[0]] / total[classes[0]]
        warnings.warn(
            f"{worst:.0%} of the positives of class {classes[0]} have logits beyond "
            f"`limit={limit:g}`, which do not tell them from negatives: the average "
            "precision is not right. Pass a number above the largest absolute logit, "
            f"such as `limit={10 * limit:g}`.",
            stacklevel=3,
        )
