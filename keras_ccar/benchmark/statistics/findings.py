"""What a comparison answers: a ranking, the best method, its model, a page."""

import abc
import importlib
from pathlib import Path
from typing import Any

import pandas as pd

from keras_ccar.arguments import argument_error, check_choice
from keras_ccar.benchmark.results_format import MethodEntry, RunEntry
from keras_ccar.benchmark.statistics.columns import describe_column
from keras_ccar.benchmark.statistics.ranking import (
    Best,
    Standing,
    find_ties,
    rank,
    summary_table,
)


class Findings(abc.ABC):
    """The part of `Comparison` that follows from its numbers and its files."""

    methods: list[MethodEntry]
    metric: str
    metrics: dict[str, str]
    split: str
    baseline: str
    folder: Path | None

    @abc.abstractmethod
    def finished_runs(self, method: str | None = None) -> list[RunEntry]:
        """See `Comparison`."""

    @abc.abstractmethod
    def by_seed(self, method: str, metric: str, split: str | None = None) -> pd.Series:
        """See `Comparison`."""

    @property
    def summary(self) -> pd.DataFrame:
        """A row per method, the best first: what the deciding metric was.

        `method`, `title`, number of `seeds`, `mean` and `sd` over seeds;
        `difference` to the baseline, each seed paired with itself, with the `low` and
        `high` end of its 95 % confidence interval, and the `p` of the paired t test,
        corrected by Holm for the number of methods. In percent and points, but for a
        log loss.
        """
        table = summary_table(self.ranking())
        titles = {method["name"]: method["title"] for method in self.methods}
        table.insert(1, "title", table["method"].map(titles))
        return table

    @property
    def chosen_on(self) -> str:
        """The split that decides which method is best.

        It is "validation" if all finished runs were measured on it.
        """
        runs = self.finished_runs()
        if runs and all("validation" in run.get("splits", {}) for run in runs):
            return "validation"
        return self.split

    def ranking(self, metric: str | None = None) -> list[Standing]:
        """Returns the methods in order, the best first.

        Args:
            metric: a column of `finished`; None for the deciding metric.

        Raises:
            ValueError: if there is no such column.
        """
        metric = self.metric if metric is None else metric
        check_choice("metric", metric, tuple(self.metrics))
        names = [method["name"] for method in self.methods]
        return rank(
            {name: self.by_seed(name, metric) for name in names},
            {name: self.by_seed(name, metric, self.chosen_on) for name in names},
            self.baseline,
            describe_column(metric, self.metrics).lower_is_better,
        )

    def best(self, metric: str | None = None) -> Best:
        """Returns the best method, and those that cannot be said to be worse.

        The best has the highest mean over seeds, or the lowest of an error, on the
        validation data, if all runs were measured on them. Controls and methods that
        lack seeds are not chosen.

        Args:
            metric: a column of `finished`; None for the deciding metric.

        Raises:
            ValueError: if there is no such column, or no run of a method that could be
                chosen is finished.
        """
        metric = self.metric if metric is None else metric
        standings = self.ranking(metric)
        entries = {method["name"]: method for method in self.methods}
        chosen = next(
            (
                standing
                for standing in standings
                if entries[standing.name].get("source") != "control"
                and len(standing.deciding)
            ),
            None,
        )
        if chosen is None:
            raise ValueError("No run of a method that could be chosen is finished.")
        column = describe_column(metric, self.metrics)
        return Best(
            chosen.name,
            entries[chosen.name]["title"],
            metric,
            float(chosen.scores.mean()),
            len(chosen.scores),
            self.chosen_on,
            self.split,
            find_ties(chosen, standings, column.lower_is_better),
        )

    def model(self, method: str, seed: int) -> Any:
        """Loads the trained model of a run, a `keras.Model`.

        Args:
            method: name of the method.
            seed: seed of the run.

        Raises:
            ValueError: if there is no such run, or its model was not kept.
        """
        return _module("own_data.training.saved_models").load_model(self, method, seed)

    def finish(self, whole: bool | None = None) -> Any:
        """Returns the recommended model: the winner and all that follows it.

        Args:
            whole: of files that `keras-ccar compare` read, whether the model takes what
                they hold, as that of `--export`: each column of a table as an input of
                its own, images of any size. False for what the network was trained on;
                so is None, with a warning where that is the encoded columns of a table.

        Raises:
            ValueError: if no method finished, or its model was not kept; with
                `whole=True`, if the comparison was not of files, for text on another
                backend than TensorFlow, and for numbers that float32 does not hold.

        Warns:
            UserWarning: if its probabilities are not those of the data, because the
                winner was rebalanced or adjusted, with what to do about it; with
                `whole=None`, if it takes the encoded columns of a table.
        """
        return _module("file_predictions").finish_for_files(self, whole)

    def predict(self, data: str | Path, threshold: float | None = None) -> Any:
        """Predicts new files with the recommended model, as `keras-ccar predict` does.

        The files are read as those of the comparison were, which `keras-ccar compare`
        keeps in the folder. Arrays that you read yourself go to `finish().predict`.

        Args:
            data: new data of the kind that was compared on, without labels: a table, a
                folder of images or one image, or a `.npz` file that holds `x`.
            threshold: the probability from which on the answer is yes, in [0, 1], for
                yes-or-no labels. Defaults to what the comparison chose, else 0.5.

        Returns:
            A `pandas.DataFrame` with a row for each example: the columns of the table
            (or the file of the image, or the place in the array), then `predicted` and
            the probabilities. Of classes that exclude each other these are
            `probability_NAME` for each class; of one label the probability of yes; of
            several labels also `predicted_NAME`, 0 or 1, in place of `predicted`.
            Classes that are whole numbers or truth values are so in `predicted`. Of a
            CSV file, the numbers that were trained on are numbers; of the other
            columns, whole numbers and truth values are. All else is text, as the file
            has it, such as the code "007".

        Raises:
            ValueError: if the comparison was not of files, if the data are of another
                kind, and for a threshold of classes that exclude each other.

        Warns:
            UserWarning: for values that are no numbers, which are read as missing; for
                columns of numbers that are empty; for categories that no training row
                has; for image files that are left out because they cannot be read, or
                are read as nearly black; and as `finish` does.
        """
        return _module("file_predictions").predict(self, data, threshold)

    def report(self) -> Path:
        """Writes the report to `folder`, and returns the path of its page.

        Raises:
            ValueError: if the comparison has no folder.
        """
        if self.folder is None:
            raise argument_error("folder", None, "the folder to write the report to")
        path: Path = _module("report.write").write_whole_report(self, self.folder)
        return path

    def _repr_html_(self) -> str:
        text: str = _module("report.notebook").notebook_html(self)
        return text


def _module(name: str) -> Any:
    """Returns a module of the benchmark that itself builds on comparisons."""
    return importlib.import_module(f"keras_ccar.benchmark.{name}")
