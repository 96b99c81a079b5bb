"""`keras_ccar.compare`: which loss helps on the user's own data."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.own_data.request import OwnRequest, run_own


def compare(
    build_model: Callable[..., Any],
    train: Any,
    validation: Any,
    *,
    test: Any = None,
    losses: Mapping[str, Any] | Sequence[str] | None = None,
    class_counts: Any = None,
    class_names: Sequence[str] | None = None,
    ignore_class: int | None = None,
    ignore_value: float | None = None,
    seeds: int = 5,
    epochs: int = 20,
    batch_size: int = 32,
    optimizer: Any = None,
    metrics: Sequence[Any] = (),
    callbacks: Any = None,
    metric: str = "balanced_accuracy",
    output: str | Path = "runs/mine",
    budget: float | str | None = None,
) -> Comparison:
    """Trains your model on your data with several losses, and reports which one helps.

    Every loss is trained with the same seeds, so that differences between two losses
    are those of pairs. What can be done after training is compared too, with the models
    that are trained anyway: a correction of the logits with a chosen τ, τ-normalisation
    and a retrained last layer; of yes-or-no labels chosen thresholds. It starts from
    the models of the first loss, and is chosen on `validation`, never on `test`.

    The figures are those of `test`. Without it they are those of `validation`; what is
    chosen there is then chosen on some folds and measured on the others. With progress
    on the terminal, runs, models, results and report are written to `output`. Finished
    runs are kept, so the same call goes on where it was stopped; a training that was
    under way goes on too if `train` is arrays and there are no `callbacks`. New losses
    are added to those in `output`; results of other data, models or settings there
    move to its subfolder `earlier`. A loss that fails does not stop the others: it is
    in `failed` of the result.

    Args:
        build_model: a function without arguments that returns a new `keras.Model` with
            one output, not compiled: logits or a softmax of K classes, or the logits or
            the sigmoid of yes-or-no labels. Or a function of a loss that returns a
            compiled model. The seed decides its weights.
        train: arrays `(x, y)` or `(x, y, sample_weight)`, which are shuffled by seed
            and epoch; a `tf.data.Dataset`, a torch `DataLoader` or a
            `keras.utils.PyDataset` of batches of these; or a function that returns one,
            which gets the seed if it has an argument `seed`. Labels are integers or
            one-hot rows of classes, or zeros and ones of yes-or-no labels.
        validation: data of the same kind that were held out of `train`. Their sample
            weights may only be 0 and 1: 0 leaves an example out of what is measured.
        test: data of the same kind, with weights of 0 and 1 alone, that were held out
            of both, or None.
        losses: a dict of names and losses, of which the first is what the others are
            compared with. A loss is a Keras loss, the name of one, a function of labels
            and predictions, or a function of class counts that returns a loss. None for
            cross-entropy, class weights, logit adjustment, CCAR in its forms, CCAR with
            logit adjustment, focal loss, and cross-entropy with a bias that begins at
            the prior; or a list of names of some of these: "ce", "class_weight", "la",
            "ccar", "ccar[form=power]" and so on, "ccar+la", "focal", "prior-bias".
        class_counts: the training examples of each class, `(K,)`; of one yes-or-no
            label `[no, yes]`, of several `(K, 2)`. None to count them; of examples with
            sample weights, the sums of these are the counts for losses, corrections and
            `PriorBias`, and the report and its shot groups have numbers of examples.
        class_names: a name for each class or label, or None for numbers.
        ignore_class: the label of examples that do not count, such as -1 or 255, the
            void of a segmentation mask; or None. `losses` and `metrics` must be told
            too; the losses of None are.
        ignore_value: what stands for an unknown answer to a yes-or-no label, such as -1
            or NaN; or None. `losses` and `metrics` must be told, as above.
        seeds: number of seeds; each loss is trained with the seeds 0 to `seeds` - 1.
        epochs: number of epochs of each training.
        batch_size: examples in a batch of arrays; data in batches keep theirs.
        optimizer: a Keras optimizer, of which each training gets a new one, its name,
            or a function that returns one. None for Adam.
        metrics: Keras metrics that the model is compiled with. Those of the trained
            losses are columns of `finished` and of the report too. They do not decide.
        callbacks: Keras callbacks, of which each training gets copies, or a function
            that returns a list of them. They may watch the validation data.
        metric: what decides which loss is best: "balanced_accuracy", or another column
            that this package measures, such as "macro_f1" or "average_precision".
        output: the folder of the comparison.
        budget: seconds, or a text such as "10m": one run's speed is measured first, and
            as many seeds, or if needed epochs, are trained as fit. None for no limit.

    Returns:
        The `keras_ccar.benchmark.Comparison` with all results in `output`.

    Warns:
        UserWarning: for losses that take probabilities where the output is logits, or
            the other way round, for binary losses of a softmax, for losses of your own
            where labels are unknown, and for `class_counts` of yes-or-no labels that
            have yes and no in each other's place.

    Raises:
        ModuleNotFoundError: without the libraries of the extra `benchmark`.
        ValueError: for arguments other than these; if model, data and losses do not fit
            each other.
        FolderInUseError: if another comparison is using the folder.

    Example:
    ```python
    import tempfile
    import keras
    import numpy as np
    import keras_ccar

    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [80, 20])
    x = rng.normal(size=(100, 4)).astype("float32") + labels[:, None]

    comparison = keras_ccar.compare(
        lambda: keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]),
        train=(x[::2], labels[::2]),
        validation=(x[1::2], labels[1::2]),
        losses={
            "cross-entropy": keras.losses.SparseCategoricalCrossentropy(True),
            "CCAR": lambda counts: keras_ccar.CCARLoss(counts, from_logits=True),
        },
        seeds=1,
        epochs=1,
        output=tempfile.mkdtemp(),
    )
    print(comparison.finished[["method", "balanced"]])
    ```
    """
    request = OwnRequest(
        build_model,
        train,
        validation,
        test=test,
        losses=losses,
        class_counts=class_counts,
        class_names=class_names,
        ignore_class=ignore_class,
        ignore_value=ignore_value,
        seeds=seeds,
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        metrics=metrics,
        callbacks=callbacks,
        metric=metric,
        output=output,
        budget=budget,
    )
    comparison, _ = run_own(request, Console())
    return comparison
