"""The arguments that every Keras layer has."""

from typing import Any

import keras

from keras_ccar.arguments import (
    check_boolean,
    check_float_policy,
    check_text,
    check_with_keras,
    optional,
)


def read_layer_config(config: dict[str, Any]) -> dict[str, Any]:
    """Returns the configuration of a layer with its dtype as a policy.

    Keras would restore it before the constructor can check it.
    """
    if isinstance(config.get("dtype"), dict):
        return {**config, "dtype": check_float_policy("dtype", config["dtype"])}
    return config


def check_layer_arguments(
    name: Any, trainable: Any, dtype: Any, autocast: Any, activity_regularizer: Any
) -> dict[str, Any]:
    """Returns the arguments of `keras.layers.Layer` by their names.

    Raises:
        ValueError: if one of them is not what Keras takes, or no dtype of floats.
    """
    return {
        "name": optional(check_text, "name", name),
        "trainable": check_boolean("trainable", trainable),
        "dtype": optional(check_float_policy, "dtype", dtype),
        "autocast": check_boolean("autocast", autocast),
        "activity_regularizer": check_with_keras(
            "activity_regularizer",
            activity_regularizer,
            keras.regularizers.get,
            "a regularizer",
        ),
    }


def check_float32_layer_arguments(
    name: Any, trainable: Any, dtype: Any, autocast: Any, activity_regularizer: Any
) -> dict[str, Any]:
    """Returns the same for layers behind which probabilities are used.

    Unless a dtype is given, they compute in float32 whatever the global policy is:
    half precision has few different probabilities, and their sums overflow.
    """
    if dtype is None:
        policy = keras.config.dtype_policy()
        dtype = "float64" if policy.compute_dtype == "float64" else "float32"
    return check_layer_arguments(name, trainable, dtype, autocast, activity_regularizer)
