"""`Comparison`: the results of a comparison, as its folder keeps them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pandas as pd

from keras_ccar.arguments import argument_error, check_path, optional
from keras_ccar.benchmark.results_checks import check_results
from keras_ccar.benchmark.results_format import (
    EARLIER_FOLDER,
    READING_FILE,
    REPORT_FILES,
    RESULTS_FILE,
    RESULTS_FORMAT,
    TABLE_FILE,
    DatasetEntry,
    MethodEntry,
    RunEntry,
    comparison_folders,
)
from keras_ccar.benchmark.statistics.columns import METRICS, SPLITS, describe_column
from keras_ccar.benchmark.statistics.findings import Findings
from keras_ccar.benchmark.statistics.run_table import measured_on, run_table
from keras_ccar.files import read_checked_json

__all__ = [
    "EARLIER_FOLDER",
    "METRICS",
    "READING_FILE",
    "REPORT_FILES",
    "RESULTS_FILE",
    "TABLE_FILE",
    "Comparison",
    "DatasetEntry",
    "MethodEntry",
    "RunEntry",
    "comparison_folders",
    "describe_column",
]


@dataclass
class Comparison(Findings):
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
        metric: the column that decides which method is best.
        metrics: titles of the measured columns by name, in the order of the tables.
        split: what the measurements of `finished` were made on: "test" or "validation".
        baseline: name of the method that the others are compared with.
        speed: what was measured before to choose how runs are computed; may be empty.
        folder: where results, models and report are; None if nowhere yet.

    Example:
    ```python
    from keras_ccar.benchmark import Comparison

    comparison = Comparison.read("runs/digits-lt")
    print(comparison.summary)
    print(comparison.best().title)
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
    metric: str = "balanced"
    metrics: dict[str, str] = field(default_factory=METRICS.copy)
    split: str = "test"
    baseline: str = "ce"
    speed: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            if not isinstance(value := getattr(self, name), kind):
                article = f"a {kind.__name__}, as `results.json` has it"
                raise argument_error(name, value, article)
        if self.metric not in self.metrics:
            raise argument_error("metric", self.metric, "one of the keys of `metrics`")
        if self.split not in SPLITS:
            raise argument_error("split", self.split, '"test" or "validation"')
        folder = optional(check_path, "folder", self.folder)
        self.folder = None if folder is None else Path(folder)

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
        missing = sorted(set(_KEYS.values()) - _OPTIONAL - set(content))
        if missing:
            raise ValueError(f"{path} lacks {', '.join(missing)}.")
        check_results(path, content)
        given = {name: content[key] for name, key in _KEYS.items() if key in content}
        return cls(**given, folder=path.parent)

    def to_json(self) -> dict[str, Any]:
        """Returns the content of `results.json`."""
        content = {key: getattr(self, name) for name, key in _KEYS.items()}
        return {"format": RESULTS_FORMAT, **content}

    @property
    def runs(self) -> pd.DataFrame:
        """The table of `results.csv`: one row per run and split, also of failed runs.

        Accuracies are in percent.
        """
        return run_table(
            self.run_entries,
            self.split,
            self.metrics,
            self.dataset,
            self.recipe,
            self.environment,
        )

    @property
    def finished(self) -> pd.DataFrame:
        """The measurements of the finished runs on `split`, one row per run.

        Keras metrics of the user have columns too. They are known of trained methods
        alone.
        """
        numbers = [*self.metrics, *self.user_metrics, "mean_weight", "seconds"]
        columns = ["method", "seed", *numbers]
        rows = [{**run.get("user_metrics", {}), **run} for run in self.finished_runs()]
        frame = pd.DataFrame(rows, columns=columns)
        return frame.astype(dict.fromkeys(numbers, "float64"))

    @property
    def user_metrics(self) -> list[str]:
        """Names of the Keras metrics that the user asked for beside `metrics`."""
        runs = self.finished_runs()
        names = dict.fromkeys(name for r in runs for name in r.get("user_metrics", {}))
        return [name for name in names if name not in self.metrics]

    @property
    def representatives(self) -> dict[str, str]:
        """The name of every method, with the first of those that compute the same."""
        return {
            names["name"]: method["name"]
            for method in self.methods
            for names in (method, *method.get("equal_methods", ()))
        }

    @property
    def failed(self) -> list[RunEntry]:
        """The entries of the runs that failed."""
        return [run for run in self.run_entries if run["status"] == "failed"]

    def finished_runs(self, method: str | None = None) -> list[RunEntry]:
        """Returns the entries of the finished runs, of one method or of all methods.

        Args:
            method: name of the method; None for all.
        """
        name = self.representatives.get(method, method) if method else None
        return [
            run
            for run in self.run_entries
            if run["status"] == "finished" and name in (None, run["method"])
        ]

    def by_seed(self, method: str, metric: str, split: str | None = None) -> pd.Series:
        """Returns one metric of one method, as a Series over seeds.

        Args:
            method: name of the method.
            metric: a column of `finished`, such as `"balanced"`.
            split: "test" or "validation"; None for `split` of the comparison. Runs that
                were not measured on it have no value.
        """
        values = {
            run["seed"]: measured_on(run, split or self.split, self.split).get(metric)
            for run in self.finished_runs(method)
        }
        return pd.Series(values, dtype="float64", name=metric).rename_axis("seed")

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
    "metric": str,
    "metrics": dict,
    "split": str,
    "baseline": str,
    "speed": dict,
}
# The fields of a comparison, in order, and their keys in results.json.
_KEYS = {name: name for name in _KINDS} | {"run_entries": "runs"}
# What results of earlier versions lack.
_OPTIONAL = {"metric", "metrics", "split", "baseline", "speed"}
