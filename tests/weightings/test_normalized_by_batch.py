"""`normalize="batch"`: class weights are divided by their mean over the batch."""

import keras
import numpy as np
import pytest
from compiled import MODES, value_and_gradient
from keras import ops
from keras.src.backend import set_keras_mask
from loss_checks import numpy

import keras_ccar
from keras_ccar.weightings import EffectiveNumber, InverseFrequency, Weighting


@keras.saving.register_keras_serializable(package="tests")
class TinyWeights(Weighting):
    """Weights near 1e-20: the division must not need their size."""

    uses_confidence = False

    def __call__(self, p_t, f_c, prior):
        return 1e-20 / (f_c + 0.1)


COUNTS = np.array([500.0, 100, 20, 5])
SIZE, CLASSES, IGNORED = 12, 4, 255
RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, CLASSES, SIZE)
LOGITS = RANDOM.normal(scale=2, size=(SIZE, CLASSES)).astype("float32")
MASK = RANDOM.uniform(size=SIZE) < 0.7
WEIGHTS = np.where(RANDOM.uniform(size=SIZE) < 0.3, 0, RANDOM.uniform(0.5, 2, SIZE))
WEIGHTINGS = {
    "effective number": (EffectiveNumber(0.9999), 1 / (1 - 0.9999**COUNTS)),
    "inverse frequency": (InverseFrequency(), 1 / COUNTS),
    "tiny": (TinyWeights(), 1 / (COUNTS / COUNTS.sum() + 0.1)),
}
EACH = pytest.mark.parametrize("kind", WEIGHTINGS)


def loss_of(kind, **arguments):
    return keras_ccar.LongTailedCrossentropy(
        COUNTS,
        weighting=WEIGHTINGS[kind][0],
        normalize="batch",
        from_logits=True,
        **arguments,
    )


def crossentropies(logits=LOGITS, labels=LABELS):
    logits = logits.astype("float64")
    totals = np.log(np.exp(logits).sum(-1))
    return totals - np.take_along_axis(logits, labels[..., None], -1)[..., 0]


@EACH
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("is_ignored", [False, True])
def test_value_and_gradient_are_those_of_pytorch(kind, smoothing, is_ignored):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    labels = np.where(MASK, LABELS, IGNORED) if is_ignored else LABELS
    logits = torch.tensor(LOGITS, device="cpu", dtype=torch.float64, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(
        logits,
        torch.tensor(labels, device="cpu"),
        weight=torch.tensor(WEIGHTINGS[kind][1], device="cpu"),
        ignore_index=IGNORED,
        label_smoothing=smoothing,
    )
    expected.backward()
    loss = loss_of(kind, label_smoothing=smoothing, ignore_class=IGNORED)
    for mode in MODES:
        value, gradient = value_and_gradient(lambda z: loss(labels, z), LOGITS, mode)
        np.testing.assert_allclose(value, expected.item(), rtol=1e-5)
        np.testing.assert_allclose(gradient, logits.grad.numpy(), rtol=1e-4, atol=1e-7)


@EACH
@pytest.mark.parametrize("form", ["sparse", "one-hot"])
@pytest.mark.parametrize("is_masked", [False, True])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_every_reduction(kind, form, is_masked, is_weighted):
    """The samples that count decide the mean; a sample weight multiplies its loss."""
    own = WEIGHTS.astype("float32") if is_weighted else np.ones(SIZE, "float32")
    included = MASK if is_masked else np.ones(SIZE, bool)
    counts = included & (own != 0)
    weight = WEIGHTINGS[kind][1][LABELS]
    losses = own * included * crossentropies() * weight / weight[counts].mean()
    expected = {
        "sum": losses.sum(),
        "sum_over_batch_size": losses.sum() / included.sum(),
        "mean_with_sample_weight": losses.sum() / (own * included).sum(),
        None: losses,
    }
    labels = LABELS if form == "sparse" else np.eye(CLASSES)[LABELS]
    for reduction, value in expected.items():
        predictions = ops.convert_to_tensor(LOGITS)
        if is_masked:
            set_keras_mask(predictions, ops.convert_to_tensor(MASK))
        loss = loss_of(kind, reduction=reduction)
        actual = loss(labels, predictions, own if is_weighted else None)
        np.testing.assert_allclose(numpy(actual), value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_labels_of_pixels_and_distributions(mode):
    random = np.random.default_rng(1)
    logits = random.normal(size=(2, 3, 3, CLASSES)).astype("float32")
    labels = random.integers(0, CLASSES, (2, 3, 3))
    weight = 1 / COUNTS[labels]
    expected = (weight * crossentropies(logits, labels)).sum() / weight.sum()
    value, _ = value_and_gradient(
        lambda z: loss_of("inverse frequency")(labels, z), logits, mode
    )
    np.testing.assert_allclose(value, expected, rtol=1e-5)

    shares = random.dirichlet(np.ones(CLASSES), (2, 3, 3))
    log_p = logits - np.log(np.exp(logits.astype("float64")).sum(-1, keepdims=True))
    mass = shares / COUNTS
    value, _ = value_and_gradient(
        lambda z: loss_of("inverse frequency")(shares, z), logits, mode
    )
    np.testing.assert_allclose(value, -(mass * log_p).sum() / mass.sum(), rtol=1e-5)


@EACH
def test_a_sample_alone_has_weight_1(kind):
    for label in range(CLASSES):
        value = loss_of(kind)([label], LOGITS[:1])
        expected = crossentropies(LOGITS[:1], np.array([label]))[0]
        np.testing.assert_allclose(numpy(value), expected, rtol=1e-5)


def test_nothing_counts():
    labels = np.full(SIZE, IGNORED)
    for mode in MODES:
        value, gradient = value_and_gradient(
            lambda z: loss_of("inverse frequency", ignore_class=IGNORED)(labels, z),
            LOGITS,
            mode,
        )
        assert value == 0
        assert not gradient.any()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_labels_of_yes_or_no(mode, is_weighted):
    random = np.random.default_rng(2)
    yes = np.array([300.0, 40, 7])
    targets = (random.uniform(size=(10, 3)) < 0.4).astype("float32")
    targets[2, 1] = -1  # unknown
    logits = random.normal(size=(10, 3)).astype("float32")
    own = random.choice([0.0, 1.0, 2.0], 10).astype("float32")
    own = own if is_weighted else np.ones(10, "float32")
    known = targets != -1
    counts = known & (own != 0)[:, None]
    weight = np.where(targets == 1, 1 / yes, 1 / (1000 - yes))
    z = logits.astype("float64")
    losses = np.logaddexp(0, np.where(targets == 1, -z, z))
    losses = own[:, None] * known * losses * weight / weight[counts].mean()
    loss = keras_ccar.BinaryInverseFrequencyLoss(
        yes, 1000, normalize="batch", ignore_value=-1, from_logits=True
    )
    value, _ = value_and_gradient(
        lambda z: loss(targets, z, own if is_weighted else None), logits, mode
    )
    np.testing.assert_allclose(value, losses.sum() / known.sum(), rtol=1e-5)


def test_weights_that_depend_on_confidence_are_normalised_over_the_batch_anyway():
    for make in (keras_ccar.CCARLoss, keras_ccar.FocalLoss):
        by_batch, plain = (
            make(class_counts=COUNTS, normalize=normalize, from_logits=True)
            for normalize in ("batch", True)
        )
        np.testing.assert_array_equal(
            numpy(by_batch(LABELS, LOGITS)), numpy(plain(LABELS, LOGITS))
        )


class _Values(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.losses = []

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["loss"])


def test_deferred_weights_in_a_compiled_training():
    """LDAM-DRW's stages: the mean, then the mean by the weights of each batch."""
    model = keras.Sequential(
        [keras.Input((CLASSES,)), keras.layers.Dense(CLASSES, use_bias=False)]
    )
    model.layers[0].kernel.assign(np.eye(CLASSES))
    model.compile(keras.optimizers.SGD(0.0), loss_of("effective number"))
    values = _Values()
    model.fit(
        LOGITS,
        LABELS,
        batch_size=4,
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=[
            keras_ccar.CCARCallback(),
            keras_ccar.DeferredReweighting(1),
            values,
        ],
    )
    weight = WEIGHTINGS["effective number"][1][LABELS].reshape(-1, 4)
    losses = crossentropies().reshape(-1, 4)
    weighted = (weight * losses).sum(1) / weight.sum(1)
    np.testing.assert_allclose(
        values.losses, [losses.mean(), weighted.mean()], rtol=1e-5
    )


def test_saved_and_refused():
    loss = keras_ccar.ClassBalancedLoss(COUNTS, normalize="batch", from_logits=True)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(loss)
    )
    assert again.normalize == "batch"
    np.testing.assert_array_equal(
        numpy(again(LABELS, LOGITS)), numpy(loss(LABELS, LOGITS))
    )
    for wrong in ("epoch", "True", 1, None, ["batch"]):
        for make in (keras_ccar.CCARLoss, keras_ccar.BinaryFocalLoss):
            with pytest.raises(
                ValueError, match=r"`normalize` must be True, False or 'batch'\. Rec"
            ):
                make(class_counts=[5, 2], normalize=wrong)
