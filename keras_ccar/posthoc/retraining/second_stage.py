"""Trains the classifier of a model again, on its features as they are."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import (
    check_choice,
    check_ignore_class,
    check_number,
    check_whole_number,
)
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.inputs.binary_targets import check_ignore_value
from keras_ccar.label_smoothing import LabelAwareSmoothing
from keras_ccar.label_smoothing import get as check_smoothing
from keras_ccar.layers.model_output import gives_logits, output_activation
from keras_ccar.layers.prior_warning import mark_as_retrained
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy
from keras_ccar.output_counts import OutputCounts, read_output_counts
from keras_ccar.posthoc.retraining.classifier_head import find_classifier_head
from keras_ccar.posthoc.retraining.head_training import (
    HeadTraining,
    read_features,
    weigh_within_classes,
)
from keras_ccar.posthoc.retraining.model_copies import compile_as, copy_model
from keras_ccar.posthoc.retraining.second_stage_checks import (
    METHODS,
    check_kind_of_head,
    check_loss,
    check_method,
    new_optimizer,
    require_classes,
)


def retrain_classifier(
    model: keras.Model,
    data: Any,
    class_counts: ClassCounts,
    method: str = "crt",
    tau: float = 1.0,
    epochs: int = 10,
    batch_size: int = 128,
    *,
    optimizer: Any = None,
    head: str | None = None,
    loss: keras.losses.Loss | Callable[..., Any] | None = None,
    label_smoothing: float | LabelAwareSmoothing = 0.0,
    num_examples: NumExamples = None,
    ignore_class: int | None = None,
    ignore_value: float | None = None,
    seed: int = 0,
    verbose: int = 0,
) -> keras.Model:
    """Trains the classifier of a trained model again, for balanced predictions.

    Training on long-tailed data gives good features, but a classifier that favours
    frequent classes. So the second stage keeps the features, and changes the last
    layer alone:

    - `"crt"`, classifier retraining: the layer begins anew, and is trained on draws
      that have every class equally often.
    - `"lws"`, learnable weight scaling: the weights of each class keep their direction,
      and one factor for each class is learned on such draws, on the logit with its
      bias. The factors are multiplied into kernel and bias. They stay at 0 or above,
      which the source does not ask for: a negative one would turn a class round.
    - `"tau-norm"`, normalisation: `w_k / |w_k|^τ`, without bias and without training.
      Choose τ on validation data.

    What "crt" and "lws" return fits balanced classes, and needs no `LogitCorrection`
    for them; for probabilities of the data as they are, add one with
    `trained_prior="balanced"`. "tau-norm" takes out a part of the prior, of which
    nobody knows how large it is: `tune_logit_correction(..., adjusted=True)` finds what
    is left to correct. A correction of the whole prior is warned of. The mark for this
    is in the name of the optimizer, so it is lost when you compile the model anew.

    All layers but the last stay frozen and work as in `predict`: without dropout, and
    with the statistics that batch normalisation has. So the features are computed once,
    in one pass over `data`, and only the last layer is trained on them, which takes
    seconds. Augmentation in a pipeline is therefore seen once. The features of all
    examples, float32, must fit into memory; of segmentation those of all pixels.

    Args:
        model: a trained Functional or Sequential model with one output, which stays as
            it is. Its head may be in a model within it, and may be followed by a
            softmax or another activation, but by no correction.
        data: the training data: `(x, y)`, a tf.data.Dataset, a torch DataLoader or a
            PyDataset of batches `(x, y)`, not rebalanced. Labels are classes, integers
            or one-hot. Sample weights say what an example counts beside others of its
            class; 0 leaves it out. "tau-norm" takes None.
        class_counts: training examples of each class, `(K,)` or `{class: count}`; of
            one yes-or-no label `[no, yes]`.
        method: "crt", "lws" or "tau-norm".
        tau: τ >= 0, for "tau-norm" alone.
        epochs: epochs of as many draws as `data` has examples.
        batch_size: examples in a batch, of `data` in arrays and of the training.
        optimizer: what trains the last layer: a Keras optimizer, of which a new one is
            made, or its name. None for SGD with momentum 0.9, weight decay 5e-4 and a
            learning rate that falls from `0.1 * batch_size / 256` to 0 by a cosine.
        head: the name of the last layer with a kernel, if it is not found.
        loss: a loss of integer labels and logits, or a function of these. None for
            cross-entropy. The draws are balanced, so it should neither weigh classes
            nor adjust logits.
        label_smoothing: of the cross-entropy: a number, or a `LabelAwareSmoothing`,
            which is the second stage of MiSLAS.
        num_examples: N of one yes-or-no label, if `class_counts` has those of yes.
        ignore_class: the label of examples to leave out.
        ignore_value: what stands for a missing answer of one yes-or-no label, such as
            -1 or NaN.
        seed: determines the draws and how the layer begins.
        verbose: 0, 1 or 2, as in `fit`.

    Returns:
        A new model of the same structure, with `trainable` of every layer as in
        `model`. It is compiled as `model`, with a new optimizer; with a plain
        cross-entropy and SGD if `model` is not compiled.

    Raises:
        ValueError: for arguments other than these; for several yes-or-no labels, for
            which "every label equally often" has no meaning; if the model has no head,
            or one that the method does not fit; for classes that `data` lacks; if the
            training diverges.

    Warns:
        UserWarning: if what the model was compiled with cannot be made anew.

    Reference:
        Kang et al. 2020, arXiv 1910.09217, Sec. 4; Zhong et al. 2021, arXiv 2104.00466.

    Example:
    ```python
    import keras
    import numpy as np
    from keras_ccar.posthoc.retraining.second_stage import retrain_classifier

    x, y = np.eye(4, dtype="float32")[np.arange(60) % 4], np.repeat([0, 1], [50, 10])
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    balanced = retrain_classifier(model, (x, y), [50, 10], epochs=1)
    normalised = retrain_classifier(model, None, [50, 10], method="tau-norm")
    ```
    """
    check_choice("method", method, METHODS)
    tau = check_number("tau", tau, 0)
    smoothing = check_smoothing(label_smoothing)
    training = HeadTraining(
        epochs=check_whole_number("epochs", epochs, 1),
        batch_size=check_whole_number("batch_size", batch_size, 1),
        optimizer=new_optimizer(optimizer),
        seed=check_whole_number("seed", seed, 0),
        verbose=check_whole_number("verbose", verbose, 0, 2),
    )
    ignore_class = check_ignore_class(ignore_class)
    ignore_value = check_ignore_value(ignore_value)
    counts = read_output_counts(class_counts, num_examples)
    check_loss(loss, smoothing)
    find_classifier_head(model, head)  # before anything is copied
    copied = copy_model(model)
    found = find_classifier_head(copied, head)
    are_labels = check_kind_of_head(model, found, counts)
    check_method(method, found, are_labels)
    activation, _ = output_activation(model)
    from_logits = gives_logits(activation) is not False
    compile_as(model, copied, are_labels, from_logits)
    if method == "tau-norm":
        _normalise(found.layer, tau)
        if tau:
            mark_as_retrained(copied, on_balanced_draws=False)
        return copied
    if loss is None:
        loss = _crossentropy(counts, are_labels, smoothing)
    examples = read_features(
        copied,
        found,
        data,
        are_labels,
        ignore_class,
        ignore_value,
        training.batch_size,
    )
    require_classes(examples.labels, counts)
    examples = weigh_within_classes(examples)
    if method == "crt":
        trained = training.train_anew(found.layer, examples, loss)
        for variable, value in zip(found.layer.weights, trained, strict=True):
            variable.assign(value)
    else:
        _scale(found.layer, training.learn_scales(found.layer, examples, loss))
    mark_as_retrained(copied, on_balanced_draws=True)
    return copied


def _crossentropy(
    counts: OutputCounts, are_labels: bool, smoothing: float | LabelAwareSmoothing
) -> keras.losses.Loss:
    if are_labels:
        smoothing = check_number("label_smoothing", smoothing, 0, 1)
        return BinaryLongTailedCrossentropy(
            None, from_logits=True, label_smoothing=smoothing
        )
    return LongTailedCrossentropy(
        counts.class_counts, from_logits=True, label_smoothing=smoothing
    )


def normalise_kernel(kernel: Any, tau: float) -> np.ndarray:
    """Returns a kernel whose weights of each class are divided by their length^τ."""
    values = keras.ops.convert_to_numpy(kernel).astype("float64")
    lengths = np.sqrt(np.square(values).sum(axis=tuple(range(values.ndim - 1))))
    # Weights of length 0 stay 0.
    return np.asarray(values / np.where(lengths > 0, lengths, 1) ** tau)


def _normalise(layer: keras.layers.Layer, tau: float) -> None:
    layer.kernel.assign(normalise_kernel(layer.kernel, tau))
    bias = getattr(layer, "bias", None)
    if bias is not None:
        bias.assign(np.zeros(bias.shape))


def _scale(layer: keras.layers.Layer, scales: np.ndarray) -> None:
    for variable in (layer.kernel, getattr(layer, "bias", None)):
        if variable is not None:
            values = keras.ops.convert_to_numpy(variable).astype("float64")
            variable.assign(values * scales)
