"""The files that keep a comparison, and the entries of `results.json`."""

from pathlib import Path
from typing import Any, NotRequired, TypedDict

# Increase when the meaning of results.json changes.
RESULTS_FORMAT = 1
RESULTS_FILE = "results.json"
TABLE_FILE = "results.csv"
# How the data were read, in the folder of a comparison of the user's files.
READING_FILE = "reading.json"
# Where results that another comparison put aside are.
EARLIER_FOLDER = "earlier"
# The files that a report consists of.
REPORT_FILES = (
    "report.md",
    "report.html",
    "accuracy_by_class.png",
    "accuracy_by_group.png",
    "differences.png",
    "trade_off.png",
    "training_curves.png",
    "test_curves.png",
    "confidence_by_class.png",
    "ablations.png",
    "weight_by_confidence.png",
)


class DatasetEntry(TypedDict):
    """The data of a comparison.

    `class_counts` count the training examples of each class. With `kind` "labels" they
    count the examples of each label, which do not exclude each other, and with "binary"
    those of no and of yes. `kind` is "softmax" where it is missing.
    """

    name: str
    kind: NotRequired[str]
    imbalance_factor: float | None
    seed: int | None
    digest: str | None
    test_digest: NotRequired[str | None]
    description: NotRequired[str]
    class_names: list[str]
    class_counts: list[int]
    counts: NotRequired[list[Any]]
    are_weighted: NotRequired[bool]
    num_arrays: NotRequired[int]


class MethodEntry(TypedDict):
    """A method of a comparison, with everything that distinguishes it from others.

    `derived_from` is the method whose models it takes, to change them after training.
    `trained_prior` is the prior that training saw where the loss rebalances or adjusts:
    the argument of `LogitCorrection`, as code or in words.
    """

    name: str
    title: str
    source: NotRequired[str]
    loss: dict[str, Any]
    head: NotRequired[str]
    deferral: NotRequired[float]
    correction: NotRequired[dict[str, Any] | None]
    # A digest of all of this, and the other methods of the comparison that share it,
    # which were trained once under the name of the first.
    configuration: NotRequired[str]
    equal_methods: NotRequired[list[dict[str, str]]]
    derived_from: NotRequired[str | None]
    starts_at_prior: NotRequired[bool]
    trained_prior: NotRequired[str]


# One run. `method`, `seed` and `status` ("finished" or "failed") are always present; a
# failed run has `error`. A finished one has its measurements, those of the user in
# `user_metrics`; those on each split in `splits`, if there are several; what was chosen
# on validation in `chosen`, there also `prior_gap`, the place of a class name with its
# mean calibrated probability and its share where these differ; and `history`, if it was
# trained epoch by epoch.
RunEntry = dict[str, Any]


def comparison_folders(folder: str | Path) -> list[Path]:
    """Returns the folder itself if it has results, else its subfolders with results.

    Raises:
        ValueError: if no folder has results.
    """
    folder = Path(folder)
    if (folder / RESULTS_FILE).exists():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{RESULTS_FILE}"))
    if not found:
        raise ValueError(
            f"{folder} has no {RESULTS_FILE}, nor has a folder in it; expected the "
            "--output folder of `keras-ccar compare`, or one that holds such folders."
        )
    return found
