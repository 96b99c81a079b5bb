"""The statistics of a training as a JSON file."""

import json
import os
from pathlib import Path

import numpy as np

_FORMAT = "keras_ccar statistics"
QUANTITIES = ("count", "frequency", "mean_confidence", "mean_weight", "below_pivot")


def write_history(path, outputs):
    """Writes statistics to a file that is whole or absent.

    Args:
        path: the file. Missing folders are created.
        outputs: list of one dict a loss: `name` of the output, `loss`, `pivot`,
            `class_names`, `class_counts`, and `epochs`, a list of dicts of arrays of
            shape `(K,)`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(
        {"format": _FORMAT, "outputs": _plain(outputs)}, ensure_ascii=False
    )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(content + "\n", encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_history(path):
    """Reads what `write_history` wrote.

    Args:
        path: the file.

    Returns:
        The list of dicts that was written; of arrays, NaN for what no sample gave.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is none of these.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from None
    if not is_history(content):
        raise ValueError(
            f"{path} does not hold the statistics of a training. Write them with "
            "`CCARCallback.save_history`."
        )
    for output in content["outputs"]:
        output["epochs"] = [
            {name: np.array(epoch[name], dtype="float64") for name in QUANTITIES}
            for epoch in output["epochs"]
        ]
    return content["outputs"]


def is_history(content):
    """Tells whether the content of a JSON file is what `write_history` wrote.

    Args:
        content: plain JSON.
    """
    return isinstance(content, dict) and content.get("format") == _FORMAT


def _plain(value):
    """JSON has no arrays, and no number that is none."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return None if isinstance(value, float) and np.isnan(value) else value
