"""The report of a trained model, class by class."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from keras_ccar.arguments import check_path, check_text
from keras_ccar.files import to_json, write_atomic, write_json
from keras_ccar.posthoc.by_class.class_figures import (
    draw_confusion,
    draw_recall,
    draw_reliability,
)
from keras_ccar.posthoc.data.predictions import Predictions
from keras_ccar.posthoc.result import encode_png, picture, require_posthoc

_TEMPLATES = Path(__file__).parent / "templates"
_RECALL = "Recall against training examples."


class ClassReport:
    """What `evaluate_classes` measured.

    Attributes:
        classes: a DataFrame with a row for each class, or label, by its name:
            `training_examples`, `shot_group`, `support` (examples in the data),
            `precision` and `recall`, each with the bounds `..._low` and `..._high` of a
            95 % interval, `f1`, `average_precision` against the rest (NaN if there is
            none), `mean_confidence` (the mean probability of the class over its
            examples), `calibration_gap` (the mean probability of answers of this class,
            minus the share of them that is right) and `most_frequent_wrong_answer`.
            Without `class_counts`, the first two are left out.
        totals: a DataFrame with `value`, and the bounds `low` and `high` of a bootstrap
            95 % interval, of `accuracy`, `balanced_accuracy`, `macro_f1`,
            `geometric_mean`, `many`, `medium` and `few` (the balanced accuracy of each
            shot group that there is: the mean over its classes of their recall, over
            its labels of (recall + specificity) / 2), `calibration_error` and
            `log_loss`.
    """

    def __init__(
        self,
        classes: Any,
        totals: Any,
        predictions: Predictions,
        groups: dict[str, np.ndarray],
    ) -> None:
        self.classes = classes
        self.totals = totals
        self._predictions = predictions
        self._groups = groups

    def to_frame(self) -> Any:
        """Returns a copy of `classes`."""
        return self.classes.copy()

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Writes classes and totals as JSON, null for what has no value.

        Args:
            path: the file; its folder is made.

        Returns:
            The path.
        """
        file = Path(check_path("path", path))
        content = {
            "totals": self.totals.to_dict(orient="index"),
            "classes": self.classes.reset_index().to_dict(orient="records"),
        }
        write_json(file, to_json(content))
        return file

    def to_html(
        self, path: str | os.PathLike[str], title: str = "Class by class"
    ) -> Path:
        """Writes one page with pictures, which needs no other file.

        Args:
            path: the file; its folder is made.
            title: the heading.

        Returns:
            The path.
        """
        file = Path(check_path("path", path))
        jinja2 = require_posthoc("jinja2", "Jinja2")
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
        )
        worst_first = self.classes.sort_values("recall", kind="stable").reset_index()
        page = environment.get_template("classes.html").render(
            title=check_text("title", title),
            summary=self.describe(),
            totals=[
                [_words(name), *map(_number, row)]
                for name, *row in self.totals.itertuples()
            ],
            figures=[
                {"data": encode_png(figure), "caption": caption}
                for caption, figure in self.figures().items()
            ],
            columns=[_words(name) for name in worst_first.columns],
            rows=[[_number(cell) for cell in row] for row in worst_first.to_numpy()],
        )
        write_atomic(file, page)
        return file

    def figures(self) -> dict[str, Any]:
        """Returns Matplotlib figures by their captions."""
        worst = "What is answered to examples of the classes with the lowest recall."
        if self._predictions.are_labels:
            worst = "The labels with the lowest recall."
        figures, by_group = {}, ""
        if self._groups:
            figures[_RECALL] = draw_recall(self.classes)
            by_group = " by shot group"
        figures[worst] = draw_confusion(self._predictions, self.classes)
        groups = self._groups or {"all": np.ones(len(self.classes), bool)}
        title = f"Reliability{by_group}; on the dashed line a model is calibrated."
        figures[title] = draw_reliability(self._predictions, groups)
        return figures

    def describe(self) -> str:
        """Returns the most important numbers in one or two sentences."""
        value = self.totals["value"]
        never = int((self.classes["recall"] == 0).sum())
        groups = ", ".join(f"{name} {value[name]:.3f}" for name in self._groups)
        groups = f" ({groups})" if groups else ""
        one, many, of_labels = "class", "classes", ""
        counted = f"{int(self.classes['support'].sum()):,} examples"
        counted += f" of {len(self.classes)} classes"
        if self._predictions.are_labels:
            one, many = "label", "labels"
            of_labels = ", the mean of (recall + specificity) / 2"
            counted = self._count_rows()
        text = (
            f"{counted}: balanced accuracy {value['balanced_accuracy']:.3f}"
            f"{of_labels}{groups}, calibration error {value['calibration_error']:.3f}"
        )
        if never:
            text += f"; {never} {f'{one} is' if never == 1 else f'{many} are'} never "
            text += "found"
        return f"{text}."

    def _count_rows(self) -> str:
        """Says how many rows of labels there are, and how many answers are known."""
        is_known = ~np.isnan(self._predictions.labels)
        rows, known = int(is_known.any(axis=1).sum()), int(is_known.sum())
        text = f"{rows:,} examples of {len(self.classes)} labels"
        answers = rows * len(self.classes)
        if known == answers:
            return text
        return f"{text} ({known:,} of {answers:,} answers known)"

    def __repr__(self) -> str:
        return f"<ClassReport: {self.describe()}>"

    def _repr_html_(self) -> str:
        image = ""
        if self._groups:
            image = picture(draw_recall(self.classes), _RECALL)
        return f"<p>{self.describe()}</p>{self.totals.round(4).to_html()}{image}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value != value:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
