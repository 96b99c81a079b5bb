"""What a loss computes, whatever it is called: methods that compute the same are one.

`BalancedSoftmaxLoss`, for example, is `LogitAdjustedLoss` at τ = 1.
"""

import hashlib
import inspect
import json
from typing import Any

import keras

from keras_ccar import losses

_ENGINE = losses.LongTailedCrossentropy
# The names of losses and what they are saved as change nothing that they compute.
_ARGUMENTS = [name for name in inspect.signature(_ENGINE).parameters if name != "name"]
_PARTS = ("weighting", "adjustment")


def loss_config(loss: Any) -> dict[str, Any]:
    """Returns everything that the results of a loss depend on, as plain JSON.

    A named softmax loss of this package is a choice of parts of
    `LongTailedCrossentropy`, and is described as such: two with the same parts compute
    the same. Any other loss is described as Keras saves it.
    """
    config: dict[str, Any] = keras.saving.serialize_keras_object(loss)
    is_named = getattr(losses, type(loss).__name__, None) is type(loss)
    if not is_named or not isinstance(loss, _ENGINE):
        return config
    parts = {
        part: keras.saving.serialize_keras_object(getattr(loss, part))
        for part in _PARTS
    }
    arguments = loss.get_config() | parts
    return {name: arguments[name] for name in _ARGUMENTS}


def digest(config: Any) -> str:
    """Returns a digest of plain JSON."""
    text = json.dumps(config, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
