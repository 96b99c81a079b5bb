"""Saved losses as the calls that make them."""

import inspect
import json
import re
import textwrap
from typing import Any

import keras
import numpy as np

# What a loss takes from the user's data, or from Keras.
_NOT_WRITTEN = ("class_counts", "dtype", "name", "num_examples", "reduction")
# The public rooms below `keras_ccar`; names of all others are in `keras_ccar` itself.
_ROOMS = ("adjustments", "weightings", "layers", "initializers")


def with_imports(text: str) -> str:
    """Returns code behind the imports that it needs."""
    used = [name for name in ("keras", "keras_ccar") if re.search(rf"\b{name}\.", text)]
    lines = [f"import {name}" for name in used]
    if "Comparison." in text:
        lines.append("from keras_ccar.benchmark import Comparison")
    return "\n".join([*lines, "", text]).strip()


def format_call(name: str, words: list[str]) -> str:
    """Returns a call with a line for each argument, as formatters of code leave it."""
    if not words:
        return f"{name}()"
    arguments = textwrap.indent("".join(f"{word},\n" for word in words), "    ")
    return f"{name}(\n{arguments})"


def call_of(saved: Any, counts: Any = None, ignoring: str = "") -> str:
    """Returns the call that makes a saved object; "" for what no user can call.

    Args:
        saved: the object as Keras saves it.
        counts: what `class_counts` is in the code: of each class, or of no and yes. A
            loss of other counts gets its own. None if the user is to say, together
            with `num_examples` of labels.
        ignoring: the argument of unknown labels as code, for a loss that was told NaN,
            which JSON does not keep; "" if all are known.
    """
    if not isinstance(saved, dict) or not isinstance(saved.get("config"), dict):
        return ""
    found = _public_class(saved)
    if found is None:
        return ""
    name, kind = found
    parameters = inspect.signature(kind).parameters
    words = []
    is_first = next(iter(parameters)) == "class_counts"
    for key, value in _counts(saved["config"], counts).items():
        if key in parameters:
            is_plain = is_first and key == "class_counts"
            words.append(value if is_plain else f"{key}={value}")
    for key, value in saved["config"].items():
        parameter = parameters.get(key)
        if parameter is None or key in _NOT_WRITTEN or value == parameter.default:
            continue
        text = call_of(value) if isinstance(value, dict) else literal(value)
        if not text:
            return ""
        words.append(f"{key}={text}")
    told = ignoring.partition("=")[0]
    if told in parameters and saved["config"].get(told) is None:
        words.append(ignoring)
    return format_call(name, words)


def _counts(config: dict[str, Any], counts: Any) -> dict[str, str]:
    """Returns the counts of a loss as code."""
    keys = ("class_counts", "num_examples")
    given = {key: config[key] for key in keys if config.get(key) is not None}
    if counts is None:
        return {key: key for key in given}
    rows = np.array(counts, "float64")
    if "num_examples" in given:  # Losses keep the counts of yes, and N.
        no, yes = rows.reshape(-1, 2).T
        is_same = np.array_equal(given["class_counts"], yes) and np.array_equal(
            np.broadcast_to(given["num_examples"], yes.shape), no + yes
        )
    else:
        is_same = np.array_equal(given.get("class_counts", []), rows)
    if is_same:
        return {"class_counts": "class_counts"}
    return {key: json.dumps(value) for key, value in given.items()}


def _public_class(saved: dict[str, Any]) -> tuple[str, type] | None:
    """Returns the name that users call a saved class by, and the class."""
    class_name, registered = saved.get("class_name"), saved.get("registered_name")
    if saved.get("module") == "keras.losses" and isinstance(class_name, str):
        kind = getattr(keras.losses, class_name, None)
        is_loss = isinstance(kind, type) and issubclass(kind, keras.losses.Loss)
        return (f"keras.losses.{class_name}", kind) if is_loss and kind else None
    if not isinstance(registered, str) or not registered.startswith("keras_ccar>"):
        return None
    kind = keras.saving.get_registered_object(registered)
    room = kind.__module__.split(".")[1] if kind is not None else "benchmark"
    if kind is None or room == "benchmark":
        return None
    prefix = f"keras_ccar.{room}" if room in _ROOMS else "keras_ccar"
    return f"{prefix}.{kind.__name__}", kind


def literal(value: Any) -> str:
    """Returns a value as code; "" for what is not plain."""
    if isinstance(value, str):
        return json.dumps(value)
    return repr(value) if value is None or isinstance(value, int | float) else ""
