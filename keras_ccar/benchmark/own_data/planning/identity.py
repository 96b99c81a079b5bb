"""What the results of a comparison on own data depend on, as plain JSON."""

import contextlib
import functools
import hashlib
import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_ccar.benchmark.own_data.planning.array_digest import add_array
from keras_ccar.benchmark.own_data.planning.user_code import digest_of_code
from keras_ccar.files import to_json
from keras_ccar.keras_internals import all_layers


def describe_loss(loss: Any) -> dict[str, Any]:
    """Returns a loss as plain JSON: its configuration, or the name of its function."""
    if isinstance(loss, keras.losses.Loss):
        try:
            serialized = keras.saving.serialize_keras_object(loss)
            found: dict[str, Any] = to_json(without_names(serialized))
            json.dumps(found)
            return found
        except (NotImplementedError, RuntimeError, TypeError, ValueError):
            return {"class_name": type(loss).__name__, "source": _source(type(loss))}
    name = getattr(loss, "__name__", type(loss).__name__)
    return {"class_name": name, "source": _source(loss)}


def describe_model(model: keras.Model) -> str:
    """Returns a digest of a new model: its layers and the weights that it begins with.

    The weights of one seed tell the initializers and a pretrained network from others.
    Layers of the user's own, and functions in layers, count with their code.
    """
    content = hashlib.sha256()
    errors = AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError
    with contextlib.suppress(*errors):  # of models without a configuration
        config = to_json(keras.saving.serialize_keras_object(model))
        content.update(json.dumps(_without_code(config), sort_keys=True).encode())
    for variable in model.weights:
        content.update(f"{variable.path}|".encode())
        add_array(content, keras.ops.convert_to_numpy(variable))
    content.update(digest_of_code(*all_layers(model)).encode())
    return content.hexdigest()


def describe_callbacks(
    callbacks: Sequence[keras.callbacks.Callback],
) -> list[dict[str, str]]:
    """Returns the class of each new callback, and a digest of its settings and code."""
    return [
        {
            "class_name": type(callback).__name__,
            "digest": digest_of_code(callback, with_settings=True),
        }
        for callback in callbacks
    ]


def without_names(serialized: Any) -> Any:
    """Leaves out the names of serialised objects, which compute nothing.

    Keras counts in them how many of a kind a process has made.
    """
    if isinstance(serialized, dict):
        config = serialized.get("config")
        if "class_name" in serialized and isinstance(config, dict):
            kept = {key: value for key, value in config.items() if key != "name"}
            serialized = {**serialized, "config": kept}
        return {key: without_names(value) for key, value in serialized.items()}
    if isinstance(serialized, list | tuple):
        return [without_names(item) for item in serialized]
    return serialized


@functools.cache
def own_code() -> str:
    """Returns a digest of the code of this room, which can change results."""
    content = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        content.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()[:16]


def _without_code(config: Any) -> Any:
    """Leaves out compiled lambdas, which name the file and line that they come from."""
    if isinstance(config, dict):
        if config.get("class_name") == "__lambda__":
            return "lambda"
        kept = {k: v for k, v in config.items() if k != "compile_config"}
        return {key: _without_code(value) for key, value in kept.items()}
    if isinstance(config, list):
        return [_without_code(item) for item in config]
    return config


def _source(code: Any) -> str:
    """Returns the source of a function or class, its name where there is none."""
    try:
        return inspect.getsource(code)
    except (OSError, TypeError):
        return str(getattr(code, "__qualname__", type(code).__qualname__))
