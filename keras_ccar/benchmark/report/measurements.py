"""Measurements of speed: JSON files with a command, an environment and numbers."""

from pathlib import Path
from typing import Any

import pandas as pd

from keras_ccar.benchmark.comparison import READING_FILE, RESULTS_FILE
from keras_ccar.benchmark.results_checks import HARDWARE
from keras_ccar.callbacks.history_file import is_history
from keras_ccar.files import read_json
from keras_ccar.json_checks import PLAIN, TEXT, Kind, check_fields, numbers

_SECONDS = Kind(
    "a list of numbers, at least one",
    lambda value: numbers().fits(value) and bool(value) and None not in value,
)
_FIELDS = {
    "command": TEXT,
    "environment": {"hardware": HARDWARE, "commit": TEXT.or_null()},
    "rows?": [(PLAIN,)],
    "seconds?": (_SECONDS,),
}
# A table with more rows than this shows ranges instead.
_MOST_ROWS = 20


def read_measurements(folder: str | Path) -> dict[str, dict[str, Any]]:
    """Returns the measurements that lie beside comparisons, by file name.

    Skips saved statistics of a training. Any other JSON file is a `ValueError`.
    """
    measurements = {}
    for path in sorted(Path(folder).glob("*.json")):
        if path.name in (RESULTS_FILE, READING_FILE):
            continue
        content = read_json(path)
        if is_history(content):
            continue
        parts = set(content) if isinstance(content, dict) else set()
        if not {"command", "environment"} <= parts or not {"rows", "seconds"} & parts:
            raise ValueError(
                f"{path} is not a measurement: it lacks command, environment, or rows "
                "or seconds. See benchmarks/ for examples, or move the file elsewhere."
            )
        check_fields(path, content, _FIELDS)
        for key in ("rows", "seconds"):
            if key in content and not content[key]:
                raise ValueError(f"{path} has no {key}.")
        measurements[path.name] = content
    return measurements


def measurement_rows(measurement: dict[str, Any]) -> list[list[str]]:
    """Returns a measurement as a table of text, the header first.

    It holds `rows`, a list of dicts, or `seconds`, a dict of lists: the same work done
    in several ways. Many rows become one for each combination of their texts, with the
    least and the greatest of each number.
    """
    if "rows" not in measurement:
        header = ["way", "seconds, least", "seconds, greatest"]
        ways = measurement["seconds"].items()
        return [header, *([way, _format(min(s)), _format(max(s))] for way, s in ways)]
    frame = pd.DataFrame(measurement["rows"]).dropna(axis="columns", how="all")
    texts = list(frame.select_dtypes(exclude="number"))
    if len(frame) > _MOST_ROWS and texts:
        return _ranges(frame, texts)
    rows = [[_format(value) for value in row] for row in frame.itertuples(index=False)]
    return [[_heading(name) for name in frame.columns], *rows]


def _ranges(frame: pd.DataFrame, texts: list[str]) -> list[list[str]]:
    numbers = list(frame.select_dtypes("number"))
    # Ratios, if there are any, compare across sizes; other numbers do not.
    numbers = [name for name in numbers if name.endswith("ratio")] or numbers
    rows = [[*map(_heading, texts), "settings", *map(_heading, numbers)]]
    for key, group in frame.groupby(texts, sort=False, dropna=False):
        ranges = [
            f"{_format(group[name].min())} to {_format(group[name].max())}"
            for name in numbers
        ]
        rows.append([*map(_format, key), str(len(group)), *ranges])
    return rows


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _format(value: Any) -> str:
    if isinstance(value, str | bool):
        return str(value)
    if pd.isna(value):
        return "–"
    if float(value).is_integer():
        return str(int(value))
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3g}"
