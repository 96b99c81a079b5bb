import keras
import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score

from keras_ccar import datasets
from keras_ccar.benchmark.methods import METHODS, LossOptions, get_method
from keras_ccar.benchmark.pixels import Standardiser
from keras_ccar.benchmark.recipes import recipe_for
from keras_ccar.benchmark.training import evaluate, train_and_evaluate
from keras_ccar.frequencies import shot_groups


@pytest.fixture(scope="module")
def data():
    return datasets.load("digits-lt")


@pytest.fixture(scope="module")
def recipe():
    return recipe_for("digits-lt").override(epochs=2, batch_size=100)


def train(data, recipe, method, seed=0, on_progress=lambda *_: None, **options):
    loss = METHODS[method].build_loss(
        data.class_counts.tolist(), LossOptions(**options)
    )
    outcome = train_and_evaluate(data, recipe, loss, seed, on_progress)
    del outcome["seconds"]
    return outcome


def test_a_run_is_a_function_of_its_seed(data, recipe):
    one = train(data, recipe, "ccar")
    assert train(data, recipe, "ccar") == one
    assert train(data, recipe, "ccar", seed=1) != one


def test_methods_differ_by_their_loss_only(data, recipe):
    # Without strength CCAR is cross-entropy: same weights, batches, augmentation.
    assert train(data, recipe, "ccar", strength=0.0) == train(data, recipe, "ce")
    # With τ = 1 logit adjustment is Balanced Softmax.
    assert train(data, recipe, "la") == train(data, recipe, "bs")


def test_ccar_with_logit_adjustment_is_both(data, recipe):
    both = train(data, recipe, "ccar+la")
    assert both != train(data, recipe, "ccar")
    assert train(data, recipe, "ccar+la", strength=0.0) == train(data, recipe, "la")


def test_what_a_run_records(data, recipe):
    steps = []
    outcome = train(
        data,
        recipe,
        "ccar",
        on_progress=lambda epoch, count: steps.append((epoch, count)),
    )
    assert steps == [(epoch, 1) for epoch in (0, 1) for _ in range(4)]
    history = outcome["history"]
    assert np.shape(history["loss"]) == (2,)
    for curve in ("confidence", "weight", "below_pivot"):
        assert np.shape(history[curve]) == (2, 10)
    assert (np.array(history["confidence"]) < 1).all()
    # Unsure at first, so nearly all weights are above 1, at most exp(s ω).
    assert 1 < outcome["mean_weight"] < np.exp(0.75)
    assert train(data, recipe, "ce")["mean_weight"] == 1


def test_measures_equal_those_of_scikit_learn(data):
    keras.utils.set_random_seed(4)
    images, labels = data.test_arrays
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
    )
    logits = model.predict(Standardiser("digits-lt")(images), verbose=0)
    guesses = logits.argmax(axis=1)
    recalls = 100 * recall_score(labels, guesses, average=None)
    exponentials = np.exp(logits.astype("float64"))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    confidence = probabilities.max(axis=1)
    bins = np.ceil(confidence * 15)
    calibration = sum(
        (bins == index).mean()
        * abs(
            (guesses == labels)[bins == index].mean() - confidence[bins == index].mean()
        )
        for index in np.unique(bins)
    )

    measured = evaluate(model, data)
    assert measured["top1"] == pytest.approx(100 * (guesses == labels).mean())
    assert measured["balanced"] == pytest.approx(
        100 * balanced_accuracy_score(labels, guesses), abs=1e-4
    )
    for group, classes in shot_groups(data.class_counts).items():
        assert measured[group] == pytest.approx(recalls[classes].mean(), abs=1e-4)
    assert measured["per_class_accuracy"] == pytest.approx(recalls, abs=1e-4)
    assert measured["ece"] == pytest.approx(100 * calibration, abs=1e-3)


def test_a_group_without_classes_has_no_accuracy(recipe):
    balanced = datasets.load("digits-lt", imbalance_factor=1)
    outcome = train(balanced, recipe.override(epochs=1), "ce")
    assert outcome["few"] is None
    assert outcome["many"] == pytest.approx(outcome["balanced"])


def test_a_loss_that_is_no_number_is_an_error(data, recipe):
    with pytest.raises(FloatingPointError, match=r"became (nan|inf) in epoch 1"):
        train(data, recipe, "ccar", strength=1e4)


def test_digits_are_standardised(data):
    images = Standardiser("digits-lt")(data.train_arrays[0])
    assert images.dtype == np.float32
    assert abs(images.mean()) < 0.02
    assert abs(images.std() - 1) < 0.02


def test_unknown_methods_are_named():
    with pytest.raises(ValueError, match="'sgd' is unknown; expected one of ce, bs"):
        get_method("sgd")
