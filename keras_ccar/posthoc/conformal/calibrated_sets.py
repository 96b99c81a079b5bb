"""The result of `prediction_sets`."""

from typing import Any

import numpy as np

from keras_ccar.frequencies import looks_like_shares
from keras_ccar.layers.prediction_set import PredictionSet
from keras_ccar.output_counts import OutputCounts
from keras_ccar.posthoc.by_class.groups import Groups, names_of_groups, read_groups
from keras_ccar.posthoc.conformal.class_quantiles import NULL_CLUSTER, ClassQuantiles
from keras_ccar.posthoc.conformal.sets_of_labels import sets_of_labels
from keras_ccar.posthoc.data.predictions import predict
from keras_ccar.posthoc.result import Result, require_posthoc


class PredictionSets(Result):
    """What `prediction_sets` found.

    Attributes:
        coverage: the coverage that was asked for.
        method: the method that was asked for.
        quantiles: float64 of shape `(K,)`. A class is in the set of an example if
            `1 - p_k` is at most its quantile; infinity puts it into every set.
        clusters: int64 of shape `(K,)`: classes with the same number share a quantile;
            -1 is for those that take the quantile of all examples.
        layer: the `keras_ccar.layers.PredictionSet` with these quantiles.
        curve: a DataFrame with a row for each class: `class`, `calibration_examples`,
            `cluster` (a number; "marginal" for the quantile of all examples; None for
            one of its own), `quantile`, and `training_examples` if they were given.
    """

    chosen_by = "prediction_sets"

    def __init__(
        self,
        coverage: float,
        method: str,
        found: ClassQuantiles,
        layer: PredictionSet,
        curve: Any,
    ) -> None:
        self.coverage = coverage
        self.method = method
        self.quantiles: np.ndarray = found.quantiles
        self.clusters: np.ndarray = found.clusters
        self.layer = layer
        self.curve = curve

    def describe(self) -> str:
        """Returns the method, the range of the quantiles, and who is in every set."""
        groups = {
            "marginal": "one quantile for all classes",
            "class": "a quantile of each class",
            "pooled": "a quantile of each class, shared by the rarest",
            "clustered": f"{_count(self.clusters.max() + 1, 'cluster')} of classes",
        }
        text = f"sets for coverage {self.coverage:g}, {groups[self.method]}"
        finite = self.quantiles[np.isfinite(self.quantiles)]
        if finite.size:
            text += f", quantiles from {finite.min():.4g} to {finite.max():.4g}"
        is_null = self.clusters == NULL_CLUSTER
        if self.method == "clustered" and is_null.any():
            text += f"; {_count(is_null.sum(), 'class')} with the quantile of all"
        always = self.quantiles.size - finite.size
        return f"{text}; {_count(always, 'class')} in every set" if always else text

    def draw(self, axes: Any) -> None:
        """Draws the quantile of each class against its calibration examples."""
        always = np.isinf(self.quantiles)
        examples = self.curve["calibration_examples"].to_numpy()
        axes.scatter(examples[~always], self.quantiles[~always], s=14, color="#0072B2")
        if always.any():
            axes.scatter(
                examples[always],
                np.ones(always.sum()),
                s=18,
                marker="^",
                color="#D55E00",
                label="in every set",
            )
            axes.legend(frameon=False)
        axes.set_xscale("symlog", linthresh=1)
        axes.set_ylim(-0.03, 1.05)
        axes.set_xlabel("calibration examples of the class")
        axes.set_ylabel("quantile of the score")

    def evaluate(
        self,
        model: Any,
        data: Any,
        batch_size: int | None = None,
        from_logits: bool | None = None,
        ignore_class: int | None = None,
        groups: Groups = (100, 20),
    ) -> Any:
        """Measures the sets on data that neither training nor calibration has seen.

        Args:
            model: the model, or an array of predictions, as for `prediction_sets`.
            data: data with labels, or the labels of the predictions.
            batch_size: of `model.predict`, for arrays. None for 32.
            from_logits: as for `prediction_sets`.
            ignore_class: the label of examples to leave out, or None.
            groups: the shot groups, as for `evaluate_classes`.

        Returns:
            A DataFrame with a row for each class: `class`, its `examples`, its
            `coverage`, the share of them whose set holds the class, and their
            `mean_set_size`, both NaN for a class without examples. If `prediction_sets`
            was given `class_counts` that are numbers of examples, also the
            `shot_group`: `.groupby("shot_group")` tells the coverage of each.

        Raises:
            ValueError: for predictions of another number of classes, and as
                `prediction_sets`.
        """
        # Any two counts, because the groups are checked without counts too.
        read_groups(groups, [3, 2])
        predictions = predict(
            model,
            data,
            from_logits=from_logits,
            ignore_class=ignore_class,
            batch_size=batch_size,
            not_of_labels=sets_of_labels(coverage=self.coverage, method=self.method),
        )
        num_classes, labels = len(self.quantiles), predictions.labels
        if predictions.num_columns != num_classes:
            raise ValueError(
                f"`model` must predict the {num_classes} classes of the quantiles. "
                f"Received: predictions with {predictions.num_columns} columns"
            )
        # What the layer decides.
        is_in = predictions.probabilities >= self.layer.smallest_probabilities
        sizes = is_in.sum(axis=1)
        hits = is_in[np.arange(len(labels)), labels]
        examples = np.bincount(labels, minlength=num_classes)
        known = np.where(examples > 0, examples, np.nan)
        columns: dict[str, Any] = {
            "class": np.arange(num_classes),
            "examples": examples,
            "coverage": np.bincount(labels, hits, num_classes) / known,
            "mean_set_size": np.bincount(labels, sizes, num_classes) / known,
        }
        if "training_examples" in self.curve:
            counts = self.curve["training_examples"].to_numpy()
            if isinstance(groups, str) or not looks_like_shares(counts):
                members = read_groups(groups, counts)
                columns["shot_group"] = names_of_groups(members, num_classes)
        return require_posthoc("pandas", "pandas").DataFrame(columns)


def sets_curve(
    method: str,
    found: ClassQuantiles,
    examples: np.ndarray,
    counts: OutputCounts | None,
) -> Any:
    """Returns the DataFrame of `PredictionSets.curve`.

    Args:
        method: the method that was asked for.
        found: the quantiles.
        examples: the calibration examples of each class.
        counts: the training examples, or None.
    """
    names = [
        None if method == "class" else "marginal" if cluster < 0 else cluster
        for cluster in found.clusters.tolist()
    ]
    columns = {
        "class": np.arange(len(examples)),
        "calibration_examples": examples,
        "cluster": np.array(names, dtype=object),
        "quantile": found.quantiles,
    }
    if counts is not None:
        columns["training_examples"] = counts.examples
    return require_posthoc("pandas", "pandas").DataFrame(columns)


def _count(number: Any, unit: str) -> str:
    plural = f"{unit}es" if unit.endswith("s") else f"{unit}s"
    return f"{number} {unit if number == 1 else plural}"
