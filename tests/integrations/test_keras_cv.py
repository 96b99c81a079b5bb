"""Classifiers of KerasCV, trained through `fit`."""

import warnings

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar.adjustments import LogitAdjustment

pytestmark = pytest.mark.tensorflow_only

COUNTS = [40, 16, 8]
NUM_CLASSES = len(COUNTS)


@pytest.fixture(scope="module")
def keras_cv():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("KerasCV is imported on TensorFlow only")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # while it imports, and only then
        return pytest.importorskip("keras_cv")


def samples(seed=0):
    """Images of 0..255, each class bright in a third of its own."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(NUM_CLASSES), COUNTS))
    images = rng.uniform(0, 100, (len(labels), 24, 24, 3)).astype("float32")
    for image, label in zip(images, labels, strict=True):
        image[8 * label : 8 * label + 8] += 100
    return images, labels


def resnet(keras_cv):
    return keras_cv.models.ResNetV2Backbone(
        stackwise_filters=[8],
        stackwise_blocks=[2],
        stackwise_strides=[1],
        include_rescaling=True,
        input_shape=(24, 24, 3),
    )


def classifier(keras_cv, loss=None, learning_rate=1e-2, **arguments):
    model = keras_cv.models.ImageClassifier(
        resnet(keras_cv), num_classes=NUM_CLASSES, **arguments
    )
    loss = loss or keras_ccar.CCARLoss(COUNTS)
    model.compile(keras.optimizers.Adam(learning_rate), loss, jit_compile=True)
    return model


def values_of(variables):
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


@pytest.mark.slow
def test_trains_counts_and_loads(keras_cv, tmp_path):
    images, labels = samples()
    model = classifier(keras_cv)
    callback = keras_ccar.CCARCallback()
    losses = model.fit(
        images, labels, epochs=6, callbacks=[callback], verbose=0
    ).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_array_equal(callback.statistics()["count"], np.bincount(labels))

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, keras_cv.models.ImageClassifier)
    assert loaded.loss.get_config() == model.loss.get_config()
    np.testing.assert_allclose(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0), rtol=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("adjustment", [None, LogitAdjustment()])
def test_probabilities_and_logits_give_the_same_loss(keras_cv, adjustment):
    images, labels = samples()
    softmax = keras_cv.models.ImageClassifier(resnet(keras_cv), num_classes=NUM_CLASSES)
    linear = keras_cv.models.ImageClassifier(
        resnet(keras_cv), num_classes=NUM_CLASSES, activation=None
    )
    linear.set_weights(softmax.get_weights())
    values, outputs = [], []
    for model, from_logits in [(softmax, False), (linear, True)]:
        outputs.append(model.predict(images, verbose=0))
        loss = keras_ccar.CCARLoss(
            COUNTS, adjustment=adjustment, from_logits=from_logits
        )
        values.append(float(loss(labels, outputs[-1])))
    np.testing.assert_allclose(outputs[0].sum(-1), 1, rtol=1e-5)
    assert np.abs(outputs[1].sum(-1) - 1).min() > 1e-3  # those are logits
    np.testing.assert_allclose(values[0], values[1], rtol=1e-4)


# Keras warns as well, while it compiles.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*received `from_logits=True`:UserWarning")
def test_logits_are_not_taken_from_the_softmax_head(keras_cv):
    images, labels = samples()
    model = classifier(keras_cv, keras_ccar.CCARLoss(COUNTS, from_logits=True))
    with pytest.warns(UserWarning, match="probabilities .softmax."):
        model.fit(
            images[:8], labels[:8], callbacks=[keras_ccar.CCARCallback()], verbose=0
        )


@pytest.mark.slow
def test_fine_tuning_in_two_stages(keras_cv):
    images, labels = samples()
    model = classifier(keras_cv)
    loss, callback = model.loss, keras_ccar.CCARCallback()
    backbone, head = model.backbone, model.layers[-1]

    backbone.trainable = False
    model.compile(keras.optimizers.Adam(1e-2), loss, jit_compile=True)
    frozen, untrained = values_of(backbone.variables), values_of(head.variables)
    model.fit(images, labels, callbacks=[callback], verbose=0)
    for before, after in zip(frozen, values_of(backbone.variables), strict=True):
        np.testing.assert_array_equal(before, after)
    for before, after in zip(untrained, values_of(head.variables), strict=True):
        assert not np.array_equal(before, after)
    np.testing.assert_array_equal(callback.statistics()["count"], np.bincount(labels))

    backbone.trainable = True
    model.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=True)
    model.fit(images, labels, callbacks=[callback], verbose=0)
    for before, after in zip(frozen, values_of(backbone.variables), strict=True):
        assert not np.array_equal(before, after)
    assert len(callback.history) == 2
    np.testing.assert_array_equal(callback.statistics()["count"], np.bincount(labels))
