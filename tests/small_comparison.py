"""A comparison of two methods on digits that takes seconds, and what it leaves."""

import json

from keras_ccar.benchmark.cli import main

METHODS = ("ce", "ccar")
SETTINGS = ("--seeds", "2", "--epochs", "2", "--batch-size", "100")
FIGURES = {
    "accuracy_by_class.png",
    "accuracy_by_group.png",
    "confidence_by_class.png",
    "differences.png",
    "trade_off.png",
    "training_curves.png",
    "test_curves.png",
    "weight_by_confidence.png",
}


def compare(folder, *more, methods=METHODS):
    arguments = ["compare", "digits-lt", "--methods", *methods, *SETTINGS, *more]
    return main([*arguments, "--output", str(folder)])


def read(folder):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    text = (folder / "results.json").read_text("utf-8")
    content = json.loads(text, parse_constant=refuse)
    content.pop("checksum", None)  # A file that is edited does without.
    return content


def outcomes(folder):
    """The runs of a comparison without what differs between two of the same."""
    runs = read(folder)["runs"]
    return [
        {key: run[key] for key in run if key not in ("seconds", "date")} for run in runs
    ]


def run_files(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "runs").iterdir()}
