"""Checks that every public loss must pass. New losses are found automatically.

Each check takes a `Case`: a loss class, with suitable labels and predictions.
"""

import inspect
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from compiled import MODES, value_and_gradient
from keras import ops

import keras_ccar
from keras_ccar.losses.class_aware_loss import ClassAwareLoss

COUNTS = [500, 100, 20, 5]
NUM_EXAMPLES = 625
NUM_CLASSES = len(COUNTS)
# Margins, and weights of the labels that an example has, are those before smoothing.
READ_LABELS = ("LDAMMargin", "DistributionBalancedLoss")


def numpy(x):
    return ops.convert_to_numpy(x)


class Case:
    """A public loss, and how to construct and call it."""

    def __init__(self, loss_class):
        self.loss_class = loss_class
        self.name = loss_class.__name__
        self.parameters = inspect.signature(loss_class).parameters
        self.is_binary = "num_examples" in self.parameters

    def loss(self, **arguments):
        if "class_counts" in self.parameters:
            arguments.setdefault("class_counts", COUNTS)
        if self.is_binary:
            arguments.setdefault("num_examples", NUM_EXAMPLES)
        arguments.setdefault("from_logits", True)
        return self.loss_class(**arguments)

    def predictions(self, shape=(6,), scale=2.0, num_classes=NUM_CLASSES):
        rng = np.random.default_rng(0)
        return rng.normal(scale=scale, size=(*shape, num_classes)).astype("float32")

    def labels(self, shape=(6,), num_classes=NUM_CLASSES):
        rng = np.random.default_rng(1)
        if self.is_binary:
            return (rng.uniform(size=(*shape, num_classes)) < 0.5).astype("float32")
        return rng.integers(0, num_classes, shape)

    def losses_shape(self, shape):
        return (*shape, NUM_CLASSES) if self.is_binary else shape


def public_cases():
    exported = [getattr(keras_ccar, name) for name in keras_ccar.__all__]
    classes = [
        member
        for member in exported
        if inspect.isclass(member) and issubclass(member, ClassAwareLoss)
    ]
    assert len(classes) >= 9
    return [Case(loss_class) for loss_class in classes]


def check_shapes_of_any_rank(case):
    for shape in ((6,), (3, 2), (2, 3, 4)):
        losses = case.loss(reduction=None)(case.labels(shape), case.predictions(shape))
        assert tuple(losses.shape) == case.losses_shape(shape)
        total = case.loss()(case.labels(shape), case.predictions(shape))
        assert tuple(total.shape) == ()
        np.testing.assert_allclose(numpy(total), numpy(losses).mean(), rtol=1e-5)


def check_empty_batches(case):
    predictions = case.predictions((0, 3))
    for labels in label_forms(case, (0, 3)):
        for mode in MODES:
            value, gradient = value_and_gradient(
                lambda z, y=labels: case.loss(normalize=True)(y, z), predictions, mode
            )
            assert value == 0
            assert gradient.shape == predictions.shape


def check_label_dtypes(case):
    expected = numpy(case.loss(reduction=None)(case.labels(), case.predictions()))
    for dtype in ("int8", "uint8", "int32", "int64", "float32", "float64"):
        labels = case.labels().astype(dtype)
        actual = numpy(case.loss(reduction=None)(labels, case.predictions()))
        np.testing.assert_array_equal(actual, expected)


def check_half_precision_predictions(case):
    for dtype in ("float16", "bfloat16"):
        half = ops.cast(case.predictions(), dtype)
        actual = case.loss(dtype=dtype, reduction=None)(case.labels(), half)
        assert keras.backend.standardize_dtype(actual.dtype) == "float32"
        expected = case.loss(reduction=None)(case.labels(), ops.cast(half, "float32"))
        np.testing.assert_array_equal(numpy(actual), numpy(expected))


def check_labels_above_256_in_half_precision(case):
    if case.is_binary:
        return
    counts = np.arange(1000, 0, -1)
    predictions = case.predictions((8,), num_classes=1000)
    labels = np.arange(991, 999)
    expected = case.loss(class_counts=counts, reduction=None)(labels, predictions)
    loss = case.loss(class_counts=counts, reduction=None, dtype="bfloat16")
    actual = loss(ops.cast(labels, "float32"), predictions)
    np.testing.assert_array_equal(numpy(actual), numpy(expected))


def check_sparse_equals_one_hot(case):
    if case.is_binary:
        return
    by_class = keras_ccar.adjustments.LabelAwareSmoothing()
    for arguments in ({}, {"label_smoothing": 0.1}, {"label_smoothing": by_class}):
        loss = case.loss(reduction=None, **arguments)
        sparse = loss(case.labels(), case.predictions())
        one_hot = loss(np.eye(NUM_CLASSES)[case.labels()], case.predictions())
        np.testing.assert_allclose(numpy(one_hot), numpy(sparse), rtol=1e-5)


def check_smoothing_gives_what_smoothed_labels_give(case):
    parts = (case.loss().adjustment, case.loss())
    if any(type(part).__name__ in READ_LABELS for part in parts):
        return
    labels = case.labels()
    if not case.is_binary:
        labels = np.eye(NUM_CLASSES)[labels]
    smoothed = 0.8 * labels + 0.2 / (2 if case.is_binary else NUM_CLASSES)
    for normalize in (False, True):
        arguments = {"normalize": normalize, "reduction": None}
        by_loss = case.loss(label_smoothing=0.2, **arguments)
        np.testing.assert_allclose(
            numpy(by_loss(labels, case.predictions())),
            numpy(case.loss(**arguments)(smoothed, case.predictions())),
            rtol=1e-5,
        )


def check_smoothed_labels_of_certain_batches(case):
    # Confidence weighs the smoothed part of a label alone: the mean is of all parts.
    labels = case.labels()
    right = labels if case.is_binary else np.eye(NUM_CLASSES)[labels]
    predictions = np.where(right == 1, 20.0, -20.0).astype("float32")
    by_class = keras_ccar.adjustments.LabelAwareSmoothing()
    for smoothing in [0.1] if case.is_binary else [0.1, by_class]:
        loss = case.loss(normalize=True, label_smoothing=smoothing)
        assert numpy(loss(labels, predictions)) < 1e4


def check_probabilities_equal_logits(case):
    logits = case.predictions().astype("float64")
    if case.is_binary:
        probabilities = 1 / (1 + np.exp(-logits))
    else:
        exponentials = np.exp(logits)
        probabilities = exponentials / exponentials.sum(-1, keepdims=True)
    expected = case.loss(reduction=None)(case.labels(), logits)
    actual = case.loss(reduction=None, from_logits=False)(case.labels(), probabilities)
    np.testing.assert_allclose(numpy(actual), numpy(expected), rtol=2e-5, atol=1e-6)


def check_masked_samples_do_not_count(case):
    from keras.src.backend import set_keras_mask

    mask = np.array([True, False, True, True, False, True])
    for labels in label_forms(case):
        predictions = ops.convert_to_tensor(case.predictions())
        set_keras_mask(predictions, ops.convert_to_tensor(mask))
        actual = case.loss(normalize=True)(labels, predictions)
        expected = case.loss(normalize=True)(labels[mask], case.predictions()[mask])
        np.testing.assert_allclose(numpy(actual), numpy(expected), rtol=1e-5)


def check_sample_weights_with_masks(case):
    from keras.src.backend import set_keras_mask

    shape = (4, 3)
    labels, logits = case.labels(shape), case.predictions(shape)
    mask = np.random.default_rng(2).uniform(size=shape) < 0.5
    weights = np.array([1.0, 2, 0.5, 4], "float32")
    predictions, given = map(ops.convert_to_tensor, (logits, weights))
    set_keras_mask(predictions, ops.convert_to_tensor(mask))
    actual = case.loss(reduction="sum")(labels, predictions, given)
    per_sample = numpy(case.loss(reduction=None)(labels, logits))
    expected = (per_sample.T * (weights[:, None] * mask).T).sum()
    np.testing.assert_allclose(numpy(actual), expected, rtol=1e-5)
    np.testing.assert_array_equal(numpy(given), weights)  # Keras writes into them


def check_a_diverged_model_has_no_finite_loss(case):
    labels = case.labels()
    for from_logits in (True, False):
        predictions = np.full((6, NUM_CLASSES), np.nan, "float32")
        for mode in MODES[:2]:
            loss = case.loss(from_logits=from_logits)
            value, _ = value_and_gradient(
                lambda z, loss=loss: loss(labels, z), predictions, mode
            )
            assert np.isnan(value)


def check_sample_weights(case):
    weights = np.array([0.0, 1, 2, 0.5, 1, 0])
    for labels in label_forms(case):
        per_sample = numpy(case.loss(reduction=None)(labels, case.predictions()))
        expected = (per_sample.T * weights).T
        for reduction, combine in (("sum", np.sum), ("sum_over_batch_size", np.mean)):
            actual = case.loss(reduction=reduction)(
                labels, case.predictions(), sample_weight=weights
            )
            np.testing.assert_allclose(numpy(actual), combine(expected), rtol=1e-5)


def check_labels_of_padding_are_ignored(case):
    if case.is_binary:
        return
    labels, weights = case.labels(), np.array([1.0, 0, 1, 1, 0, 1])
    padded = np.where(weights == 0, -1, labels)
    actual = case.loss()(padded, case.predictions(), sample_weight=weights)
    expected = case.loss()(labels, case.predictions(), sample_weight=weights)
    np.testing.assert_allclose(numpy(actual), numpy(expected), rtol=1e-6)


def label_forms(case, shape=(6,)):
    labels = case.labels(shape)
    return [labels] if case.is_binary else [labels, np.eye(NUM_CLASSES)[labels]]


def check_missing_targets_do_not_count(case):
    if not case.is_binary:
        return
    is_known = np.random.default_rng(2).uniform(size=(6, NUM_CLASSES)) < 0.6
    is_known[0] = False  # an example of which nothing is known
    for unknown in (-1.0, np.nan):
        labels = np.where(is_known, case.labels(), np.float32(unknown))
        loss = case.loss(ignore_value=unknown)
        for mode in MODES:
            value, gradient = value_and_gradient(
                lambda z, y=labels, loss=loss: loss(y, z), case.predictions(), mode
            )
            assert not gradient[~is_known].any()
            # What is left out by a weight of 0 is left out of everything but the mean.
            weights = is_known.astype("float32")
            total = case.loss(reduction="sum")(
                case.labels(), case.predictions(), weights
            )
            expected = numpy(total) / is_known.sum()
            np.testing.assert_allclose(value, expected, rtol=1e-5)


def check_one_label_and_ten_thousand(case):
    if not case.is_binary:
        return
    for num_labels in (1, 10_000):
        rng = np.random.default_rng(0)
        counts = rng.integers(1, 90, num_labels)
        logits = case.predictions((3,), num_classes=num_labels)
        labels = case.labels((3,), num_classes=num_labels)
        loss = case.loss(class_counts=counts, num_examples=100, reduction=None)
        losses = numpy(loss(labels, logits))
        assert losses.shape == logits.shape
        assert np.isfinite(losses).all()
        assert (losses >= 0).all()
        if num_labels == 1:
            for column in (labels[:, 0], [bool(y) for y in labels[:, 0]]):
                np.testing.assert_array_equal(numpy(loss(column, logits)), losses)


def check_gradient_against_finite_differences(case):
    """In float64; where the weight is a constant, of the loss with that weight."""
    if keras.backend.backend() == "jax":
        import jax

        # JAX before 0.8 has it elsewhere.
        if hasattr(jax, "enable_x64"):
            context = jax.enable_x64(True)
        else:
            context = jax.experimental.enable_x64()
    else:
        import contextlib

        context = contextlib.nullcontext()
    with context:
        logits = case.predictions((3,)).astype("float64")
        loss = case.loss(reduction=None, dtype="float64", differentiate_weight=True)
        for labels in [case.labels((3,))] + (
            [] if case.is_binary else [np.full((3, NUM_CLASSES), 0.25)]
        ):
            _, gradient = value_and_gradient(
                lambda z, labels=labels: loss(labels, z), logits, "eager"
            )
            for index in np.ndindex(logits.shape):
                step = np.zeros_like(logits)
                step[index] = 1e-5
                above, below = (
                    float(numpy(loss(labels, z)).sum())
                    for z in (logits + step, logits - step)
                )
                difference = (above - below) / 2e-5
                assert gradient[index] == pytest.approx(difference, rel=1e-5, abs=1e-7)


def check_weight_is_a_constant_of_the_gradient(case):
    """By default, the gradient is that of the loss with constant weights."""
    if case.is_binary or case.name == "FocalLoss":
        return
    labels, logits = case.labels(), case.predictions(scale=0.1)
    loss = case.loss(reduction=None)
    value, gradient = value_and_gradient(lambda z: loss(labels, z), logits, "eager")
    unweighted = keras_ccar.LongTailedCrossentropy(
        COUNTS, adjustment=loss.adjustment, from_logits=True, reduction=None
    )
    plain, direction = value_and_gradient(
        lambda z: unweighted(labels, z), logits, "eager"
    )
    assert (plain > 0).all()
    np.testing.assert_allclose(
        gradient, (value / plain)[:, None] * direction, rtol=1e-4, atol=1e-6
    )


def check_permutation_of_classes(case):
    order = np.array([2, 0, 3, 1])
    labels, predictions = case.labels(), case.predictions()
    permuted = labels[:, order] if case.is_binary else np.argsort(order)[labels]
    counts = [COUNTS[c] for c in order]
    losses = numpy(case.loss(reduction=None)(labels, predictions))
    loss = case.loss(reduction=None, class_counts=counts)
    actual = numpy(loss(permuted, predictions[:, order]))
    expected = losses[:, order] if case.is_binary else losses
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


def check_extreme_logits_are_finite(case):
    for labels in label_forms(case):
        for scale in (1e4, -1e4):
            logits = np.float32(np.sign(case.predictions()) * scale)
            value, gradient = value_and_gradient(
                lambda z, labels=labels: case.loss()(labels, z), logits, "eager"
            )
            assert np.isfinite(value).all()
            assert np.isfinite(gradient).all()


def check_extreme_probabilities_are_finite(case):
    probabilities = np.eye(NUM_CLASSES, dtype="float32")[[0, 1, 2, 3, 0, 1]]
    for labels in label_forms(case):
        value, gradient = value_and_gradient(
            lambda p, labels=labels: case.loss(from_logits=False)(labels, p),
            probabilities,
            "eager",
        )
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()


def check_config_round_trip(case):
    by_class = keras_ccar.adjustments.LabelAwareSmoothing(0.3, 0.2, "linear")
    for smoothing in [0.1] if case.is_binary else [0.1, by_class]:
        loss = case.loss(
            normalize=True,
            label_smoothing=smoothing,
            reduction="sum",
            name="mine",
            dtype="bfloat16",
        )
        config = json.loads(json.dumps(loss.get_config()))
        copy = case.loss_class.from_config(config)
        assert copy.get_config() == config
        expected = loss(case.labels(), case.predictions())
        actual = copy(case.labels(), case.predictions())
        np.testing.assert_array_equal(numpy(actual), numpy(expected))


def check_every_argument_reaches_the_loss(case):
    given = {
        "weighting": keras_ccar.weightings.Focal(3.0),
        "adjustment": keras_ccar.adjustments.LDAMMargin(0.25),
        "normalize": True,
        "differentiate_weight": not case.parameters["differentiate_weight"].default,
        "from_logits": not case.parameters["from_logits"].default,
        "label_smoothing": 0.25,
        "ignore_class": 255,
        "axis": 1,
        "ignore_value": -1.0,
        "reduction": "sum",
        "name": "mine",
        "dtype": "bfloat16",
    }
    given = {name: value for name, value in given.items() if name in case.parameters}
    loss = case.loss(**given)
    config = loss.get_config()
    assert set(config) == set(case.parameters)
    for name, value in given.items():
        if name != "dtype":
            assert getattr(loss, name) == value, name
        if name not in ("weighting", "adjustment"):
            assert config[name] == value, name
            assert case.parameters[name].default != value, name


def check_multiple_outputs_train(case):
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    inputs = keras.Input((3,))
    outputs = {name: keras.layers.Dense(NUM_CLASSES)(inputs) for name in ("a", "b")}
    model = keras.Model(inputs, outputs)
    model.compile("sgd", loss={"a": case.loss(), "b": case.loss()})
    history = model.fit(x, {"a": case.labels(), "b": case.labels()}, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def check_bad_input_raises(case):
    labels, predictions = case.labels(), case.predictions()
    for bad_labels, bad_predictions, message in (
        (labels[:4], predictions, "`y_true` must"),
        (labels[..., None, None], predictions, "`y_true` must"),
        (labels + 7, predictions, "`y_true` must hold"),
        (labels - 7, predictions, "`y_true` must hold"),
        (np.full((6, NUM_CLASSES), np.nan), predictions, "`y_true` must hold"),
        (labels, predictions[:, 0], "`y_(pred|true)`"),
        (labels, np.full_like(predictions, np.nan), "`y_pred` must hold finite"),
        (["cat"] * 6, predictions, "`y_true` must be an array of real numbers"),
        (None, predictions, "`y_true` must be an array of real numbers"),
        (labels, [[1.0], [2.0, 3.0]], "`y_pred` must be an array of numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            case.loss()(bad_labels, bad_predictions)
    for weights, message in (
        (np.ones(5), "`sample_weight` must broadcast"),
        ([1, 1, 1, 1, 1, float("nan")], "`sample_weight` must hold finite"),
        ("heavy", "`sample_weight` must be an array of real numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            case.loss()(labels, predictions, weights)
    with pytest.raises(ValueError, match="pass `from_logits=True`"):
        case.loss(from_logits=False)(labels, predictions)
    for arguments, message in (
        ({"class_counts": [3, -1]}, "`class_counts`"),
        ({"class_counts": [[1, 2]]}, "`class_counts`"),
        ({"class_counts": [0, 0]}, "`class_counts`"),
        ({"class_counts": [1, float("nan")]}, "`class_counts`"),
        ({"label_smoothing": 1.5}, "`label_smoothing`"),
        ({"class_counts": ["3", "1"]}, "`class_counts`"),
        ({"class_counts": [1e308, 1e308]}, "`class_counts` must have a finite sum"),
        ({"reduction": "median"}, "`reduction`"),
        ({"dtype": "int32"}, "`dtype`"),
        ({"from_logits": "yes"}, "`from_logits` must be True or False"),
        ({"normalize": None}, "`normalize` must be True, False or 'batch'"),
    ):
        with pytest.raises(ValueError, match=message):
            case.loss(**arguments)
    with pytest.raises(ValueError, match="`class_counts` must have one entry"):
        case.loss(class_counts=[3, 2, 1])(labels, predictions)


CHECKS = [check for name, check in list(globals().items()) if name.startswith("check_")]

NEW_PROCESS = """
import json, sys
import keras, numpy as np
import keras_ccar
for serialised, value, labels, predictions in json.loads(sys.stdin.read()):
    loss = keras.losses.deserialize(serialised)
    actual = float(loss(np.array(labels), np.array(predictions, "float32")))
    assert abs(actual - value) <= 1e-6 * abs(value), (type(loss), actual, value)
"""


def check_all_load_in_a_new_process(cases):
    batches = []
    for case in cases:
        loss = case.loss()
        labels, predictions = case.labels(), case.predictions()
        batches.append(
            (
                keras.losses.serialize(loss),
                float(numpy(loss(labels, predictions))),
                labels.tolist(),
                predictions.tolist(),
            )
        )
    subprocess.run(
        [sys.executable, "-c", NEW_PROCESS],
        input=json.dumps(batches),
        text=True,
        check=True,
        env={**os.environ, "KERAS_BACKEND": keras.backend.backend()},
    )
