"""Sets of classes that hold the right one as often as is asked for, class by class."""

import warnings
from typing import Any

import numpy as np

from keras_ccar.arguments import (
    check_choice,
    check_number,
    check_whole_number,
    optional,
)
from keras_ccar.frequencies import ClassCounts, format_class_list
from keras_ccar.layers.prediction_set import PredictionSet
from keras_ccar.posthoc.conformal.calibrated_sets import PredictionSets, sets_curve
from keras_ccar.posthoc.conformal.class_quantiles import (
    ClassQuantiles,
    cluster_quantiles,
    enough_examples,
    fewest_examples,
    marginal_quantiles,
    own_quantiles,
    pooled_quantiles,
)
from keras_ccar.posthoc.conformal.sets_of_labels import (
    read_counts_of_classes,
    sets_of_labels,
)
from keras_ccar.posthoc.data.enough_examples import FEWEST_EXAMPLES
from keras_ccar.posthoc.data.predictions import predict, require_num_columns
from keras_ccar.posthoc.prior.target_prior import warn_of_other_prior

_METHODS = ("pooled", "class", "clustered", "marginal")
_LARGEST_SEED = 2**32 - 1


def prediction_sets(
    model: Any,
    calibration: Any,
    class_counts: ClassCounts | None = None,
    coverage: float = 0.9,
    method: str = "pooled",
    num_clusters: int | None = None,
    min_examples: int | None = None,
    seed: int = 0,
    from_logits: bool | None = None,
    ignore_class: int | None = None,
    batch_size: int | None = None,
    train: Any = None,
) -> PredictionSets:
    """Calibrates sets of classes that hold the right one with a given probability.

    Split conformal prediction: of each calibration example with the class y the score
    `1 - p_y` is taken. Of n scores the `ceil((n + 1) * coverage)`-th smallest is the
    quantile, infinity if there is none. A class is in the set of a new example if its
    score is at most the quantile. Then, if calibration data and new examples come from
    the same distribution, the set holds the right class with at least the probability
    `coverage`, however good the model is. The methods differ in what "with the
    probability" is over:

    - "marginal": all examples. With a long tail the frequent classes decide, and rare
      ones may be covered far less.
    - "class": the examples of each class. A class needs `min_examples` for a quantile,
      9 at a coverage of 0.9; with fewer it is in every set, which covers it and makes
      every set larger. The quantiles of classes with few more vary a lot.
    - "pooled": the examples of each class that has at least `min_examples`, 19 at a
      coverage of 0.9. The others, from the rarest on, are put together until they have
      as many, and share a quantile: together they are covered as asked for, each of
      them about so. `(n + 1) * coverage` is rounded up or down at random, by `seed`,
      rather than up. Of few examples, rounding up covers more than was asked for, by up
      to `1 / (n + 1)`; so the probability is `coverage` itself, not more.
    - "clustered": the examples of each cluster of classes, the classes of a cluster
      having similar scores. A part of each class's examples, the share `K / (K + 75)`
      for K classes with `min_examples`, is for the clustering: by weighted k-means of
      the classes' score quantiles. The rest is for the quantiles of the clusters. A
      class with fewer than `min_examples` in the first part is in no cluster and takes
      the quantile of all examples, as "marginal" does.

    "pooled" is for long tails. "clustered" is for many classes with some dozens of
    examples each; under a long tail the frequent classes of a cluster decide, and rare
    ones are covered less often than was asked for, though more often than by
    "marginal". Take "class" if every rare class must be covered and larger sets do no
    harm.

    Args:
        model: a trained `keras.Model` with one output after a softmax, or its logits,
            or an array of its predictions, of shape `(N, ..., K)`; then `calibration`
            is their labels.
        calibration: data with labels, held out of the training data: `(x, y)`, a
            `tf.data.Dataset`, a torch `DataLoader` or a `keras.utils.PyDataset` of
            batches. Labels are integers `(N, ...)` or one-hot `(N, ..., K)`.
        class_counts: the training examples of each class, `(K,)` or a dict, for a
            column of the curve, and to check the number of classes. None without.
        coverage: the probability that the set holds the right class, in (0, 1).
        method: "pooled", "class", "clustered" or "marginal".
        num_clusters: the largest number of clusters. None for half the number of
            examples that the smallest class of a cluster has in the first part. There
            are never more than classes.
        min_examples: the calibration examples that a class needs. None for the fewest
            that have a finite quantile, `ceil(coverage / (1 - coverage))`, below which
            nothing changes for "class"; for "pooled" `ceil(2 / (1 - coverage)) - 1`,
            whose quantile varies less. "marginal" does not use it.
        seed: of the rounding of "pooled", of the choice of examples for the clustering,
            and of k-means.
        from_logits: whether the output is logits. None reads it from the model; an
            array of probabilities needs False.
        ignore_class: the label of examples to leave out, or None.
        batch_size: of `model.predict`, for arrays. None for 32.
        train: the training data. If given, examples that both have are an error.

    Returns:
        A `PredictionSets` with `.quantiles`, `.clusters`, `.layer` and `.curve`.

    Raises:
        ValueError: for arguments other than these; for outputs of a sigmoid or yes-or-
            no labels; for labels out of range and data without examples; for examples
            that `train` has too; for predictions that are NaN.

    Warns:
        UserWarning: for classes with too few calibration examples, with "pooled" under
            5 of their own; if the model ends in a correction to another `target_prior`
            than that of the data.

    Reference:
        Vovk et al. 2005, "Algorithmic Learning in a Random World", for "marginal" and
        "class" (Mondrian), and for random ranks, as of smoothed conformal predictors;
        Ding et al. 2023, arXiv 2306.09335, Sec. 2.2, for "clustered". Unlike there, a
        class with too few examples takes no clusters away from the others, and its
        quantile is of all examples rather than of the second part.

    Example:
    ```python
    import numpy as np
    from keras_ccar.posthoc.conformal.prediction_sets import prediction_sets

    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [300, 60, 20])
    logits = np.eye(3)[y] + rng.normal(size=(380, 3))
    sets = prediction_sets(logits, y, method="class")
    mask = sets.layer(logits[:4])  # 1 for the classes in the set
    assert sets.evaluate(logits, y)["coverage"].min() >= 0.9
    ```
    """
    coverage = check_number("coverage", coverage, above=0, below=1)
    method = check_choice("method", method, _METHODS)
    num_clusters = optional(check_whole_number, "num_clusters", num_clusters, 1)
    if num_clusters is not None and method != "clustered":
        raise ValueError(
            '`num_clusters` must be None unless `method="clustered"`. Received: '
            f"num_clusters={num_clusters} with method={method!r}"
        )
    min_examples = optional(check_whole_number, "min_examples", min_examples, 1)
    seed = check_whole_number("seed", seed, 0, _LARGEST_SEED)
    of_labels = sets_of_labels(
        coverage=coverage,
        method=method,
        num_clusters=num_clusters,
        min_examples=min_examples,
        seed=seed or None,
    )
    counts = (
        None
        if class_counts is None
        else read_counts_of_classes(class_counts, of_labels)
    )
    predictions = predict(
        model,
        calibration,
        counts,
        name="calibration",
        from_logits=from_logits,
        ignore_class=ignore_class,
        batch_size=batch_size,
        train=train,
        not_of_labels=of_labels,
    )
    if counts is not None:
        require_num_columns(counts, predictions)
    advice = "Find the sets of the model that the correction was added to."
    warn_of_other_prior(model, predictions, "calibration", advice)
    labels, num_classes = predictions.labels, predictions.num_columns
    scores = 1 - predictions.probabilities[np.arange(len(labels)), labels]
    fewest = fewest_examples(coverage) if min_examples is None else min_examples
    enough = enough_examples(coverage) if min_examples is None else min_examples
    if method == "marginal":
        found = marginal_quantiles(scores, num_classes, coverage)
    elif method == "pooled":
        found = pooled_quantiles(scores, labels, num_classes, coverage, enough, seed)
    elif method == "class":
        found = own_quantiles(scores, labels, num_classes, coverage, fewest)
    else:
        found = cluster_quantiles(
            scores, labels, num_classes, coverage, fewest, num_clusters, seed
        )
    examples = np.bincount(labels, minlength=num_classes)
    _warn_of_few(method, found, examples, coverage)
    # Half precision would round the probabilities away from what was calibrated.
    layer = PredictionSet(
        found.quantiles, from_logits=predictions.from_logits, dtype="float32"
    )
    return PredictionSets(
        coverage, method, found, layer, sets_curve(method, found, examples, counts)
    ).remember(model)


def _warn_of_few(
    method: str, found: ClassQuantiles, examples: np.ndarray, coverage: float
) -> None:
    # One quantile of several classes needs so many examples in all.
    in_all = {"marginal": np.zeros(len(examples), int), "pooled": found.clusters}
    given, what, needed = examples, "each", found.needed
    if method in in_all:
        given = np.bincount(in_all[method], examples)[in_all[method]]
        what, needed = "in all", min(needed, fewest_examples(coverage))
    is_few = given < needed
    if method == "pooled":
        _warn_of_few_pooled((examples < FEWEST_EXAMPLES) & ~is_few)
    if not is_few.any():
        return
    consequence = "They are in every set."
    if method == "clustered":
        consequence = (
            "They take the quantile of all examples, which may cover them less often "
            'than was asked for; method="class" would put them into more sets.'
        )
    warnings.warn(
        f"{is_few.sum()} of {len(examples)} classes have fewer than {needed} "
        f"calibration examples {what}, which method={method!r} needs: "
        f"{format_class_list(is_few)}. {consequence}",
        UserWarning,
        stacklevel=3,
    )


def _warn_of_few_pooled(is_few: np.ndarray) -> None:
    if is_few.any():
        warnings.warn(
            f"`calibration` has under {FEWEST_EXAMPLES} examples of "
            f"{format_class_list(is_few)}. They share a quantile with other rare "
            "classes: together these are covered as asked for, but from so few "
            "examples nobody can tell whether each of them is. Hold out more of them.",
            UserWarning,
            stacklevel=4,
        )
