"""The statistics of a training as a JSON file."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from keras_ccar.arguments import check_path
from keras_ccar.files import read_json, write_json
from keras_ccar.json_checks import TEXT, TEXTS, check_fields, field_error, numbers

_FORMAT = "keras_ccar statistics"
_OUTPUT = {
    "name": TEXT.or_null(),
    "loss": TEXT,
    "class_names": TEXTS.or_null(),
    "class_counts": numbers(),
    "epochs": [{}],
}
QUANTITIES = ("count", "frequency", "mean_confidence", "mean_weight", "below_pivot")


def output_entry(
    name: str, loss: Any, class_names: list[str] | None, epochs: list[dict[str, Any]]
) -> dict[str, Any]:
    """Returns the entry of a loss, described at `CCARCallback.save_history`."""
    return {
        "name": name,
        "loss": type(loss).__name__,
        "pivot": getattr(loss.weighting, "pivot", None),
        "class_names": class_names,
        "class_counts": loss.class_counts,
        "epochs": [{q: epoch[q] for q in QUANTITIES} for epoch in epochs],
    }


def write_history(path: str | os.PathLike[str], outputs: list[dict[str, Any]]) -> None:
    """Writes the statistics of a training, described at `CCARCallback.save_history`."""
    content = {"format": _FORMAT, "outputs": outputs}
    write_json(Path(check_path("path", path)), content, indent=None, keep_infinity=True)


def read_history(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Reads what `write_history` wrote, with NaN for means of classes without samples.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not one that `write_history` wrote.
    """
    path = Path(path)
    content = read_json(path)
    if not is_history(content):
        raise ValueError(
            f"{path} does not hold the statistics of a training. Write them with "
            "`CCARCallback.save_history`."
        )
    _check(path, content)
    outputs: list[dict[str, Any]] = content["outputs"]
    for output in outputs:
        output["epochs"] = [
            {name: np.array(epoch[name], dtype="float64") for name in QUANTITIES}
            for epoch in output["epochs"]
        ]
    return outputs


def _check(path: Path, content: dict[str, Any]) -> None:
    """Raises an error that names file and field unless a page can show the content."""
    check_fields(path, content, {"outputs": [_OUTPUT]})
    if not content["outputs"]:
        raise field_error(path, "outputs", "a list of at least one", [])
    for at, output in enumerate(content["outputs"]):
        field = f"outputs[{at}]"
        counts, names = output["class_counts"], output["class_names"]
        is_wrong = any(count is None or count < 0 for count in counts)
        if is_wrong or not any(counts):
            words = "a list of counts that are not all zero"
            raise field_error(path, f"{field}.class_counts", words, counts)
        if names is not None and len(names) != len(counts):
            words = f"a list of {len(counts)} names"
            raise field_error(path, f"{field}.class_names", words, names)
        if not output["epochs"]:
            raise field_error(path, f"{field}.epochs", "a list of at least one", [])
        epoch = dict.fromkeys(QUANTITIES, numbers(len(counts), allow_infinity=True))
        epoch["count"] = numbers(len(counts))
        check_fields(path, output["epochs"], [epoch], f"{field}.epochs")


def is_history(content: Any) -> bool:
    """Tells whether the content of a JSON file is what `write_history` wrote."""
    return isinstance(content, dict) and content.get("format") == _FORMAT
