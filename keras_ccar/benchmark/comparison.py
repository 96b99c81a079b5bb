"""`Comparison`: the results of a comparison, as its folder keeps them."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NotRequired, Self, TypedDict

import pandas as pd

from keras_ccar.arguments import argument_error, check_path
from keras_ccar.benchmark.results_checks import check_results
from keras_ccar.files import read_checked_json

# Increase when the meaning of results.json changes.
RESULTS_FORMAT = 1
RESULTS_FILE = "results.json"
TABLE_FILE = "results.csv"
# The files that a report consists of.
REPORT_FILES = (
    "report.md",
    "report.html",
    "accuracy_by_class.png",
    "accuracy_by_group.png",
    "differences.png",
    "training_curves.png",
    "test_curves.png",
    "confidence_by_class.png",
    "ablations.png",
    "weight_by_confidence.png",
)
# The columns of measured numbers, and what tables call them.
METRICS = {
    "top1": "top-1",
    "balanced": "balanced",
    "many": "many",
    "medium": "medium",
    "few": "few",
    "ece": "ECE",
}


class DatasetEntry(TypedDict):
    """The data of a comparison. `class_counts` count the training examples."""

    name: str
    imbalance_factor: float
    seed: int
    digest: str
    test_digest: NotRequired[str | None]
    description: NotRequired[str]
    class_names: list[str]
    class_counts: list[int]


class MethodEntry(TypedDict):
    """A method of a comparison, with everything that distinguishes it from others."""

    name: str
    title: str
    source: NotRequired[str]
    loss: dict[str, Any]
    head: NotRequired[str]
    deferral: NotRequired[float]
    correction: NotRequired[dict[str, Any] | None]


# One run. `method`, `seed` and `status` ("finished" or "failed") are always present; a
# failed run has `error`, a finished one has its measurements and `history`.
RunEntry = dict[str, Any]


@dataclass
class Comparison:
    """The results of a comparison of methods on one data set, under one recipe.

    Attributes:
        dataset: name, digest, class names and class counts of the data.
        recipe: the settings of the recipe.
        options: the settings of the losses.
        methods: the methods, in the order of the tables.
        seeds: the seeds that each method is trained with.
        environment: backend, versions, hardware and commit of the latest run; a run
            from another environment has its own, see `environment_of`.
        run_entries: one entry per run, as in `results.json`.
        command: the command line that reproduces the results.

    Example:
    ```python
    from keras_ccar.benchmark import Comparison

    comparison = Comparison.read("runs/digits-lt")
    print(comparison.finished.groupby("method")["balanced"].mean())
    ```
    """

    dataset: DatasetEntry
    recipe: dict[str, Any]
    options: dict[str, Any]
    methods: list[MethodEntry]
    seeds: list[int]
    environment: dict[str, Any]
    run_entries: list[RunEntry]
    command: str = ""

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                article = f"a {kind.__name__}, as `results.json` has it"
                raise argument_error(name, value, article)

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """Reads the `results.json` of a folder.

        Args:
            folder: the folder that `compare` or `keras-ccar compare --output` wrote to.

        Raises:
            ValueError: if there is no such file, its checksum does not fit, or a field
                of it is missing or wrong.
        """
        path = Path(check_path("folder", folder)) / RESULTS_FILE
        try:
            content = read_checked_json(path)
        except FileNotFoundError:
            raise ValueError(
                f"{folder} has no {RESULTS_FILE}; expected the --output folder of "
                "`keras-ccar compare`."
            ) from None
        if not isinstance(content, dict) or content.get("format") != RESULTS_FORMAT:
            raise ValueError(
                f"{path} is not in format {RESULTS_FORMAT} of results; make it again "
                "with `keras-ccar compare`."
            )
        missing = sorted(set(_KEYS.values()) - set(content))
        if missing:
            raise ValueError(f"{path} lacks {', '.join(missing)}.")
        check_results(path, content)
        return cls(**{name: content[key] for name, key in _KEYS.items()})

    def to_json(self) -> dict[str, Any]:
        """Returns the content of `results.json`."""
        content = {key: getattr(self, name) for name, key in _KEYS.items()}
        return {"format": RESULTS_FORMAT, **content}

    @property
    def runs(self) -> pd.DataFrame:
        """The table of `results.csv`: one row per run, including failed runs."""
        rows = []
        for run in self.run_entries:
            environment = self.environment_of(run)
            rows.append(
                {
                    "dataset": self.dataset["name"],
                    "imbalance_factor": self.dataset["imbalance_factor"],
                    "recipe": self.recipe["name"],
                    "method": run["method"],
                    "seed": run["seed"],
                    "epochs": self.recipe["epochs"],
                    **{metric: run.get(metric) for metric in METRICS},
                    "seconds": run.get("seconds"),
                    "mean_weight": run.get("mean_weight"),
                    "status": run["status"],
                    "batch_size": self.recipe["batch_size"],
                    "learning_rate": self.recipe["learning_rate"],
                    "backend": environment["backend"],
                    "keras_ccar": environment["versions"].get("keras_ccar"),
                    "commit": environment["commit"],
                    "digest": self.dataset["digest"],
                    "run": run.get("id"),
                }
            )
        return pd.DataFrame(rows).round(dict.fromkeys([*METRICS, "mean_weight"], 4))

    @property
    def finished(self) -> pd.DataFrame:
        """The measurements of the finished runs, one row per run."""
        numbers = [*METRICS, "mean_weight", "seconds"]
        columns = ["method", "seed", *numbers]
        frame = pd.DataFrame(self.finished_runs(), columns=columns)
        return frame.astype(dict.fromkeys(numbers, "float64"))

    @property
    def failed(self) -> list[RunEntry]:
        """The entries of the runs that failed."""
        return [run for run in self.run_entries if run["status"] == "failed"]

    def finished_runs(self, method: str | None = None) -> list[RunEntry]:
        """Returns the entries of the finished runs, of one method or of all methods.

        Args:
            method: name of the method; None for all.
        """
        return [
            run
            for run in self.run_entries
            if run["status"] == "finished" and method in (None, run["method"])
        ]

    def by_seed(self, method: str, metric: str) -> pd.Series:
        """Returns one metric of one method, as a Series over seeds.

        Args:
            method: name of the method.
            metric: a column of `finished`, such as `"balanced"`.
        """
        values = {run["seed"]: run.get(metric) for run in self.finished_runs(method)}
        series = pd.Series(values, dtype="float64", name=metric)
        return series.rename_axis("seed")

    def environment_of(self, run: RunEntry) -> dict[str, Any]:
        """Returns the environment that a run was trained in.

        Args:
            run: one of `run_entries`.
        """
        return run.get("environment", self.environment)


# What the fields of a comparison hold.
_KINDS = {
    "dataset": dict,
    "recipe": dict,
    "options": dict,
    "methods": list,
    "seeds": list,
    "environment": dict,
    "run_entries": list,
    "command": str,
}
# The fields of a comparison, in order, and their keys in results.json.
_KEYS = {item.name: item.name for item in fields(Comparison)} | {"run_entries": "runs"}


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
