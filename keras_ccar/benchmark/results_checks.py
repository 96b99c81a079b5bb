"""The fields of `results.json` and of the files of runs that their readers use."""

from pathlib import Path
from typing import Any

from keras_ccar.json_checks import (
    BOOLEAN,
    COUNT,
    NUMBER,
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
from keras_ccar.weightings.ccar import FORMS

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
    "tau?": NUMBER,
}
_RESULTS = {
    "dataset": {
        "name": TEXT,
        "imbalance_factor": NUMBER,
        "seed": WHOLE.or_null(),
        "digest": TEXT.or_null(),
        "class_names": [TEXT],
        "class_counts": [COUNT],
    },
    "recipe": {
        "name": TEXT,
        "source": TEXT,
        "model": TEXT,
        "epochs": POSITIVE,
        "batch_size": POSITIVE,
        "learning_rate": NUMBER,
        "schedule": TEXT,
        "momentum": NUMBER,
        "weight_decay": NUMBER,
    },
    "options": _OPTIONS,
    "methods": [{"name": TEXT, "title": TEXT, "loss": {"class_name": TEXT}}],
    "seeds": [WHOLE],
    "environment": _ENVIRONMENT,
    "command": TEXT,
}
_RUN = {
    "method": TEXT,
    "seed": WHOLE,
    "status": one_of("finished", "failed"),
    "environment?": _ENVIRONMENT,
}
_MEASURED = {
    "top1": NUMBER,
    "balanced": NUMBER,
    **dict.fromkeys(
        ("many?", "medium?", "few?", "ece?", "mean_weight?", "seconds?"),
        NUMBER.or_null(),
    ),
}
_POINT = {
    "epoch": COUNT,
    "balanced": NUMBER,
    **dict.fromkeys(("many?", "medium?", "few?"), NUMBER.or_null()),
}
# What the figure of Ω is drawn from.
_CCAR = {"config": {"pivot": NUMBER, "strength": NUMBER, "form": one_of(*FORMS)}}


def check_results(path: Path, content: dict[str, Any]) -> None:
    """Raises a `ValueError` that names file and field unless reports can use them.

    Args:
        path: the file, for the message.
        content: the content of a `results.json`.
    """
    check_fields(path, content, _RESULTS)
    check_fields(path, content["recipe"], (SETTING,), "recipe")
    check_fields(path, content["options"], (PLAIN,), "options")
    names, counts = (content["dataset"][f"class_{of}"] for of in ("names", "counts"))
    if len(names) != len(counts):
        words = f"a list of {len(counts)} names, one for each of `class_counts`"
        raise field_error(path, "dataset.class_names", words, names)
    if len(counts) < 2 or not any(counts):
        words = "counts of two classes or more that are not all zero"
        raise field_error(path, "dataset.class_counts", words, counts)
    if not content["methods"]:
        raise field_error(path, "methods", "a list of at least one", [])
    for at, method in enumerate(content["methods"]):
        if method["loss"]["class_name"] == "CCARLoss":
            check_fields(path, method["loss"], _CCAR, f"methods[{at}].loss")
    if not isinstance(content["runs"], list):
        raise field_error(path, "runs", "a list", content["runs"])
    epochs = content["recipe"]["epochs"]
    for at, run in enumerate(content["runs"]):
        check_run(path, run, len(counts), epochs, f"runs[{at}]")
    _check_that_curves_agree(path, content["runs"])


def check_run(
    path: Path, run: Any, num_classes: int, epochs: int, field: str = ""
) -> None:
    """Raises a `ValueError` that names file and field unless a run is as reports need.

    Args:
        path: the file, for the message.
        run: an entry of `runs` in a `results.json`, or the content of the file of a
            run.
        num_classes: number of classes of its data.
        epochs: number of epochs of its recipe.
        field: where in the file the run is.
    """
    check_fields(path, run, _RUN, field)
    if run["status"] == "failed":
        check_fields(path, run, {"error": TEXT}, field)
        return
    classes = numbers(num_classes)
    shape = {
        **_MEASURED,
        "per_class_accuracy": classes,
        "history": {"confidence": [classes], "test": [_POINT]},
    }
    check_fields(path, run, shape, field)
    confidence = run["history"]["confidence"]
    if len(confidence) != epochs:
        where = f"{field}.history.confidence".removeprefix(".")
        words = f"a list of {epochs} lists, one for each epoch"
        raise field_error(path, where, words, confidence)


def _check_that_curves_agree(path: Path, runs: list[dict[str, Any]]) -> None:
    """Raises an error unless all finished runs were tested after the same epochs."""
    first: list[int] | None = None
    for at, run in enumerate(runs):
        if run["status"] == "finished":
            tested = [point["epoch"] for point in run["history"]["test"]]
            first = tested if first is None else first
            if tested != first:
                words = f"points of the epochs {first}, as in the first finished run"
                raise field_error(path, f"runs[{at}].history.test", words, tested)
