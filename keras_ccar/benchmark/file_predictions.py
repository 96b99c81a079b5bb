"""Predicts new files with the best model of a comparison."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from keras_ccar.arguments import argument_error, check_number, check_path, optional
from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.own_data.planning.columns import BINARY, SOFTMAX
from keras_ccar.benchmark.own_data.training.saved_models import finish
from keras_ccar.benchmark.sources.labels.coding import shown
from keras_ccar.benchmark.sources.saved_readings import load_reading
from keras_ccar.benchmark.sources.tables.table_files import WHOLE
from keras_ccar.layers.thresholds import Thresholds
from keras_ccar.serving.decision_layers import split_decision

_EXAMPLES_AT_A_TIME = 256
_WARNING = "Warning: "


def predict(
    comparison: Comparison,
    data: str | Path,
    threshold: float | None = None,
    notes: list[str] | None = None,
    as_written: bool = False,
) -> pd.DataFrame:
    """See `Comparison.predict`.

    Args:
        comparison: read from its folder.
        data: the new files.
        threshold: of yes.
        notes: takes what there is to say of the files; if None, those that warn are
            warnings of Python, and the others are left out.
        as_written: whether the columns of a CSV file are texts, as it has them.
    """
    path = Path(check_path("data", data))
    threshold = optional(check_number, "threshold", threshold, 0, 1)
    if comparison.folder is None:
        raise argument_error("comparison", None, "a comparison with a folder")
    kind = comparison.dataset.get("kind", SOFTMAX)
    if threshold is not None and kind == SOFTMAX:
        raise argument_error(
            "threshold",
            threshold,
            "None for classes that exclude each other, of which the most probable is "
            "predicted",
        )
    reading = load_reading(Path(comparison.folder))
    said: list[str] = []
    examples = reading.read(path, said)
    if notes is None:
        for note in said:
            if note.startswith(_WARNING):
                warnings.warn(note.removeprefix(_WARNING), stacklevel=3)
    else:
        notes += said
    model, decision = split_decision(finish(comparison, stacklevel=4))
    outputs = model.predict(examples.inputs, batch_size=_EXAMPLES_AT_A_TIME, verbose=0)
    probabilities = np.asarray(outputs, "float64")
    if comparison.recipe.get("from_logits"):
        activation: Any = softmax if kind == SOFTMAX else expit
        along = {"axis": -1} if kind == SOFTMAX else {}
        probabilities = activation(probabilities, **along)
    names = comparison.dataset["class_names"]
    limits: Any = 0.5 if threshold is None else threshold
    if threshold is None and isinstance(decision, Thresholds):
        limits = np.asarray(decision.thresholds)
    answers = _columns(probabilities, kind, names, limits)
    taken = [name for name in answers if name in examples.names]
    if taken:
        raise ValueError(
            f"{path} must not have columns of the names that predictions get. Received "
            f"{shown(taken)}. Rename or drop them."
        )
    if as_written:
        return examples.names.assign(**answers)
    rows = examples.names if examples.values is None else examples.values
    if "predicted" in answers:
        answers["predicted"] = _as_values(answers["predicted"], names)
    return rows.assign(**answers)


def _columns(
    probabilities: np.ndarray, kind: str, names: list[str], limits: Any
) -> dict[str, np.ndarray]:
    """Returns the columns of the answers.

    Args:
        probabilities: of classes `(N, K)`, of yes `(N, 1)` or of labels `(N, K)`.
        kind: of the labels.
        names: of the classes; of one label of no and yes.
        limits: the thresholds of yes, a number or `(K,)`.
    """
    if kind == SOFTMAX:
        found = {"predicted": np.array(names, object)[probabilities.argmax(axis=-1)]}
        shares = zip(names, probabilities.T, strict=True)
        return found | {f"probability_{name}": share for name, share in shares}
    is_yes = probabilities >= limits
    if kind == BINARY:
        chosen = np.array(names, object)[is_yes[:, 0].astype(int)]
        return {"predicted": chosen, f"probability_{names[1]}": probabilities[:, 0]}
    found = {}
    for name, yes, share in zip(names, is_yes.T, probabilities.T, strict=True):
        found[f"predicted_{name}"] = yes.astype(int)
        found[f"probability_{name}"] = share
    return found


def _as_values(predicted: np.ndarray, names: list[str]) -> np.ndarray:
    """Returns classes as tables have them: whole numbers, truth values, or texts."""
    if set(names) == {"false", "true"}:
        return np.asarray(predicted == "true")
    is_whole = all(re.fullmatch(WHOLE, name) for name in names)
    return predicted.astype("int64") if is_whole else predicted
