import copy
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from compiled import MODES, value_and_gradient
from keras import ops

import keras_ccar
from keras_ccar.keras_internals import METRICS_ADD_UP_OVER_REPLICAS, set_keras_mask

COUNTS = [30, 8, 2]
RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], COUNTS)
X = RNG.normal(size=(40, 5)).astype("float32")
LOGITS = RNG.normal(size=(40, 3)).astype("float32")
WEIGHTS = RNG.uniform(0.5, 2.0, 40).astype("float32")


@keras.saving.register_keras_serializable("tests_weighted_sum")
def squares(y_true, y_pred):
    """One value for each sample."""
    return ops.mean(ops.square(y_pred), axis=-1)


@keras.saving.register_keras_serializable("tests_weighted_sum")
def largest(y_true, y_pred):
    """One value for the batch."""
    return ops.max(y_pred)


@keras.saving.register_keras_serializable("tests_weighted_sum")
class Largest(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.max(y_pred)


def ccar(**arguments):
    return keras_ccar.CCARLoss(COUNTS, from_logits=True, **arguments)


def focal(**arguments):
    return keras_ccar.FocalLoss(from_logits=True, **arguments)


def keras_loss(**arguments):
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, **arguments)


def numpy(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize("weight", [None, WEIGHTS, WEIGHTS[:, None]])
def test_is_the_sum_of_its_parts(weight):
    parts = [(0.5, ccar()), (2, keras_loss()), (-0.25, focal(reduction="sum"))]
    value = keras_ccar.WeightedSum(parts)(LABELS, LOGITS, weight)
    expected = sum(w * numpy(part(LABELS, LOGITS, weight)) for w, part in parts)
    np.testing.assert_allclose(numpy(value), expected, rtol=1e-6)


@pytest.mark.parametrize("weight", [None, WEIGHTS])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean", None])
@pytest.mark.parametrize("make", [ccar, keras_loss, Largest])
def test_of_one_part_is_that_part(make, reduction, weight):
    part = make(reduction=reduction)
    value = keras_ccar.WeightedSum([(1, part)])(LABELS, LOGITS, weight)
    np.testing.assert_array_equal(numpy(value), numpy(part(LABELS, LOGITS, weight)))


@pytest.mark.parametrize("mode", MODES)
def test_values_and_gradients_in_compiled_steps(mode):
    loss = keras_ccar.WeightedSum([(1.0, ccar()), (3.0, squares)])
    value, gradient = value_and_gradient(lambda x: loss(LABELS, x), LOGITS, mode)
    own, own_gradient = value_and_gradient(lambda x: ccar()(LABELS, x), LOGITS, mode)
    squared = LOGITS.astype("float64") ** 2
    np.testing.assert_allclose(value, own + 3 * squared.mean(), rtol=1e-5)
    expected = own_gradient + 3 * 2 * LOGITS / LOGITS.size
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)


def test_functions_are_reduced_as_keras_reduces_them():
    per_sample = (LOGITS.astype("float64") ** 2).mean(axis=-1)
    for function, plain in ((squares, per_sample), (largest, LOGITS.max())):
        for weight, factor in ((None, 1.0), (WEIGHTS, WEIGHTS)):
            value = keras_ccar.WeightedSum([(1, function)])(LABELS, LOGITS, weight)
            np.testing.assert_allclose(numpy(value), np.mean(plain * factor), 1e-5)
            model = keras.Sequential([keras.Input((3,)), keras.layers.Identity()])
            model.compile(loss=function)
            alone = model.evaluate(
                LOGITS, LABELS, sample_weight=weight, batch_size=40, verbose=0
            )
            np.testing.assert_allclose(numpy(value), alone, rtol=1e-5)


@pytest.mark.parametrize("name", ["mse", "MeanSquaredError", "mean_squared_error"])
def test_names(name):
    one_hot = np.eye(3, dtype="float32")[LABELS]
    value = keras_ccar.WeightedSum([(2, name)])(one_hot, LOGITS)
    np.testing.assert_allclose(
        numpy(value), 2 * ((one_hot - LOGITS) ** 2).mean(), rtol=1e-5
    )


@pytest.mark.parametrize("weight", [None, WEIGHTS])
def test_a_mask_reaches_every_part(weight):
    is_unmasked = RNG.uniform(size=40) < 0.6
    parts = [keras_loss(), ccar(), keras_loss(reduction="sum"), squares]
    given = ops.convert_to_tensor(LOGITS)
    set_keras_mask(given, ops.convert_to_tensor(is_unmasked))
    sample_weight = None if weight is None else ops.convert_to_tensor(weight)
    value = keras_ccar.WeightedSum([(1, part) for part in parts])(
        LABELS, given, sample_weight
    )
    x, y = LOGITS[is_unmasked].astype("float64"), LABELS[is_unmasked]
    factor = 1 if weight is None else weight[is_unmasked]
    crossentropy = np.log(np.exp(x).sum(axis=-1)) - x[np.arange(len(y)), y]
    own = ccar(reduction=None)(y, x.astype("float32"))
    expected = [
        np.mean(crossentropy * factor),
        np.mean(numpy(own) * factor),
        np.sum(crossentropy * factor),
        np.mean((x**2).mean(axis=-1) * factor),
    ]
    np.testing.assert_allclose(numpy(value), sum(expected), rtol=1e-5)
    if weight is not None:  # On torch, Keras's own reduction would change it.
        np.testing.assert_array_equal(numpy(sample_weight), weight)


def test_ignored_classes_of_each_part():
    labels = np.where(np.arange(40) % 4 == 0, 255, LABELS)
    parts = [ccar(ignore_class=255), keras_loss(ignore_class=255)]
    value = keras_ccar.WeightedSum([(1, part) for part in parts])(labels, LOGITS)
    kept = labels != 255
    expected = sum(
        numpy(part(LABELS[kept], LOGITS[kept])) for part in (ccar(), keras_loss())
    )
    np.testing.assert_allclose(numpy(value), expected, rtol=1e-5)


def model(loss, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.5), loss, **options)
    return model


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_trains_and_is_followed(run_eagerly):
    weights = np.where(np.arange(40) % 5, 1.0, 0.0)
    histories, kernels = [], []
    for loss in (
        ccar(),
        keras_ccar.WeightedSum([(0.5, ccar()), (0.5, ccar(name="again"))]),
    ):
        trained = model(loss, run_eagerly=run_eagerly)
        callback = keras_ccar.CCARCallback()
        trained.fit(
            X,
            LABELS,
            sample_weight=weights,
            batch_size=16,
            epochs=2,
            shuffle=False,
            callbacks=[callback],
            verbose=0,
        )
        kernels.append(trained.get_weights()[0])
        histories.append(callback.history)
    np.testing.assert_allclose(kernels[0], kernels[1], rtol=1e-4, atol=1e-6)
    for alone, summed in zip(*histories, strict=True):
        assert summed.keys() == {"ccar", "again"}
        for part in summed.values():
            np.testing.assert_allclose(part["mean_weight"], alone["mean_weight"], 1e-4)
            counted = np.bincount(LABELS[weights > 0])
            assert part["count"].tolist() == counted.tolist()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
def test_saves_and_reloads(tmp_path, suffix):
    loss = keras_ccar.WeightedSum(
        [
            (0.5, squares),
            (1.0, ccar(pivot=0.6)),
            (2, "sparse_categorical_crossentropy"),
            (-0.1, keras_ccar.WeightedSum([(1.0, largest), (3.0, keras_loss())])),
        ],
        name="mine",
    )
    trained = model(loss)
    if suffix == ".keras":
        callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)
        trained.fit(X[:20], LABELS[:20], callbacks=[callback], verbose=0)
    trained.save(tmp_path / f"model{suffix}")
    loaded = keras.models.load_model(tmp_path / f"model{suffix}")
    assert isinstance(loaded.loss, keras_ccar.WeightedSum)
    assert loaded.loss.name == "mine"
    np.testing.assert_allclose(
        loaded.evaluate(X, LABELS, verbose=0),
        trained.evaluate(X, LABELS, verbose=0),
        rtol=1e-6,
    )


def test_configuration_is_plain_json():
    loss = keras_ccar.WeightedSum([(0.5, squares), (1, ccar()), (2, "mse")], "total")
    config = json.loads(json.dumps(loss.get_config()))
    again = keras_ccar.WeightedSum.from_config(config)
    assert again.get_config() == config
    assert [weight for weight, _ in again.losses] == [0.5, 1.0, 2.0]
    one_hot = np.eye(3, dtype="float32")[LABELS]
    value = numpy(loss(one_hot, LOGITS))
    np.testing.assert_array_equal(numpy(again(one_hot, LOGITS)), value)


def test_copies_are_independent():
    with pytest.warns(UserWarning, match=r"`losses\[0\]\[1\]` cannot be loaded"):
        loss = keras_ccar.WeightedSum([(1.0, lambda t, p: p[..., 0]), (1.0, ccar())])
    value = numpy(loss(LABELS, LOGITS))
    copied = copy.deepcopy(loss)
    assert copied.losses[1][1] is not loss.losses[1][1]
    copied.losses[1][1].set_class_frequency([0.2, 0.3, 0.5])
    assert numpy(copied(LABELS, LOGITS)) != value
    np.testing.assert_array_equal(numpy(loss(LABELS, LOGITS)), value)
    np.testing.assert_array_equal(numpy(copy.copy(loss)(LABELS, LOGITS)), value)


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([], r"`losses` must be a list of pairs.*Received: losses=\[\]"),
        (None, "`losses` must be a list of pairs"),
        ({"a": 1.0}, "`losses` must be a list of pairs"),
        (ccar(), "`losses` must be a list of pairs"),
        ([ccar()], r"`losses\[0\]` must be a pair"),
        ([(1.0, ccar()), (1.0,)], r"`losses\[1\]` must be a pair"),
        ([(ccar(), 1.0)], r"`losses\[0\]\[0\]` must be the weight"),
        ([("1", ccar())], r"`losses\[0\]\[0\]` .*Received: losses\[0\]\[0\]='1'"),
        ([(True, ccar())], r"`losses\[0\]\[0\]`"),
        ([(float("nan"), ccar())], r"`losses\[0\]\[0\]` .*finite.*nan"),
        ([(float("inf"), ccar())], r"`losses\[0\]\[0\]` .*finite"),
        ([(1.0, "not_a_loss")], r"`losses\[0\]\[1\]` must be an instance.*not_a_loss"),
        ([(1.0, keras_ccar.CCARLoss)], r"`losses\[0\]\[1\]` must be an instance"),
        ([(1.0, 2.0)], r"`losses\[0\]\[1\]`"),
        ([(1.0, None)], r"`losses\[0\]\[1\]`"),
        ([(1.0, ccar().get_config())], r"`losses\[0\]\[1\]`"),
    ],
)
def test_wrong_losses(losses, message):
    with pytest.raises(ValueError, match=message) as error:
        keras_ccar.WeightedSum(losses)
    assert "`keras_ccar.WeightedSum([(1.0, dice), (1.0, " in str(error.value)


def test_parts_that_reduce_to_different_shapes():
    loss = keras_ccar.WeightedSum([(1.0, ccar()), (1.0, focal(reduction=None))])
    with pytest.raises(ValueError, match="`losses` must reduce to the same shape"):
        loss(LABELS, LOGITS)


def test_errors_of_parts_arrive():
    loss = keras_ccar.WeightedSum([(1.0, ccar()), (1.0, squares)])
    with pytest.raises(ValueError, match="`y_true` must hold integer labels"):
        loss(LABELS + 1, LOGITS)


REPLICAS = """
import sys
import keras
import numpy as np
import tensorflow as tf
import keras_ccar

cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
rng = np.random.default_rng(0)
x, labels = rng.normal(size=(40, 5)).astype("float32"), np.repeat([0, 1, 2], [30, 8, 2])


@keras.saving.register_keras_serializable("tests")
def per_sample(y_true, y_pred):
    return keras.ops.mean(y_pred**2, axis=-1)


@keras.saving.register_keras_serializable("tests")
def one_number(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_pred))


@keras.saving.register_keras_serializable("tests")
class OneNumber(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return one_number(y_true, y_pred)


def trained(strategy, weighted):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
        ccar = keras_ccar.CCARLoss([30, 8, 2], from_logits=True)
        loss = keras_ccar.WeightedSum(
            [(2, per_sample), (3, one_number), (0.5, OneNumber()), (1, ccar)]
        )
        model.compile(keras.optimizers.SGD(0.5), loss)
    callback = keras_ccar.CCARCallback()
    history = model.fit(
        x,
        labels,
        # One number for the batch is the mean of those of the replicas only if their
        # weights have the same mean.
        sample_weight=np.tile([0.5, 2.0], 20) if weighted else None,
        batch_size=20,
        epochs=2,
        shuffle=False,
        callbacks=[callback],
        verbose=0,
    )
    assert callback.statistics()["count"].tolist() == [30, 8, 2]
    return [*model.get_weights(), history.history["loss"]]


mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for weighted in (False, True):
    one = trained(tf.distribute.OneDeviceStrategy("CPU:0"), weighted)
    both = trained(mirrored, weighted)
    for expected, actual in zip(one, both, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
"""


@pytest.mark.slow
@pytest.mark.tensorflow_only
@pytest.mark.skipif(
    not METRICS_ADD_UP_OVER_REPLICAS, reason="this Keras does not add up metrics"
)
def test_replicas_give_what_one_device_gives():
    # Virtual devices have to be made before TensorFlow starts.
    subprocess.run([sys.executable, "-c", REPLICAS], check=True)
