"""The best model of a comparison for new files."""

import re
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from keras_ccar.arguments import (
    argument_error,
    check_boolean,
    check_number,
    check_path,
    optional,
)
from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.own_data.planning.columns import BINARY, SOFTMAX
from keras_ccar.benchmark.own_data.training.saved_models import finish
from keras_ccar.benchmark.sources.labels.coding import shown
from keras_ccar.benchmark.sources.saved_readings import is_of_table, load_reading
from keras_ccar.benchmark.sources.tables.table_files import WHOLE
from keras_ccar.layers.named_model import model_with_names
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


def finish_for_files(comparison: Comparison, whole: bool | None) -> keras.Model:
    """See `Comparison.finish`."""
    whole = optional(check_boolean, "whole", whole)
    if whole and comparison.folder is None:
        raise argument_error("comparison", None, "a comparison with a folder")
    folder = Path(comparison.folder or "")
    reading = load_reading(folder) if whole else None
    network = finish(comparison, stacklevel=4)
    if reading is not None:
        names = network.class_names
        network = reading.make_whole(network)
        wide = [one.name for one in network.inputs if one.dtype == "float64"]
        if wide:
            raise ValueError(
                "`whole=True` must be for inputs whose digits float32 holds, which is "
                f"what `predict` of Keras takes. Received: {', '.join(wide)}. Call "
                "`Comparison.predict` for files, or export by `keras-ccar compare ... "
                "--export`, which trains nothing anew."
            )
        return model_with_names(network.input, network.output, names)
    if whole is None and comparison.folder is not None and is_of_table(folder):
        warnings.warn(
            "The model takes `features`, numbers that `Comparison.predict` makes of "
            "the columns of the table. For a model that takes the columns as they are, "
            "as `keras-ccar compare --export` writes it, call `finish(whole=True)`; "
            "`finish(whole=False)` returns this one without a warning.",
            stacklevel=3,
        )
    return network


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
