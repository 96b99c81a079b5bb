"""Nothing after training changes the weights of the model that it is given."""

import keras
import numpy as np
import pytest

from keras_ccar import posthoc
from keras_ccar.layers import LogitCorrection

RNG = np.random.default_rng(0)
COUNTS = [60, 30, 10]
LABELS = RNG.permutation(np.repeat([0, 1, 2], COUNTS))
IMAGES = RNG.normal(size=(100, 8, 8, 3)) + LABELS[:, None, None, None]
IMAGES = IMAGES.astype("float32")
IS_RARE = (LABELS == 2).astype("int64")
CLASSES, RARE = (IMAGES, LABELS), (IMAGES, IS_RARE)


class Own(keras.layers.Layer):
    """May begin a mask, as far as anyone can tell from its type."""

    def call(self, inputs):
        return inputs


def build(units, activation=None):
    """A network that is fine-tuned: augmentation, a backbone, batch normalisation."""
    layers = [
        keras.Input((8, 8, 3)),
        keras.layers.RandomFlip(),
        Own(),
        keras.layers.Conv2D(4, 3),
        keras.layers.BatchNormalization(),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(units, activation),
    ]
    model = keras.Sequential(layers)
    loss = "binary_crossentropy"
    if activation is None:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss)
    return model


CALLS = {
    "calibrate": (build, (3,), lambda m: posthoc.calibrate(m, CLASSES)),
    "chain": (build, (3,), lambda m: posthoc.chain(m, LogitCorrection(COUNTS))),
    "estimate_prior": (
        build,
        (3,),
        lambda m: posthoc.estimate_prior(m, IMAGES, COUNTS, max_iterations=5),
    ),
    "evaluate_classes": (
        build,
        (3,),
        lambda m: posthoc.evaluate_classes(m, CLASSES, resamples=2, batch_size=10),
    ),
    "one_output": (
        lambda: keras.Model((inner := build(3)).inputs, [inner.outputs[0]] * 2),
        (),
        lambda m: posthoc.one_output(m, 0).predict(IMAGES, verbose=0),
    ),
    "prediction_sets": (
        build,
        (3,),
        lambda m: posthoc.prediction_sets(m, CLASSES, COUNTS, coverage=0.6),
    ),
    "retrain_classifier": (
        build,
        (3,),
        lambda m: posthoc.retrain_classifier(m, CLASSES, COUNTS, epochs=1),
    ),
    "tune_logit_correction": (
        build,
        (3,),
        lambda m: posthoc.tune_logit_correction(m, CLASSES, COUNTS),
    ),
    "tune_thresholds": (
        build,
        (1, "sigmoid"),
        lambda m: posthoc.tune_thresholds(m, RARE),
    ),
}
OBJECTIVES = {"alarm_rate_at_most", "precision_at_least", "recall_at_least"}


def test_every_function_is_tried():
    assert {*CALLS, *OBJECTIVES} == set(posthoc.__all__)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of few examples
@pytest.mark.parametrize("name", CALLS)
def test_the_weights_stay(name):
    make, arguments, call = CALLS[name]
    model = make(*arguments)
    before = [weight.copy() for weight in model.get_weights()]
    call(model)
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_what_is_measured_is_what_predict_answers():
    model = build(3)
    model.fit(*CLASSES, epochs=2, verbose=0)
    right = (model.predict(IMAGES, verbose=0).argmax(1) == LABELS).mean()
    for _ in range(2):
        report = posthoc.evaluate_classes(model, CLASSES, resamples=2, batch_size=10)
        assert report.totals.loc["accuracy", "value"] == pytest.approx(right)
