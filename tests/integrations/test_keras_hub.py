"""Classifiers of KerasHub, of images and of text, trained through `fit`."""

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar.adjustments import LogitAdjustment

BACKEND = keras.backend.backend()
COUNTS = [40, 16, 8]
NUM_CLASSES = len(COUNTS)
WORDS = ["bill", "refund", "smoke", "kettle", "lamp", "hello", "thanks"]
# torch compiles to C++, which this project does not test.
JIT = BACKEND != "torch"


@pytest.fixture(scope="module")
def keras_hub():
    return pytest.importorskip("keras_hub")


def labels_of(rng):
    return rng.permutation(np.repeat(np.arange(NUM_CLASSES), COUNTS))


def image_samples():
    """Images, each class bright in a third of its own."""
    rng = np.random.default_rng(0)
    labels = labels_of(rng)
    images = rng.uniform(0, 0.4, (len(labels), 24, 24, 3)).astype("float32")
    for image, label in zip(images, labels, strict=True):
        image[8 * label : 8 * label + 8] += 0.4
    return images, labels


def text_samples():
    """Sentences, each with one word of its class."""
    rng = np.random.default_rng(0)
    labels = labels_of(rng)
    others = WORDS[NUM_CLASSES:]
    texts = [
        " ".join(rng.permutation([WORDS[label], *rng.choice(others, 3)]))
        for label in labels
    ]
    return np.array(texts), labels


def image_classifier(keras_hub, **arguments):
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[8],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block_vd",
        image_shape=(24, 24, 3),
    )
    return keras_hub.models.ImageClassifier(
        backbone, num_classes=NUM_CLASSES, **arguments
    )


def text_classifier(keras_hub, **arguments):
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    backbone = keras_hub.models.DistilBertBackbone(
        vocabulary_size=len(vocabulary),
        num_layers=1,
        num_heads=2,
        hidden_dim=32,
        intermediate_dim=32,
        dropout=0.0,
        max_sequence_length=8,
    )
    preprocessor = keras_hub.models.DistilBertTextClassifierPreprocessor(
        keras_hub.models.DistilBertTokenizer(vocabulary), sequence_length=8
    )
    return keras_hub.models.DistilBertTextClassifier(
        backbone,
        num_classes=NUM_CLASSES,
        preprocessor=preprocessor,
        dropout=0.0,
        **arguments,
    )


TASKS = {
    "images": (image_classifier, image_samples),
    "text": (text_classifier, text_samples),
}
each_task = pytest.mark.parametrize("task", TASKS)


def compile_model(model, loss, learning_rate=1e-2):
    optimizer = keras.optimizers.Adam(learning_rate)
    # `None` leaves out the metrics that KerasHub would add.
    model.compile(optimizer, loss, metrics=None, jit_compile=JIT)


def fit(model, x, labels, **arguments):
    # KerasHub's `fit` takes arrays in their order.
    return model.fit(x, labels, shuffle=False, verbose=0, **arguments).history


def values_of(variables):
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


# KerasHub's models are loaded with a loss and an optimizer of their own.
@pytest.mark.filterwarnings("ignore:`compile..` was not called as part of model")
@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer")
@pytest.mark.parametrize(
    "task", ["images", pytest.param("text", marks=pytest.mark.slow)]
)
def test_trains_counts_and_loads(keras_hub, task, tmp_path):
    make_model, make_samples = TASKS[task]
    x, labels = make_samples()
    model = make_model(keras_hub)
    compile_model(model, keras_ccar.CCARLoss(COUNTS, from_logits=True))
    callback = keras_ccar.CCARCallback()
    losses = fit(model, x, labels, epochs=12, callbacks=[callback])["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_array_equal(callback.statistics()["count"], np.bincount(labels))

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    compile_model(loaded, keras_ccar.CCARLoss.from_config(model.loss.get_config()))
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0),
        model.predict(x, verbose=0),
        rtol=1e-4,
        atol=1e-5,
    )
    again = fit(loaded, x, labels, callbacks=[keras_ccar.CCARCallback()])["loss"]
    assert again[0] < losses[0]


@each_task
@pytest.mark.parametrize("adjustment", [None, LogitAdjustment()])
def test_probabilities_and_logits_give_the_same_loss(keras_hub, task, adjustment):
    make_model, make_samples = TASKS[task]
    x, labels = make_samples()
    linear = make_model(keras_hub)
    softmax = make_model(keras_hub, activation="softmax")
    softmax.set_weights(linear.get_weights())
    values, outputs = [], []
    for model, from_logits in [(softmax, False), (linear, True)]:
        outputs.append(model.predict(x, verbose=0))
        loss = keras_ccar.CCARLoss(
            COUNTS, adjustment=adjustment, from_logits=from_logits
        )
        values.append(float(loss(labels, outputs[-1])))
    np.testing.assert_allclose(outputs[0].sum(-1), 1, rtol=1e-5)
    assert np.abs(outputs[1].sum(-1) - 1).min() > 1e-3  # those are logits
    np.testing.assert_allclose(values[0], values[1], rtol=1e-4)


@pytest.mark.slow
def test_probabilities_are_not_taken_from_the_linear_head(keras_hub):
    if BACKEND == "torch":
        pytest.skip("steps are not compiled: it is an error before training")
    x, labels = image_samples()
    model = image_classifier(keras_hub)
    compile_model(model, keras_ccar.CCARLoss(COUNTS))
    with (
        pytest.warns(UserWarning, match="The loss is NaN"),
        pytest.warns(UserWarning, match="logits .no activation."),
    ):
        fit(model, x[:8], labels[:8], callbacks=[keras_ccar.CCARCallback()])


@pytest.mark.slow
@each_task
def test_fine_tuning_in_two_stages(keras_hub, task):
    make_model, make_samples = TASKS[task]
    x, labels = make_samples()
    model = make_model(keras_hub)
    loss = keras_ccar.CCARLoss(COUNTS, from_logits=True)
    callback = keras_ccar.CCARCallback()
    backbone, head = model.backbone, model.layers[-1]

    backbone.trainable = False
    compile_model(model, loss)
    frozen, untrained = values_of(backbone.variables), values_of(head.variables)
    fit(model, x, labels, callbacks=[callback])
    for before, after in zip(frozen, values_of(backbone.variables), strict=True):
        np.testing.assert_array_equal(before, after)
    for before, after in zip(untrained, values_of(head.variables), strict=True):
        assert not np.array_equal(before, after)
    np.testing.assert_array_equal(callback.statistics()["count"], np.bincount(labels))

    backbone.trainable = True
    compile_model(model, loss, learning_rate=1e-3)
    frozen = values_of(backbone.trainable_variables)
    fit(model, x, labels, callbacks=[callback])
    assert frozen
    for before, after in zip(
        frozen, values_of(backbone.trainable_variables), strict=True
    ):
        assert not np.array_equal(before, after)
    assert len(callback.history) == 2
    np.testing.assert_array_equal(callback.statistics()["count"], np.bincount(labels))
