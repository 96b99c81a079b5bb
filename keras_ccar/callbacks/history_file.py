"""The statistics of a training as a JSON file."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from keras_ccar.arguments import check_path
from keras_ccar.files import read_json, write_json

_FORMAT = "keras_ccar statistics"
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
    try:
        content = read_json(path)
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from None
    if not is_history(content):
        raise ValueError(
            f"{path} does not hold the statistics of a training. Write them with "
            "`CCARCallback.save_history`."
        )
    outputs: list[dict[str, Any]] = content["outputs"]
    for output in outputs:
        output["epochs"] = [
            {name: np.array(epoch[name], dtype="float64") for name in QUANTITIES}
            for epoch in output["epochs"]
        ]
    return outputs


def is_history(content: Any) -> bool:
    """Tells whether the content of a JSON file is what `write_history` wrote."""
    return isinstance(content, dict) and content.get("format") == _FORMAT
