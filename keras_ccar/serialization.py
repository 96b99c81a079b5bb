"""Configurations that hold other serialised objects."""

from typing import Any

import keras


def deserialize_nested(config: dict[str, Any]) -> dict[str, Any]:
    """Returns a configuration with its serialised objects deserialised."""
    return {
        name: keras.saving.deserialize_keras_object(value)
        if isinstance(value, dict) and "class_name" in value
        else value
        for name, value in config.items()
    }
