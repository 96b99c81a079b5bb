"""Configurations that hold other serialised objects."""

import keras


def deserialize_nested(config):
    """Returns a configuration in which serialised objects are objects again."""
    return {
        name: keras.saving.deserialize_keras_object(value)
        if isinstance(value, dict) and "class_name" in value
        else value
        for name, value in config.items()
    }
