"""What a Keras mask leaves out does not count after training either."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_ccar.keras_internals import set_keras_mask
from keras_ccar.posthoc import chain, estimate_prior, evaluate_classes
from keras_ccar.posthoc import retrain_classifier as retrain
from keras_ccar.posthoc.data.masks import OutputMask
from keras_ccar.posthoc.data.predictions import predict

RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(1, 6, 40)
IS_REAL = np.arange(6) < LENGTHS[:, None]
LABELS = RNG.choice(3, IS_REAL.shape, p=[0.6, 0.3, 0.1])
# Tokens from 1 to 9 tell the class, mostly; 0 is padding.
SEEN = np.where(RNG.random(IS_REAL.shape) < 0.3, RNG.integers(0, 3, (40, 6)), LABELS)
X = np.where(IS_REAL, 1 + 3 * SEEN + RNG.integers(0, 3, IS_REAL.shape), 0)
PADDED = np.where(IS_REAL, LABELS, -1)


class OwnModel(keras.Model):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


class OwnMasking(keras.layers.Layer):
    def compute_mask(self, inputs, previous_mask=None):
        return ops.any(inputs != 0, axis=-1)

    def call(self, inputs):
        return inputs * 1.0


def tagger(activation=None, units=3):
    inputs = keras.Input((6,), dtype="int32")
    embedded = keras.layers.Embedding(10, 8, mask_zero=True)(inputs)
    return keras.Model(inputs, keras.layers.Dense(units, activation)(embedded))


def of_vectors(layer):
    inputs = keras.Input((6, 10))
    return keras.Model(inputs, keras.layers.Dense(3)(layer(inputs)))


def sequential():
    layers = [keras.layers.Embedding(10, 8, mask_zero=True), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((6,), dtype="int32"), *layers])


def in_a_model():
    inputs, inner = keras.Input((6,), dtype="int32"), tagger()
    return keras.Model(inputs, keras.layers.Activation("linear")(inner(inputs)))


ONE_HOT = np.eye(10, dtype="float32")[X] * IS_REAL[..., None]
MODELS = {
    "Functional": (tagger, X),
    "Sequential": (sequential, X),
    "in a model": (in_a_model, X),
    "own model": (lambda: OwnModel(tagger()), X),
    "Masking": (lambda: of_vectors(keras.layers.Masking()), ONE_HOT),
    "own layer": (lambda: of_vectors(OwnMasking()), ONE_HOT),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("batched", [False, True])
def test_padding_does_not_count(name, batched):
    build, x = MODELS[name]
    model = build()
    z = model.predict(x, verbose=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss)
    weights = RNG.integers(0, 2, IS_REAL.shape)
    kept = IS_REAL & (weights == 1)
    parts = (x, LABELS, weights)
    data = iter([[p[:15] for p in parts], [p[15:] for p in parts]])
    found = predict(model, data if batched else parts)
    np.testing.assert_allclose(found.logits, z[kept], atol=1e-5)
    np.testing.assert_array_equal(found.labels, LABELS[kept])
    for labels in (PADDED, PADDED[..., None], np.eye(4)[PADDED][..., :3]):
        found = predict(model, (x, labels))
        np.testing.assert_allclose(found.logits, z[IS_REAL], atol=1e-5)
        np.testing.assert_array_equal(found.labels, LABELS[IS_REAL])


def test_measures_as_keras_does():
    model = tagger()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, weighted_metrics=["accuracy"])
    # The metrics of Keras 3.8 see the mask only where weights are given.
    ones = np.ones(IS_REAL.shape)
    expected = model.evaluate(X, LABELS, 40, 0, ones, return_dict=True)
    report = evaluate_classes(model, (X, LABELS), resamples=2)
    assert report.totals.loc["accuracy", "value"] == pytest.approx(expected["accuracy"])
    assert report.totals.loc["log_loss", "value"] == pytest.approx(
        expected["loss"], rel=1e-5
    )
    counts = np.bincount(LABELS[IS_REAL])
    assert report.classes["support"].tolist() == counts.tolist()


def test_labels_and_corrected_models():
    model = chain(tagger("sigmoid"), keras.layers.Activation("linear"))
    answers = np.eye(3)[LABELS]
    found = predict(model, (X, np.where(IS_REAL[..., None], answers, np.nan)))
    np.testing.assert_array_equal(found.labels, answers[IS_REAL])
    one = tagger("sigmoid", 1)
    for given in (LABELS == 0, (LABELS == 0)[..., None]):
        found = predict(one, (X, given))
        np.testing.assert_array_equal(found.labels[:, 0], LABELS[IS_REAL] == 0)


def test_the_rows_of_a_map():
    """A mask of fewer axes than the output holds for all behind them."""
    inputs = keras.Input((6, 10))
    masked = keras.layers.Masking()(inputs)
    wide = keras.layers.Dense(6)(masked)
    model = OwnModel(keras.Model(inputs, wide))

    class Maps(keras.Model):
        def call(self, x):
            z = model(x)
            found = ops.reshape(z, (-1, 6, 2, 3))
            set_keras_mask(found, ops.any(x != 0, axis=-1))
            return found

    labels = RNG.integers(0, 3, (40, 6, 2))
    found = predict(Maps(), (ONE_HOT, labels), from_logits=True)
    np.testing.assert_array_equal(found.labels, labels[IS_REAL].ravel())


def test_a_mask_of_another_shape():
    class Wrong(keras.layers.Layer):
        def compute_mask(self, inputs, previous_mask=None):
            return ops.zeros_like(inputs[:, :4], dtype="bool")

        def call(self, inputs):
            return ops.cast(ops.stack([inputs * 0] * 3, axis=-1), "float32")

    inputs = keras.Input((6,), dtype="int32")
    model = keras.Model(inputs, Wrong()(inputs))
    with pytest.raises(ValueError, match=r"a Keras mask of the shape .*\(40, 6\)"):
        predict(model, (X, LABELS), from_logits=False)


def test_models_without_a_mask_are_run_once():
    inputs = keras.Input((6,), dtype="int32")
    embedded = keras.layers.Embedding(10, 8)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3)(embedded))
    assert OutputMask(model).predict(None, (40, 6, 3), {}) is None
    assert len(predict(model, (X, LABELS)).labels) == LABELS.size


def test_the_prior_of_what_counts():
    counts = np.bincount(LABELS[IS_REAL])
    of_token = 1.5 * np.eye(10)[(np.arange(10) - 1) // 3]  # the classes, calibrated
    of_token[0] = [2.0] + [0.0] * 9  # padding looks like class 0
    model = tagger()
    model.set_weights([of_token[:, :8], np.eye(8, 3), np.log(counts)])
    z = model.predict(X, verbose=0)
    expected = estimate_prior(z[IS_REAL], None, counts).prior
    found = estimate_prior(model, X, counts)
    np.testing.assert_allclose(found.prior, expected, atol=1e-5)
    # Without a mask, weights and labels tell what to leave out.
    x = np.eye(10, dtype="float32")[X]
    plain = of_vectors(keras.layers.Identity())
    plain.set_weights([of_token[:, :3], np.log(counts)])
    weighted = (x, np.full(X.shape, "?"), IS_REAL.astype("float32"))
    found = estimate_prior(plain, weighted, counts)
    np.testing.assert_allclose(found.prior, expected, atol=1e-5)
    for labels in (PADDED, PADDED[..., None]):
        found = estimate_prior(plain, (x, labels), counts, ignore_class=-1)
        np.testing.assert_allclose(found.prior, expected, atol=1e-5)
    with pytest.warns(UserWarning, match="has run to 0"):
        padded = estimate_prior(plain, x, counts, tolerance=1e-4).prior
    assert abs(padded - expected).max() > 0.05


@pytest.mark.slow
def test_a_new_head_learns_nothing_of_padding():
    counts = np.bincount(LABELS[IS_REAL])
    model = tagger()
    given = [
        retrain(model, data, counts, epochs=1, batch_size=16).get_weights()[1]
        for data in ((X, PADDED), (X, LABELS, IS_REAL.astype("float32")), (X, LABELS))
    ]
    np.testing.assert_array_equal(given[0], given[1])
    np.testing.assert_array_equal(given[0], given[2])
    embedding = model.get_weights()[0]
    real = embedding[X[IS_REAL]]
    inputs = keras.Input((8,))
    alone = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    expected = retrain(alone, (real, LABELS[IS_REAL]), counts, epochs=1, batch_size=16)
    np.testing.assert_allclose(given[0], expected.get_weights()[0], atol=1e-5)


class Own(keras.layers.Layer):
    """Might begin a mask, and does not."""

    def call(self, inputs):
        return inputs


def test_an_own_layer_without_a_mask_costs_one_example(monkeypatch):
    asked = []
    predict_of_keras = keras.Model.predict

    def counted(self, x, *arguments, **options):
        asked.append(len(x))
        return predict_of_keras(self, x, *arguments, **options)

    monkeypatch.setattr(keras.Model, "predict", counted)
    model = of_vectors(Own())
    batches = [(ONE_HOT[:15], LABELS[:15]), (ONE_HOT[15:], LABELS[15:])]
    predict(model, iter(batches), from_logits=True)
    assert sorted(asked) == [1, 15, 25]
