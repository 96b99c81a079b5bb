import keras
import numpy as np
import pytest

from keras_ccar import datasets
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import get_method
from keras_ccar.benchmark.spec.recipe_book import get_recipe
from keras_ccar.benchmark.training.loop import (
    check_converged,
    method_callbacks,
    train_and_evaluate,
)
from keras_ccar.benchmark.training.models import build_model
from keras_ccar.benchmark.training.standardiser import Standardiser
from keras_ccar.callbacks import CCARCallback


@pytest.fixture(scope="module")
def data():
    return datasets.load("digits-lt")


@pytest.fixture(scope="module")
def recipe():
    return get_recipe("digits-lt").with_settings(epochs=2, batch_size=100)


def train(data, recipe, method, seed=0, on_progress=lambda *_: None, **options):
    outcome = train_and_evaluate(
        data, recipe, get_method(method), LossOptions(**options), seed, on_progress
    )
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


@pytest.mark.skipif(
    keras.backend.backend() == "torch",
    reason="Keras takes one step at a time on torch",
)
def test_several_steps_at_once_change_no_number(data, recipe):
    steps = []
    outcome = train(
        data,
        recipe.with_settings(steps_per_execution=3),
        "ccar",
        on_progress=lambda epoch, count: steps.append((epoch, count)),
    )
    assert steps == [(0, 3), (0, 1), (1, 3), (1, 1)]
    assert outcome == train(data, recipe, "ccar")


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_to_about_the_same(data, recipe, policy):
    outcome = train(data, recipe.with_settings(dtype_policy=policy), "ce")
    full = train(data, recipe, "ce")
    assert outcome != full
    np.testing.assert_allclose(
        outcome["history"]["loss"], full["history"]["loss"], rtol=0.1
    )
    assert keras.config.dtype_policy().name == "float32"


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


def test_a_group_without_classes_has_no_accuracy(recipe):
    balanced = datasets.load("digits-lt", imbalance_factor=1)
    outcome = train(balanced, recipe.with_settings(epochs=1), "ce")
    assert outcome["few"] is None
    assert outcome["many"] == pytest.approx(outcome["balanced"])


def test_a_loss_that_is_no_number_is_an_error(data, recipe):
    # Where relu(NaN) is 0, the loss stays finite, and a weight tells.
    told = r"the loss became (nan|inf) in epoch 1|the weight .* became infinite or NaN"
    with pytest.raises(FloatingPointError, match=told):
        train(data, recipe, "ccar", strength=1e4)


def test_a_finite_loss_of_a_network_without_numbers_is_an_error():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    check_converged(model, [0.5])
    kernel, bias = model.get_weights()
    model.set_weights([kernel, np.full_like(bias, np.inf)])
    with pytest.raises(FloatingPointError, match=r"weight .*bias became infinite"):
        check_converged(model, [0.5])


def test_post_hoc_correction_is_for_evaluation_only(data, recipe):
    corrected, plain = (train(data, recipe, name) for name in ("la-posthoc", "ce"))
    for curve, values in plain["history"].items():
        # What is measured is the corrected model, also in the course of the training.
        assert (corrected["history"][curve] != values) == (curve == "test")
    assert corrected["few"] > plain["few"]
    assert train(data, recipe, "la-posthoc", tau=0.0) == plain


def test_a_scaled_loss_is_recorded_as_such(data, recipe):
    assert train(data, recipe, "ce×c", scale=1.5)["mean_weight"] == pytest.approx(1.5)
    assert train(data, recipe, "ce×c", scale=1.0) == train(data, recipe, "ce")
    assert train(data, recipe, "la×c", scale=1.0) == train(data, recipe, "la")


def test_a_loss_is_scaled_epoch_by_epoch(data, recipe):
    scales = (1.75, 0.5)
    outcome = train(data, recipe, "ce×c(t)", epoch_scales=scales)
    assert outcome["history"]["mean_weight"] == pytest.approx(scales)
    # The same number in each epoch is the constant control.
    same = train(data, recipe, "la×c(t)", epoch_scales=(1.5, 1.5))
    assert same == train(data, recipe, "la×c", scale=1.5)
    assert same["history"]["loss"] != train(data, recipe, "la")["history"]["loss"]


def test_the_mean_weight_of_an_epoch_is_over_its_examples(data, recipe):
    history = train(data, recipe, "ccar")["history"]
    expected = np.array(history["weight"]) @ data.class_counts / data.class_counts.sum()
    np.testing.assert_allclose(history["mean_weight"], expected, atol=1e-5)


def test_reweighting_is_deferred_to_the_last_fifth_of_the_epochs(data, recipe):
    deferred = train(data, recipe.with_settings(epochs=5), "ldam-drw")
    weights = np.array(deferred["history"]["weight"])
    np.testing.assert_array_equal(weights[:4], 1)
    assert weights[4, -1] > 1 > weights[4, 0]


@pytest.mark.parametrize(("epochs", "start"), [(200, 160), (20, 16), (2, 1), (1, 0)])
def test_weights_come_on_after_four_fifths(recipe, epochs, start):
    (callback,) = method_callbacks(
        get_method("ldam-drw"), recipe.with_settings(epochs=epochs), LossOptions()
    )
    assert callback.start_epoch == start


def test_a_resumed_training_defers_as_one_undisturbed(data, recipe):
    method = get_method("ldam-drw")
    recipe = recipe.with_settings(epochs=5)
    images, labels = data.train_arrays
    model = build_model("convnet", images.shape[1:], 10, method.head)
    model.compile("sgd", method.build_loss(data.class_counts, LossOptions()))
    for first, last, is_weighted in ((0, 3, False), (3, 4, False), (4, 5, True)):
        statistics = CCARCallback()
        model.fit(
            Standardiser.of(data)(images),
            labels,
            initial_epoch=first,
            epochs=last,
            verbose=0,
            callbacks=[
                statistics,
                *method_callbacks(method, recipe, LossOptions()),
            ],
        )
        assert bool((statistics.history[-1]["mean_weight"] != 1).any()) == is_weighted
