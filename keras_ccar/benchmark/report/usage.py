"""The code that uses the best method of a comparison."""

import inspect
import json
import math
import re
import textwrap
from pathlib import Path
from typing import Any

import keras

from keras_ccar.benchmark.comparison import Comparison, MethodEntry

# What a loss takes from the user's data, or from Keras.
_NOT_WRITTEN = ("class_counts", "dtype", "name", "num_examples", "reduction")
# The public rooms below `keras_ccar`; names of all others are in `keras_ccar` itself.
_ROOMS = ("adjustments", "weightings", "layers", "initializers")


def code_of_best(comparison: Comparison) -> str:
    """Returns Python code that trains with the best method, or loads its model.

    Returns "" if nothing is finished, or the best is none that users can call.
    """
    try:
        best = comparison.best()
    except ValueError:
        return ""
    entries = {method["name"]: method for method in comparison.methods}
    method = entries[best.method]
    lines = []
    if "kind" in comparison.dataset and comparison.folder is not None:
        # A path of this machine is of no use elsewhere.
        folder = comparison.folder
        shown = Path(folder.name) if folder.is_absolute() else folder
        lines += [
            "# The trained model of the seed that is best on validation data, with all",
            "# that was chosen after training: also a temperature, so that its ECE and",
            "# log loss are not those above, which are without it.",
            f"model = Comparison.read({_literal(str(shown))}).finish()",
        ]
        if comparison.command:  # of files, which the command encoded or resized
            lines[1:1] = [
                "# It takes what the network was trained on: of a table its encoded",
                "# columns, of images their resized pixels or features. What",
                "# `--export` writes takes the columns themselves, and images of any",
                "# size.",
            ]
    loss = _call(method["loss"])
    if loss:
        lines += ["", *_training(method, loss, comparison.recipe["epochs"])]
    text = "\n".join(lines).strip()
    return "\n".join([*_imports(text), "", text]).strip()


def _imports(text: str) -> list[str]:
    """Returns the imports that some code needs."""
    used = [name for name in ("keras", "keras_ccar") if re.search(rf"\b{name}\.", text)]
    lines = [f"import {name}" for name in used]
    if "Comparison." in text:
        lines.append("from keras_ccar.benchmark import Comparison")
    return lines


def _training(method: MethodEntry, loss: str, epochs: int) -> list[str]:
    """Returns the lines that train with the loss of a method."""
    lines = []
    if method.get("head") == "cosine":
        lines.append("# The last layer of the model is keras_ccar.layers.CosineHead.")
    if "num_examples" in loss:
        lines += [
            "# class_counts: how many training examples are yes, for each label.",
            "# num_examples: how many training examples there are.",
        ]
    elif "class_counts" in loss:
        lines.append("# class_counts: how many training examples each class has.")
    lines += [f"loss = {loss}", "model.compile(optimizer, loss=loss)"]
    callbacks = ""
    if method.get("deferral"):
        # As the benchmark counts them: 0.8 times 200 epochs may be 159.99.
        start = math.floor(method["deferral"] * epochs + 1e-6)
        callbacks = f", callbacks=[keras_ccar.DeferredReweighting({start})]"
    lines.append(f"model.fit(train, epochs={epochs}{callbacks})")
    correction = method.get("correction")
    if correction:
        words = [f"{key}={_literal(correction[key])}" for key in ("tau", "from_logits")]
        call = _format_call("keras_ccar.LogitCorrection", ["class_counts", *words])
        lines += [
            f"correction = {call}",
            "model = keras_ccar.posthoc.chain(model, correction)",
        ]
    return lines


def _format_call(name: str, words: list[str]) -> str:
    """Returns a call with a line for each argument, as formatters of code leave it."""
    if not words:
        return f"{name}()"
    arguments = textwrap.indent("".join(f"{word},\n" for word in words), "    ")
    return f"{name}(\n{arguments})"


def _call(saved: Any) -> str:
    """Returns the call that makes a saved object; "" for what no user can call."""
    if not isinstance(saved, dict) or not isinstance(saved.get("config"), dict):
        return ""
    found = _public_class(saved)
    if found is None:
        return ""
    name, kind = found
    parameters = inspect.signature(kind).parameters
    words = []
    if saved["config"].get("class_counts") is not None and "class_counts" in parameters:
        is_first = next(iter(parameters)) == "class_counts"
        words.append("class_counts" if is_first else "class_counts=class_counts")
    if saved["config"].get("num_examples") is not None:
        words.append("num_examples=num_examples")
    for key, value in saved["config"].items():
        parameter = parameters.get(key)
        if parameter is None or key in _NOT_WRITTEN or value == parameter.default:
            continue
        text = _call(value) if isinstance(value, dict) else _literal(value)
        if not text:
            return ""
        words.append(f"{key}={text}")
    return _format_call(name, words)


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


def _literal(value: Any) -> str:
    """Returns a value as code; "" for what is not plain."""
    if isinstance(value, str):
        return json.dumps(value)
    return repr(value) if value is None or isinstance(value, int | float) else ""
