import math

import numpy as np
import pytest

from keras_ccar.benchmark.spec.recipe_book import RECIPES, get_recipe


def test_recipes_are_found_by_data_set():
    assert get_recipe("digits-lt").name == "digits"
    assert get_recipe("cifar100-lt", "plain").name == "plain"
    with pytest.raises(ValueError, match="`recipe` 'plain' is not meant for digits-lt"):
        get_recipe("digits-lt", "plain")
    with pytest.raises(ValueError, match="'mnist' has no recipe; expected one of"):
        get_recipe("mnist")


def ldam_drw_rate(epoch, peak=0.1):
    """The schedule of the LDAM-DRW paper, with epochs counted from 0."""
    number = epoch + 1
    if number <= 5:
        return peak * number / 5
    if number > 180:
        return peak * 0.0001
    if number > 160:
        return peak * 0.01
    return peak


def test_plain_recipe_follows_the_published_schedule():
    plain = RECIPES["plain"]
    assert plain.epochs == 200
    for epoch in range(200):
        assert plain.learning_rate_at(epoch) == pytest.approx(ldam_drw_rate(epoch))


@pytest.mark.parametrize("name", ["imagenet-resnet10", "imagenet-resnet50"])
def test_imagenet_recipes_follow_the_published_settings(name):
    recipe = RECIPES[name]
    assert (recipe.epochs, recipe.batch_size, recipe.image_size) == (90, 512, 224)
    # The code steps the schedule before each epoch, so the last one has a rate of 0.
    rates = [recipe.learning_rate_at(epoch) for epoch in range(90)]
    expected = 0.1 * (1 + np.cos(np.pi * np.arange(1, 91) / 90))
    np.testing.assert_allclose(rates, expected, atol=1e-15)
    assert rates[-1] == 0


def balms_rates(count):
    """The rates of the code of Balanced Meta-Softmax, with epochs counted from 1."""
    batches = math.ceil(count / 512)
    warmup, epochs = math.ceil(800 / batches), math.ceil(13_000 / batches)
    return [
        0.05 + 0.05 * (number - 1) / (warmup - 1)
        if number < warmup
        else 0.05 * (1 + math.cos(math.pi * (number - warmup) / (epochs - warmup)))
        for number in range(1, epochs + 1)
    ]


@pytest.mark.parametrize(
    ("count", "epochs", "warmup", "steps"),
    [(10_847, 591, 37, 12_411), (9_502, 685, 43, 12_330), (20_431, 325, 20, 12_675)],
)
def test_strong_recipe_follows_the_published_code(count, epochs, warmup, steps):
    strong = RECIPES["strong"].with_epochs_for(count)
    assert (strong.epochs, strong.warmup_epochs) == (epochs, warmup)
    assert strong.epochs * strong.steps_per_epoch(count) == steps
    rates = [strong.learning_rate_at(epoch) for epoch in range(strong.epochs)]
    np.testing.assert_allclose(rates, balms_rates(count), rtol=1e-12, atol=1e-17)
    assert (rates[0], rates[-1]) == (0.05, 0)
    assert (strong.auto_augment, strong.cutout) == (True, 16)


def test_strong_is_written_down_for_an_imbalance_of_100():
    assert RECIPES["strong"].with_epochs_for(10_847) == RECIPES["strong"]
