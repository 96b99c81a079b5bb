"""The fields of `results.json` and of the files of runs that their readers use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_ccar.benchmark.statistics.columns import (
    COLUMNS,
    METRICS,
    METRICS_OF_KIND,
    SPLITS,
    describe_column,
)
from keras_ccar.json_checks import (
    AT_LEAST_ZERO,
    BOOLEAN,
    COUNT,
    NUMBER,
    PERCENT,
    PLAIN,
    POSITIVE,
    SETTING,
    TEXT,
    WHOLE,
    check_fields,
    field_error,
    numbers,
    one_of,
)
from keras_ccar.weightings.ccar import FORMS, FREQUENCY_SCALES

HARDWARE = {
    "processor": TEXT,
    "cores": POSITIVE.or_null(),
    "accelerators": [TEXT],
    "devices?": POSITIVE,
    "hosts?": POSITIVE,
}
_ENVIRONMENT = {
    "backend": TEXT,
    "commit": TEXT.or_null(),
    "versions": (TEXT,),
    "hardware": HARDWARE,
}
_OPTIONS = {
    "pivot?": NUMBER,
    "strength?": NUMBER,
    "form?": one_of(*FORMS),
    "normalize?": BOOLEAN,
    "differentiate_weight?": BOOLEAN,
    "frequency_scale?": one_of(*FREQUENCY_SCALES),
    "tau?": NUMBER,
}
_RESULTS = {
    "dataset": {
        "name": TEXT,
        "kind?": one_of(*METRICS_OF_KIND),
        "imbalance_factor": NUMBER.or_null(),
        "seed": WHOLE.or_null(),
        "digest": TEXT.or_null(),
        "class_names": [TEXT],
        "class_counts": [COUNT],
    },
    "recipe": {
        "name": TEXT,
        "epochs": POSITIVE,
        "source?": TEXT,
        "model?": TEXT,
        "schedule?": TEXT,
        "batch_size?": POSITIVE.or_null(),
        **dict.fromkeys(
            ("learning_rate?", "momentum?", "weight_decay?"), NUMBER.or_null()
        ),
    },
    "options": _OPTIONS,
    "methods": [
        {
            "name": TEXT,
            "title": TEXT,
            "derived_from?": TEXT.or_null(),
            "starts_at_prior?": BOOLEAN,
            "trained_prior?": TEXT,
            "loss": {"class_name": TEXT},
            "configuration?": TEXT,
            "equal_methods?": [{"name": TEXT, "title": TEXT}],
        }
    ],
    "seeds": [WHOLE],
    "environment": _ENVIRONMENT,
    "command": TEXT,
    "metric?": TEXT,
    "metrics?": (TEXT,),
    "split?": one_of(*SPLITS),
    "baseline?": TEXT,
}
_SPEED_SETTINGS = {
    "jit_compile": BOOLEAN,
    "threads": POSITIVE.or_null(),
    "onednn": BOOLEAN,
}
# How fast each choice of the settings of speed trains, and which was chosen.
SPEED = {
    "processes": POSITIVE,
    "chosen": _SPEED_SETTINGS,
    "measured": [{**_SPEED_SETTINGS, "images_per_second": NUMBER.or_null()}],
}
_RUN = {
    "method": TEXT,
    "seed": WHOLE,
    "status": one_of("finished", "failed"),
    "environment?": _ENVIRONMENT,
    "chosen?": (SETTING,),
}
_POINT = {
    "epoch": COUNT,
    "balanced": PERCENT,
    **dict.fromkeys(("many?", "medium?", "few?"), PERCENT.or_null()),
}
# What the figure of Ω is drawn from.
_CCAR = {
    "config": {
        "pivot": NUMBER,
        "strength": NUMBER,
        "form": one_of(*FORMS),
        "frequency_scale?": one_of(*FREQUENCY_SCALES),
    }
}


def check_results(path: Path, content: dict[str, Any]) -> None:
    """Raises a `ValueError` that names file and field unless reports can use them.

    Args:
        path: the file, for the message.
        content: the content of a `results.json`.
    """
    check_fields(path, content, _RESULTS)
    check_fields(path, content["recipe"], (SETTING,), "recipe")
    check_fields(path, content["options"], (PLAIN,), "options")
    if content.get("speed"):
        check_fields(path, content["speed"], SPEED, "speed")
    names, counts = (content["dataset"][f"class_{of}"] for of in ("names", "counts"))
    if len(names) != len(counts):
        words = f"a list of {len(counts)} names, one for each of `class_counts`"
        raise field_error(path, "dataset.class_names", words, names)
    if len(counts) < 2 or not any(counts):
        words = "counts of two classes or more that are not all zero"
        raise field_error(path, "dataset.class_counts", words, counts)
    metrics = content.get("metrics", METRICS)
    metric = content.get("metric", "balanced")
    if metric not in metrics:
        words = f"one of `metrics`: {', '.join(metrics)}"
        raise field_error(path, "metric", words, metric)
    if not content["methods"]:
        raise field_error(path, "methods", "a list of at least one", [])
    for at, method in enumerate(content["methods"]):
        if method["loss"]["class_name"] == "CCARLoss":
            check_fields(path, method["loss"], _CCAR, f"methods[{at}].loss")
    if not isinstance(content["runs"], list):
        raise field_error(path, "runs", "a list", content["runs"])
    epochs = content["recipe"]["epochs"]
    for at, run in enumerate(content["runs"]):
        check_run(path, run, len(counts), epochs, f"runs[{at}]", metric, metrics)
    _check_that_curves_agree(path, content["runs"])


def check_run(
    path: Path,
    run: Any,
    num_classes: int,
    epochs: int,
    field: str = "",
    metric: str = "balanced",
    metrics: Mapping[str, str] = METRICS,
) -> None:
    """Raises a `ValueError` that names file and field unless a run is as reports need.

    Args:
        path: the file, for the message.
        run: an entry of `runs` in a `results.json`, or the content of the file of a
            run.
        num_classes: number of classes of its data.
        epochs: number of epochs of its recipe.
        field: where in the file the run is.
        metric: the column that decides, which every finished run must have.
        metrics: titles of the measured columns by name.
    """
    check_fields(path, run, _RUN, field)
    if run["status"] == "failed":
        check_fields(path, run, {"error": TEXT}, field)
        return
    classes = numbers(num_classes)
    measured = _measured(metric, metrics)
    shape = {
        **measured,
        "per_class_accuracy": classes,
        "mean_weight?": NUMBER.or_null(),
        "seconds?": NUMBER.or_null(),
        "splits?": {f"{split}?": measured for split in SPLITS},
        "history?": {"confidence?": [classes], "test?": [_POINT]},
    }
    check_fields(path, run, shape, field)
    confidence = run.get("history", {}).get("confidence")
    if confidence is not None and len(confidence) != epochs:
        where = f"{field}.history.confidence".removeprefix(".")
        words = f"a list of {epochs} lists, one for each epoch"
        raise field_error(path, where, words, confidence)


def _measured(metric: str, metrics: Mapping[str, str]) -> dict[str, Any]:
    """Returns the shape of what was measured on one split."""
    shape: dict[str, Any] = {"user_metrics?": (NUMBER.or_null(),)}
    for name in {**COLUMNS, **metrics}:
        column = describe_column(name, metrics)
        kind = PERCENT if column.is_percent else NUMBER
        if column.lower_is_better and not column.is_percent:
            kind = AT_LEAST_ZERO
        if name == metric or (name in metrics and name in ("top1", "balanced")):
            shape[name] = kind
        else:
            shape[f"{name}?"] = kind.or_null()
    return shape


def _check_that_curves_agree(path: Path, runs: list[dict[str, Any]]) -> None:
    """Raises an error unless all finished runs were tested after the same epochs."""
    first: list[int] | None = None
    for at, run in enumerate(runs):
        if run["status"] == "finished":
            points = run.get("history", {}).get("test", [])
            tested = [point["epoch"] for point in points]
            first = tested if first is None else first
            if tested != first:
                words = f"points of the epochs {first}, as in the first finished run"
                raise field_error(path, f"runs[{at}].history.test", words, tested)
