"""The command `keras-ccar compare` on the user's own data."""

import argparse
import contextlib
import shlex
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

from keras_ccar import serving
from keras_ccar.benchmark.cli.errors import INTERRUPTED, RequestError, without_traceback
from keras_ccar.benchmark.cli.versions import list_versions
from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.own_data.request import OwnRequest, run_own
from keras_ccar.benchmark.own_data.training.muted_warnings import quiet
from keras_ccar.benchmark.own_data.training.saved_models import finish
from keras_ccar.benchmark.report.console import say
from keras_ccar.benchmark.runner.folder_lock import FolderInUseError
from keras_ccar.benchmark.sources.labels.coding import UNKNOWN
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import read_data
from keras_ccar.benchmark.sources.user_data import UserData
from keras_ccar.serving.can_export import check_can_export
from keras_ccar.serving.classifier import named_inputs

# Of a network with layers that were trained before, and of one without.
_FINE_TUNING_RATE = 1e-4
_USUAL_RATE = 1e-3


def run_own_compare(options: argparse.Namespace, console: Console) -> int:
    """Compares losses on the user's data, and returns the exit code."""
    with without_traceback(ValueError, OSError, ImportError):
        _check_options(options)
        data = read_data(Path(options.dataset), read_source_options(options))
        _check_export(data, options)
        request = make_request(data, options)
    for note in data.notes:
        say(console, note)
    try:
        with without_traceback(FolderInUseError, ValueError, OSError, ImportError):
            comparison, failed = run_own(request, console)
    except KeyboardInterrupt:
        return INTERRUPTED
    with without_traceback(OSError):
        data.reading.save(request.folder)
    if options.export is not None:
        _export(comparison, data, options.export, console)
    return 1 if failed else 0


def read_source_options(options: argparse.Namespace) -> SourceOptions:
    """Returns how the files are to be read, from the parsed options.

    `keras-ccar count` has fewer options.
    """
    given = {
        name: value
        for name in ("separator", "group", "backbone", "tune", "image_size")
        if (value := getattr(options, name, None)) is not None
    }
    for name in ("validation", "test"):
        if (text := getattr(options, name, None)) is not None:
            given[name] = _read_part(name, text)
    return SourceOptions(
        label=tuple(options.label),
        drop=tuple(getattr(options, "drop", ())),
        keep=tuple(getattr(options, "keep", ())),
        seed=options.data_seed,
        cache=folder_of(options) / "features",
        **given,
    )


def folder_of(options: argparse.Namespace) -> Path:
    """Returns the folder that the command writes to."""
    path = Path(options.dataset).resolve()
    name = path.name if path.is_dir() else path.stem
    return Path(options.output or Path("runs") / name)


def make_request(data: UserData, options: argparse.Namespace) -> OwnRequest:
    """Returns the comparison that the options ask for."""
    given = {
        name: value
        for name in ("epochs", "batch_size", "metric", "budget")
        if (value := getattr(options, name)) is not None
    }
    is_fine_tuned = options.backbone is not None and options.tune in ("stage", "all")
    rate = _FINE_TUNING_RATE if is_fine_tuned else _USUAL_RATE
    backend = keras.backend.backend()
    return OwnRequest(
        data.build_model,
        data.train,
        data.validation,
        test=data.test,
        losses=list(options.methods) or None,
        class_names=data.class_names,
        seeds=options.seeds,
        optimizer=keras.optimizers.Adam(options.learning_rate or rate),
        output=folder_of(options),
        name=data.name,
        command=f"KERAS_BACKEND={backend} keras-ccar {shlex.join(options.words)}",
        smoke=options.smoke,
        parallel=options.parallel,
        ignore_value=UNKNOWN if data.has_unknown else None,
        **given,
    )


def _check_options(options: argparse.Namespace) -> None:
    """Raises a `ValueError` for options that need others, before hours of training."""
    if options.tune is not None and options.backbone is None:
        raise ValueError("`--tune` needs `--backbone`, the network to tune.")
    if options.export is not None:
        list_versions(options.export)
        if keras.backend.backend() == "torch":
            raise ValueError(
                "`--export` needs the TensorFlow or JAX backend: set KERAS_BACKEND."
            )
        with without_traceback(RuntimeError):
            check_can_export()


def _check_export(data: UserData, options: argparse.Namespace) -> None:
    """Raises a `ValueError` for data whose model the backend cannot export."""
    backend = keras.backend.backend()
    if options.export is not None and data.takes_text and backend != "tensorflow":
        raise ValueError(
            "`--export` of a table with columns of categories or text needs the "
            f"TensorFlow backend. Received: backend {backend!r}, which has no text. "
            "Set KERAS_BACKEND=tensorflow, or leave `--export` out."
        )
    if options.export is not None and data.wide and backend != "tensorflow":
        raise ValueError(
            "`--export` of numbers whose differences float32 does not hold, "
            f"{', '.join(data.wide)}, needs the TensorFlow backend. Received: backend "
            f"{backend!r}, which has no float64. Set KERAS_BACKEND=tensorflow, or take "
            "a number near all of them off these numbers, which makes them small."
        )


def _read_part(name: str, text: str) -> float | Path:
    """Returns the share or the path that a part of the data was given as."""
    if Path(text).exists():
        return Path(text)
    with contextlib.suppress(ValueError):
        if 0 < float(text) < 1:
            return float(text)
    raise ValueError(
        f"`--{name}` must be a share between 0 and 1, such as 0.2, or the path of data "
        f"that are there. Received: {text!r}."
    )


def _export(
    comparison: Comparison, data: UserData, folder: Path, console: Console
) -> None:
    """Writes the recommended model, from the user's raw data to probabilities."""
    with without_traceback(ValueError, OSError, ImportError, RuntimeError):
        try:
            with quiet():  # the answer has said what `finish` warns of
                finished = finish(comparison)
            whole: Any = data.make_whole(finished)
        except ValueError as error:
            raise RequestError(f"No model can be exported: {error}") from error
        earlier = list_versions(folder)
        path = serving.export(
            whole,
            folder,
            class_names=data.class_names,
            version=max(earlier, default=0) + 1,
            example=data.example,
            multi_label=data.kind == "labels",
        )
    inputs, best = ", ".join(named_inputs(whole)[1]), comparison.best()
    say(
        console,
        f"Exported for TensorFlow Serving: {path}. It is the model of {best.title}, "
        f"chosen on the {best.chosen_on} data, and takes {inputs}.",
    )
    if earlier:
        say(
            console,
            f"{folder} held version {earlier[-1]} already, so this is version "
            f"{path.name}: TensorFlow Serving serves the highest.",
        )
    renamed = {column: name for column, name in data.inputs.items() if column != name}
    if renamed:
        lines = "".join(f"    {key!r}: {name!r},\n" for key, name in renamed.items())
        say(
            console,
            "Columns whose input has another name, for `rows.rename(columns=renamed)`:"
            f"\nrenamed = {{\n{lines}}}",
        )
