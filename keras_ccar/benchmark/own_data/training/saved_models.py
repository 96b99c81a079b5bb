"""The trained models of a comparison: how they are kept, loaded and finished."""

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ccar.benchmark.comparison import Comparison, RunEntry
from keras_ccar.benchmark.own_data.planning.columns import SOFTMAX
from keras_ccar.benchmark.statistics.columns import describe_column
from keras_ccar.benchmark.statistics.prior_sentence import describe_prior_gap
from keras_ccar.keras_internals import all_layers
from keras_ccar.layers.temperature_scaling import TemperatureScaling
from keras_ccar.layers.thresholds import Thresholds
from keras_ccar.posthoc.composition import chain

MODELS_FOLDER = "models"


def save_model(model: keras.Model, folder: Path, name: str) -> str:
    """Writes a model so that its file is whole or absent.

    Args:
        model: the model. What it was compiled with is left out.
        folder: the folder of the comparison.
        name: the name of the file without suffix.

    Returns:
        The path of the file from the folder.
    """
    path = folder / model_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{name}.tmp.keras")
    with _uncompiled(model):
        model.save(temporary)
    os.replace(temporary, path)
    return model_path(name)


def model_path(name: str) -> str:
    """Returns where the model of a run is, from the folder of its comparison."""
    return f"{MODELS_FOLDER}/{name}.keras"


@contextlib.contextmanager
def _uncompiled(model: keras.Model) -> Iterator[None]:
    """Takes optimizer and loss, which only training needs, out of a model.

    A model within it has its own.
    """
    compiled = [
        (part, part.optimizer)
        for part in all_layers(model)
        if isinstance(part, keras.Model) and part.compiled
    ]
    for part, _ in compiled:
        part.compiled, part.optimizer = False, None
    try:
        yield
    finally:
        for part, optimizer in compiled:
            part.compiled, part.optimizer = True, optimizer


def load_model(comparison: Comparison, method: str, seed: int) -> keras.Model:
    """Loads the trained model of a run, with what its method does after training.

    Args:
        comparison: of the user's own data, read from its folder or just made.
        method: name of the method.
        seed: seed of the run.

    Returns:
        A `keras.Model` that is not compiled. A method that chooses thresholds answers
        0 or 1.

    Raises:
        ValueError: if there is no such finished run, or its model was not kept.
    """
    run = _find_run(comparison, method, seed)
    model = _load(comparison, run)
    thresholds = run.get("chosen", {}).get("thresholds")
    if thresholds is None:
        return model
    from_logits = comparison.recipe.get("from_logits")
    return chain(model, Thresholds(thresholds, from_logits=from_logits))


def finish(comparison: Comparison, stacklevel: int = 3) -> keras.Model:
    """Returns the recommended model whole.

    It is the model of the method that is best by the metric of the comparison, on the
    mean of its seeds on the validation data, and of the seed that is best there. Behind
    it come the correction and the temperature that were chosen on the validation data;
    of yes-or-no labels also the thresholds.

    Args:
        comparison: of the user's own data, read from its folder or just made.
        stacklevel: of the warning; by default the caller of `Comparison.finish`.

    Returns:
        A `keras.Model` that is not compiled, with the names of the classes as
        `class_names`, which `keras_ccar.serving.export` writes.

    Raises:
        ValueError: if no run finished, or its model was not kept.

    Warns:
        UserWarning: if its probabilities are not those of the data, mostly because the
            winner was rebalanced or adjusted, with what to do about it.
    """
    method, seed = find_winner(comparison)
    run = _find_run(comparison, method, seed)
    told = describe_prior_gap(
        run,
        comparison.finished_runs(),
        comparison.methods,
        comparison.dataset["class_names"],
    )
    if told:
        warnings.warn(told, stacklevel=stacklevel)
    model = _load(comparison, run)
    chosen = run.get("chosen", {})
    temperature, thresholds = chosen.get("temperature"), chosen.get("thresholds")
    from_logits = comparison.recipe.get("from_logits")
    layers: list[keras.layers.Layer] = []
    are_labels = comparison.dataset.get("kind", SOFTMAX) != SOFTMAX
    if temperature is not None or are_labels:
        # Of labels it also tells that they do not exclude each other.
        scaling = TemperatureScaling(
            temperature or 1.0, from_logits=from_logits, multi_label=are_labels
        )
        layers.append(scaling)
    if thresholds is not None:
        # They were chosen for the probabilities before the temperature.
        given = np.clip(np.array(thresholds, "float64"), 1e-12, 1 - 1e-12)
        odds = np.log(given / (1 - given)) / (temperature or 1.0)
        layers.append(Thresholds(1 / (1 + np.exp(-odds)), from_logits=from_logits))
    return chain(model, *layers)


def find_winner(comparison: Comparison) -> tuple[str, int]:
    """Returns the method that the report calls best, and its best validation seed.

    Raises:
        ValueError: if no run was measured on validation data.
    """
    method = comparison.best().method
    values = comparison.by_seed(method, comparison.metric, "validation").dropna()
    if values.empty:
        raise ValueError(
            "`comparison` must have a run that finished and was measured on validation "
            "data, as `keras_ccar.compare` does. Received: none"
        )
    column = describe_column(comparison.metric, comparison.metrics)
    seed = values.idxmin() if column.lower_is_better else values.idxmax()
    return method, int(seed)


def _find_run(comparison: Comparison, method: str, seed: int) -> RunEntry:
    for run in comparison.finished_runs(method):
        if run["seed"] == seed:
            return run
    finished = sorted(
        {(run["method"], run["seed"]) for run in comparison.finished_runs()}
    )
    raise ValueError(
        "`method` and `seed` must be those of a finished run. Received: "
        f"method={method!r}, seed={seed!r}. There are {finished[:20]}"
    )


def _load(comparison: Comparison, run: RunEntry) -> Any:
    folder, name = comparison.folder, run.get("model")
    if folder is None or name is None or not (Path(folder) / name).exists():
        where = "" if folder is None or name is None else f" in {Path(folder) / name}"
        raise ValueError(
            f"the model of {run['method']}, seed {run['seed']}, was not kept{where}. "
            "`keras_ccar.compare` keeps the models of your own data; run it again."
        )
    model = keras.saving.load_model(Path(folder) / name, compile=False)
    model.class_names = list(comparison.dataset["class_names"])
    return model
