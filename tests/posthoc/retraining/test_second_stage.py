"""The second stage of training, against float64 numpy of the papers' formulas."""

import contextlib
import io
import warnings

import keras
import numpy as np
import pytest
from keras import layers

import keras_ccar
from keras_ccar.adjustments import LabelAwareSmoothing
from keras_ccar.datasets.samplers import class_balanced
from keras_ccar.keras_internals import all_layers
from keras_ccar.layers import CostSensitiveDecision, LogitCorrection
from keras_ccar.posthoc.composition import chain
from keras_ccar.posthoc.prior.logit_correction import tune_logit_correction
from keras_ccar.posthoc.retraining.second_stage import retrain_classifier

RNG = np.random.default_rng(0)
COUNTS = [200, 40, 12]
CENTRES = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -0.4]])


def examples(counts, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    x = CENTRES[y] + rng.normal(scale=0.7, size=(len(y), 2))
    order = rng.permutation(len(y))
    return x[order].astype("float32"), y[order]


X, Y = examples(COUNTS)


def network(*last, name="scores", dense=None):
    return keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(8, activation="relu", name="body"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.5, name="drop"),
            dense or layers.Dense(3, name=name),
            *last,
        ]
    )


def trained(*last, **arguments):
    """A network with weights that are not those of the beginning."""
    model = network(*last, **arguments)
    rng = np.random.default_rng(1)
    model.set_weights([np.abs(rng.normal(size=w.shape)) for w in model.get_weights()])
    return model


def numpy_features(model, x):
    """Dense, ReLU and batch normalisation in inference mode."""
    kernel, bias, gamma, beta, mean, variance = (
        w.astype("float64") for w in model.get_weights()[:6]
    )
    hidden = np.maximum(x @ kernel + bias, 0)
    return gamma * (hidden - mean) / np.sqrt(variance + 1e-3) + beta


def softmax(z):
    powers = np.exp(z - z.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def compile_state_of(model):
    variables = [
        keras.ops.convert_to_numpy(variable).tobytes()
        for variable in model.optimizer.variables
    ]
    return id(model.optimizer), id(model.loss), variables


def state_of(model):
    """All that must stay as it is."""
    return (
        [w.tobytes() for w in model.get_weights()],
        [layer.trainable for layer in all_layers(model)],
        [variable.trainable for variable in model.variables],
        compile_state_of(model) if model.compiled else None,
    )


def balanced_accuracy(model, counts=(300, 300, 300)):
    x, y = examples(counts, seed=9)
    return (model.predict(x, verbose=0).argmax(-1) == y).mean()


@pytest.mark.parametrize("tau", [0, 0.5, 1, 2])
def test_tau_norm(tau):
    model = trained(layers.Softmax())
    new = retrain_classifier(model, None, COUNTS, "tau-norm", tau)
    kernel = model.get_layer("scores").get_weights()[0].astype("float64")
    expected = np.zeros_like(kernel)
    for k in range(3):
        expected[:, k] = kernel[:, k] / np.linalg.norm(kernel[:, k]) ** tau
    found, bias = new.get_layer("scores").get_weights()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_array_equal(bias, 0)
    probabilities = softmax(numpy_features(model, X) @ expected)
    np.testing.assert_allclose(new.predict(X, verbose=0), probabilities, atol=1e-5)


def test_tau_norm_of_a_convolution_and_of_weights_of_0():
    model = keras.Sequential(
        [keras.Input((4, 4, 2)), layers.Conv2D(3, 1, use_bias=False, name="scores")]
    )
    kernel = RNG.normal(size=(1, 1, 2, 3))
    kernel[..., 1] = 0
    model.set_weights([kernel])
    new = retrain_classifier(model, None, COUNTS, "tau-norm")
    expected = kernel.copy()
    for k in (0, 2):
        expected[..., k] /= np.sqrt((kernel[..., k] ** 2).sum())
    np.testing.assert_allclose(new.get_weights()[0], expected, rtol=1e-6)


def test_lws_multiplies_kernel_and_bias_by_one_factor_for_each_class():
    model = trained(dense=layers.Dense(3, activation="softmax", name="scores"))
    new = retrain_classifier(
        model, (X, Y), COUNTS, "lws", epochs=3, batch_size=32, seed=1
    )
    kernel, bias = model.get_layer("scores").get_weights()
    new_kernel, new_bias = new.get_layer("scores").get_weights()
    scales = new_bias / bias
    assert (np.abs(scales - 1) > 0.01).all()
    np.testing.assert_allclose(new_kernel, kernel * scales, rtol=1e-5)
    # The logits of the new model are those of the old one, scaled.
    logits = numpy_features(model, X) @ kernel.astype("float64") + bias
    probabilities = softmax(logits * scales)
    np.testing.assert_allclose(new.predict(X, verbose=0), probabilities, atol=1e-5)


def test_lws_turns_no_class_round():
    """With logits that point away from their classes, it would pay."""
    model = trained(dense=layers.Dense(3, name="scores"))
    kernel, bias = model.get_layer("scores").get_weights()
    turned = np.array([-1.0, 1.0, 1.0], "float32")
    model.get_layer("scores").set_weights([kernel * turned, bias * turned])
    new = retrain_classifier(
        model,
        (X, Y),
        COUNTS,
        "lws",
        epochs=20,
        batch_size=32,
        optimizer=keras.optimizers.SGD(0.1),
    )
    new_kernel = new.get_layer("scores").get_weights()[0]
    along = (new_kernel * kernel * turned).sum(axis=0)
    assert (along >= 0).all()
    assert (along == 0).any()


def test_lws_takes_the_steps_of_gradient_descent():
    """One class of one example: every batch is known."""
    model = trained()
    x, y = X[:1].repeat(2, axis=0), np.array([0, 1])
    new = retrain_classifier(
        model,
        (x, y),
        [1, 1, 0],
        "lws",
        epochs=3,
        optimizer=keras.optimizers.SGD(0.1),
    )
    kernel, bias = (
        w.astype("float64") for w in model.get_layer("scores").get_weights()
    )
    logits = numpy_features(model, x) @ kernel + bias
    scales = np.ones(3)
    for _ in range(3):
        errors = softmax(logits * scales) - np.eye(3)[y]
        scales -= 0.1 * (errors * logits).mean(0)
    found = new.get_layer("scores").get_weights()[1] / bias
    np.testing.assert_allclose(found, scales, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("method", ["crt", "lws", "tau-norm"])
def test_the_original_stays_as_it_is(method, compiled):
    model = trained(layers.Softmax())
    model.get_layer("body").trainable = False
    if compiled:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(X, Y, verbose=0)
    before, config = state_of(model), model.get_config()
    new = retrain_classifier(model, (X, Y), COUNTS, method, epochs=1)
    assert state_of(model) == before
    assert model.get_config() == config
    # The new one shares nothing with it.
    assert not {id(v) for v in model.variables} & {id(v) for v in new.variables}
    assert [layer.trainable for layer in all_layers(new)] == before[1]
    for name in ("body", "norm"):
        for old, found in zip(
            model.get_layer(name).get_weights(),
            new.get_layer(name).get_weights(),
            strict=True,
        ):
            assert old.tobytes() == found.tobytes()
    new.fit(X, Y, verbose=0)
    assert [w.tobytes() for w in model.get_weights()] == before[0]


@pytest.mark.slow
def test_crt_beats_crossentropy_on_every_class():
    model = network(layers.Softmax())
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=10, batch_size=64, verbose=0)
    new = retrain_classifier(model, (X, Y), COUNTS, epochs=10, batch_size=32)
    assert balanced_accuracy(new) > balanced_accuracy(model) + 0.05


def test_crt_begins_anew_and_is_reproducible():
    model = trained()
    arguments = {"epochs": 2, "batch_size": 32, "optimizer": keras.optimizers.SGD(0.0)}
    heads = [
        retrain_classifier(model, (X, Y), COUNTS, seed=seed, **arguments).get_layer(
            "scores"
        )
        for seed in (0, 0, 1)
    ]
    kernels = [head.get_weights()[0] for head in heads]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.allclose(kernels[0], kernels[2])
    assert not np.allclose(kernels[0], model.get_layer("scores").get_weights()[0])
    assert arguments["optimizer"].iterations == 0


def test_crt_draws_every_class_equally_often():
    if keras.config.backend() != "torch":
        pytest.skip("only torch runs the step eagerly")
    model = keras.Sequential([keras.Input((1,)), layers.Dense(3, name="scores")])
    drawn = []

    def loss(labels, logits):
        drawn.append(keras.ops.convert_to_numpy(labels).ravel())
        return keras.ops.sum(logits, axis=-1)

    y = np.repeat([0, 1, 2], [40, 16, 4])
    retrain_classifier(
        model, (np.ones((60, 1)), y), [40, 16, 4], epochs=2, batch_size=10, loss=loss
    )
    # Keras calls the loss once more, to build the model.
    counted = np.bincount(np.concatenate(drawn[-12:]).astype(int))
    assert counted.tolist() == [40, 40, 40]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["crt", "lws", "tau-norm"])
def test_saves_loads_and_continues(method, tmp_path):
    model = trained(layers.Softmax())
    model.compile(
        keras.optimizers.Adam(0.003),
        keras_ccar.CCARLoss(COUNTS),
        metrics=[keras_ccar.BalancedAccuracy(3)],
    )
    new = retrain_classifier(model, (X, Y), COUNTS, method, epochs=1)
    assert isinstance(new.loss, keras_ccar.CCARLoss)
    assert new.loss is not model.loss
    assert isinstance(new.optimizer, keras.optimizers.Adam)
    assert float(new.optimizer.learning_rate) == pytest.approx(0.003)
    new.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        loaded.predict(X, verbose=0), new.predict(X, verbose=0), atol=1e-6
    )
    before = loaded.get_layer("body").get_weights()[0]
    loaded.fit(X, Y, verbose=0)
    assert not np.array_equal(loaded.get_layer("body").get_weights()[0], before)


def saved_and_loaded(model, folder):
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


def assert_second_correction_is_told(model, words, advice):
    with pytest.warns(UserWarning, match=f"{words}.*{advice}"):
        chain(model, LogitCorrection(COUNTS))
    with pytest.raises(ValueError, match=words + ".*`adjusted=True`"):
        tune_logit_correction(model, (X, Y), COUNTS)


@pytest.mark.slow
@pytest.mark.parametrize("is_saved", [False, True])
@pytest.mark.parametrize("method", ["crt", "lws"])
def test_a_second_correction_is_warned_of(method, is_saved, tmp_path):
    model = trained()
    # The head fits balanced draws, whatever the weights of the loss of the whole are.
    model.compile("adam", keras_ccar.ClassBalancedLoss(COUNTS, from_logits=True))
    new = retrain_classifier(model, (X, Y), COUNTS, method, epochs=1)
    new = retrain_classifier(new, (X, Y), COUNTS, method, epochs=1)
    assert new.optimizer.name.count("_after_balanced_draws") == 1
    new = saved_and_loaded(new, tmp_path) if is_saved else new
    words = "given a classifier by `retrain_classifier`, which balances its classes"
    assert_second_correction_is_told(new, words, r"`trained_prior=\"balanced\"`")
    with pytest.warns(UserWarning, match=f"{words}.*not those of the data"):
        chain(new, CostSensitiveDecision(1 - np.eye(3)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        chain(new, LogitCorrection(COUNTS, trained_prior="balanced"))
        tuned = tune_logit_correction(new, (X, Y), COUNTS, adjusted=True)
        chain(new, tuned)


@pytest.mark.parametrize("is_saved", [False, True])
def test_a_whole_correction_of_a_normalised_head_is_warned_of(is_saved, tmp_path):
    new = retrain_classifier(trained(), None, COUNTS, "tau-norm")
    new = retrain_classifier(new, None, COUNTS, "tau-norm")
    assert new.optimizer.name.count("_after_") == 1
    new = saved_and_loaded(new, tmp_path) if is_saved else new
    words = "which normalises the weights of its classes"
    assert_second_correction_is_told(new, words, r"adjusted=True\)`; for a target")
    mean = new.predict(X, verbose=0)
    mean = softmax(mean.astype("float64")).mean(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        chain(new, tune_logit_correction(new, (X, Y), COUNTS, adjusted=True))
        chain(new, LogitCorrection(COUNTS, trained_prior=mean))


def test_the_mark_that_counts():
    plain = retrain_classifier(trained(), None, COUNTS, "tau-norm", tau=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        chain(plain, LogitCorrection(COUNTS))
    normalised = retrain_classifier(plain, None, COUNTS, "tau-norm")
    drawn = retrain_classifier(normalised, (X, Y), COUNTS, epochs=1)
    again = retrain_classifier(drawn, None, COUNTS, "tau-norm")
    for model in (drawn, again):
        with pytest.warns(UserWarning, match="which balances its classes"):
            chain(model, LogitCorrection(COUNTS))


@pytest.mark.tensorflow_only
def test_exports(tmp_path):
    new = retrain_classifier(trained(), (X, Y), COUNTS, epochs=1)
    from keras_ccar import serving

    with contextlib.redirect_stdout(io.StringIO()):
        serving.export(new, tmp_path / "served")
    assert (tmp_path / "served").exists()


def test_an_uncompiled_model_gets_a_plain_crossentropy():
    new = retrain_classifier(trained(layers.Softmax()), (X, Y), COUNTS, epochs=1)
    assert isinstance(new.loss, keras_ccar.LongTailedCrossentropy)
    assert new.loss.from_logits is False
    assert np.isfinite(new.evaluate(X, Y, verbose=0))


def test_what_cannot_be_compiled_anew_is_said():
    model = trained()

    class Own(keras.losses.Loss):
        def __init__(self, factor):
            super().__init__()

        def call(self, y_true, y_pred):
            return keras.ops.mean(y_pred, axis=-1)

    model.compile("sgd", Own(2.0))
    with pytest.warns(UserWarning, match="plain cross-entropy"):
        retrain_classifier(model, None, COUNTS, "tau-norm")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["crt", "lws", "tau-norm"])
def test_head_in_a_model_in_a_model(method, tmp_path):
    inner = trained()
    inner.trainable = False
    inputs = keras.Input((2,))
    model = keras.Model(inputs, layers.Softmax()(inner(layers.Rescaling(2.0)(inputs))))
    before = state_of(model)
    new = retrain_classifier(model, (X / 2, Y), COUNTS, method, epochs=1)
    assert state_of(model) == before
    flat = trained(layers.Softmax())
    expected = retrain_classifier(flat, (X, Y), COUNTS, method, epochs=1)
    np.testing.assert_allclose(
        new.predict(X / 2, verbose=0), expected.predict(X, verbose=0), atol=1e-4
    )
    new.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        loaded.predict(X, verbose=0), new.predict(X, verbose=0), atol=1e-5
    )


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        part = slice(index * 63, (index + 1) * 63)
        return X[part], np.eye(3)[Y[part]]


@pytest.mark.slow
def test_any_data():
    expected = retrain_classifier(trained(), (X, Y), COUNTS, epochs=1).get_weights()
    batches = [(X[i : i + 50], Y[i : i + 50]) for i in range(0, len(X), 50)]
    for data in (iter(batches), Batches(), (X, Y[:, None])):
        found = retrain_classifier(trained(), data, COUNTS, epochs=1).get_weights()
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.slow
def test_sample_weights_count_within_a_class():
    """One step of the whole data, with the gradient in numpy."""
    rng = np.random.default_rng(3)
    weights = rng.uniform(0.1, 4, len(Y)) * np.array([1, 5, 20])[Y]
    model = trained()

    def head_after(rate, given):
        new = retrain_classifier(
            model,
            (X, Y, given),
            COUNTS,
            epochs=1,
            batch_size=len(Y),
            optimizer=keras.optimizers.SGD(rate),
        )
        return [w.astype("float64") for w in new.get_layer("scores").get_weights()]

    (kernel, bias), (found, found_bias) = (head_after(r, weights) for r in (0.0, 0.5))
    drawn, _ = class_balanced((np.arange(len(Y)), Y), COUNTS, 1, seed=0)
    drawn = np.asarray(drawn)[: len(Y)]
    relative = weights / np.array([weights[k == Y].mean() for k in range(3)])[Y]
    features = numpy_features(model, X)
    errors = softmax(features @ kernel + bias) - np.eye(3)[Y]
    rows = relative[drawn, None] * errors[drawn] / len(Y)
    step = 0.5 * features[drawn].T @ rows
    np.testing.assert_allclose(found, kernel - step, atol=1e-4)
    np.testing.assert_allclose(found_bias, bias - 0.5 * rows.sum(0), atol=1e-4)
    # Weights of whole classes change nothing: the draws are balanced already.
    by_class = head_after(0.5, np.array([1.0, 5.0, 20.0])[Y])
    plain = head_after(0.5, np.ones(len(Y)))
    np.testing.assert_array_equal(by_class[0], plain[0])


@pytest.mark.parametrize("weights", [np.full(len(Y), -0.5), np.ones(len(Y) - 1)])
def test_wrong_sample_weights(weights):
    with pytest.raises(ValueError, match=r"`data` must have .*sample weight") as raised:
        retrain_classifier(trained(), (X, Y, weights), COUNTS, epochs=1)
    assert len(str(raised.value)) < 200


@pytest.mark.slow
def test_ignored_and_masked_examples():
    expected = retrain_classifier(trained(), (X, Y), COUNTS, epochs=1).get_weights()
    more_x = np.concatenate([X, X[:5]])
    labels = np.concatenate([Y, np.full(5, 255)])
    weights = np.repeat([1, 0], [len(X), 5])
    for data, ignored in (
        ((more_x, labels), 255),
        ((more_x, np.concatenate([Y, Y[:5]]), weights), None),
    ):
        found = retrain_classifier(
            trained(), data, COUNTS, epochs=1, ignore_class=ignored
        ).get_weights()
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("value", [-1, float("nan")])
def test_missing_answers_of_one_label_are_left_out(value):
    labels = (Y == 0).astype("float32")
    counts = [int((labels == 0).sum()), int((labels == 1).sum())]
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    expected = retrain_classifier(model, (X, labels), counts, epochs=1).get_weights()
    more = (np.concatenate([X, X[:5]]), np.append(labels, [value] * 5))
    with pytest.raises(ValueError, match="left out by `ignore_value`"):
        retrain_classifier(model, more, counts, epochs=1)
    found = retrain_classifier(model, more, counts, epochs=1, ignore_value=value)
    for one, other in zip(found.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("method", ["crt", "lws"])
def test_segmentation(method):
    model = keras.Sequential(
        [
            keras.Input((4, 4, 2)),
            layers.Conv2D(3, 1, name="scores"),
            layers.Softmax(),
        ]
    )
    x = X[:96].reshape(6, 4, 4, 2)
    y = Y[:96].reshape(6, 4, 4)
    new = retrain_classifier(model, (x, y), np.bincount(Y[:96]), method, epochs=1)
    # The same as of single pixels.
    flat = keras.Sequential([keras.Input((2,)), layers.Dense(3, name="scores")])
    kernel, bias = model.get_weights()
    flat.set_weights([kernel[0, 0], bias])
    expected = retrain_classifier(
        flat, (X[:96], Y[:96]), np.bincount(Y[:96]), method, epochs=1
    )
    for one, other in zip(new.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one.reshape(other.shape), other, atol=1e-4)


def test_one_yes_or_no_label():
    y = (Y == 2).astype(int)
    model = trained(dense=layers.Dense(1, activation="sigmoid", name="scores"))
    new = retrain_classifier(model, (X, y), [240, 12], epochs=20, batch_size=32)
    says_yes = new.predict(X, verbose=0)[:, 0] > 0.5
    assert says_yes[y == 1].mean() > 0.7
    assert says_yes[y == 0].mean() < 0.4


@pytest.mark.slow
def test_label_aware_smoothing_reaches_the_loss():
    arguments = {"epochs": 1, "batch_size": 32}
    plain = retrain_classifier(trained(), (X, Y), COUNTS, **arguments)
    smoothing = LabelAwareSmoothing(0.4, 0.1)
    smooth = retrain_classifier(
        trained(), (X, Y), COUNTS, label_smoothing=smoothing, **arguments
    )
    own = keras_ccar.LongTailedCrossentropy(
        COUNTS, from_logits=True, label_smoothing=smoothing
    )
    same = retrain_classifier(trained(), (X, Y), COUNTS, loss=own, **arguments)
    kernels = [m.get_layer("scores").get_weights()[0] for m in (plain, smooth, same)]
    assert not np.allclose(kernels[0], kernels[1])
    np.testing.assert_allclose(kernels[1], kernels[2], atol=1e-6)


def test_head_by_name():
    model = trained(layers.Rescaling(2.0))
    with pytest.raises(ValueError, match="as `head=`"):
        retrain_classifier(model, None, COUNTS, "tau-norm")
    new = retrain_classifier(model, None, COUNTS, "tau-norm", head="scores")
    kernel = new.get_layer("scores").get_weights()[0]
    np.testing.assert_allclose(np.linalg.norm(kernel, axis=0), 1, rtol=1e-6)


class Unregistered(layers.Layer):
    def call(self, inputs):
        return inputs + 1


@pytest.mark.slow
def test_own_code_is_copied():
    def own(y_true, y_pred):
        return keras.ops.mean(y_pred, axis=-1)

    inner = keras.Sequential([keras.Input((2,)), Unregistered()])
    model = keras.Sequential(
        [keras.Input((2,)), layers.Lambda(lambda x: 2 * x), inner, layers.Dense(3)]
    )
    model.compile("sgd", own, metrics=[own])
    new = retrain_classifier(model, (X, Y), COUNTS, epochs=1)
    assert new.loss is own
    assert new.evaluate(X, Y, verbose=0)[0] == pytest.approx(
        new.predict(X, verbose=0).mean(), rel=1e-4, abs=1e-5
    )
    new = retrain_classifier(model, (X, Y), COUNTS, epochs=1)
    assert new.predict(X, verbose=0).shape == (len(X), 3)


CORRECTION = keras_ccar.LogitCorrection(COUNTS)
REFUSED = {
    "method": ({"method": "other"}, "`method` must be one of"),
    "epochs": ({"epochs": 0}, "`epochs` must be"),
    "batch size": ({"batch_size": 0}, "`batch_size` must be"),
    "tau": ({"tau": -1}, "`tau` must be"),
    "optimizer": ({"optimizer": "unknown"}, "`optimizer` must be"),
    "optimizer of another type": ({"optimizer": 3}, "`optimizer` must be"),
    "seed": ({"seed": -1}, "`seed` must be"),
    "verbose": ({"verbose": 3}, "`verbose` must be"),
    "loss": ({"loss": "mse"}, "`loss` must be"),
    "loss of probabilities": (
        {"loss": keras_ccar.CCARLoss(COUNTS)},
        "`from_logits=True`",
    ),
    "smoothing": ({"label_smoothing": 2}, "`label_smoothing` must be"),
    "smoothing and loss": (
        {"label_smoothing": 0.1, "loss": keras_ccar.CCARLoss(COUNTS, from_logits=True)},
        "`label_smoothing` must be 0 where `loss` is given",
    ),
    "counts": ({"class_counts": [3, 2]}, "`class_counts` must have one entry"),
    "labels": (
        {"class_counts": [[9, 1]] * 3},
        "several|labels, which no draw",
    ),
    "no labels": ({"data": (X,)}, "data with labels"),
    "a missing class": ({"data": (X[:50], 0 * Y[:50])}, "every class"),
    "no data": ({"data": None}, "`data` must be"),
    "empty": ({"data": (X[:0], Y[:0])}, "`data` must hold examples"),
    "diverging": (
        {"optimizer": keras.optimizers.SGD(1e38), "batch_size": 32},
        "diverge",
    ),
    "correction": ({"model": trained(CORRECTION)}, "without a correction"),
    "activation": (
        {"model": trained(dense=layers.Dense(3, activation="relu"))},
        "logits or probabilities",
    ),
    "cosines": (
        {
            "model": trained(dense=keras_ccar.layers.CosineHead(3)),
            "method": "lws",
        },
        "CosineHead",
    ),
    "one label": (
        {
            "model": trained(dense=layers.Dense(1)),
            "class_counts": [9, 1],
            "method": "lws",
        },
        "'crt' for one yes-or-no label",
    ),
    "model": ({"model": "model"}, "`model` must be a keras.Model"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_errors(name):
    arguments, message = REFUSED[name]
    given = {"model": trained(), "data": (X, Y), "class_counts": COUNTS, "epochs": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of the diverging one
        with pytest.raises(ValueError, match=message):
            retrain_classifier(**{**given, **arguments})


def test_the_models_that_chain_returns():
    model = trained()
    model.get_layer("body").trainable = False
    expected = retrain_classifier(model, None, COUNTS, method="tau-norm")
    for whole in (chain(model), chain(chain(model))):
        found = retrain_classifier(whole, None, COUNTS, method="tau-norm")
        np.testing.assert_allclose(
            found.predict(X, verbose=0), expected.predict(X, verbose=0), rtol=1e-5
        )
        layers_of = {layer.name: layer for layer in all_layers(found)}
        assert not layers_of["body"].trainable
        assert layers_of["norm"].trainable
    for method in ("crt", "lws", "tau-norm"):
        for whole in (chain(model, CORRECTION), chain(chain(model), CORRECTION)):
            for head in (None, "scores"):
                with pytest.raises(ValueError, match=r"must end without a correction"):
                    retrain_classifier(whole, (X, Y), COUNTS, method, head=head)
