import dataclasses
import itertools

import pytest

from keras_ccar.benchmark.recipes import RECIPES, Recipe, recipe_for


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


def test_milestones_keep_their_place_in_a_shorter_run():
    short = RECIPES["plain"].override(epochs=20)
    rates = [short.learning_rate_at(epoch) for epoch in range(20)]
    assert rates == pytest.approx([0.1] * 16 + [0.001] * 2 + [0.00001] * 2)


def test_one_epoch_is_trained_at_the_full_rate():
    assert RECIPES["plain"].override(epochs=1).learning_rate_at(0) == 0.1


def test_override_takes_given_milestones_as_they_are():
    recipe = RECIPES["plain"].override(epochs=20, warmup_epochs=4)
    assert recipe.learning_rate_at(0) == pytest.approx(0.1 / 4)


def test_override_ignores_none_and_keeps_the_rest():
    plain = RECIPES["plain"]
    assert plain.override(batch_size=None) == plain
    assert plain.override(batch_size=64) == dataclasses.replace(plain, batch_size=64)


def test_cosine_falls_from_the_peak_without_reaching_zero_early():
    recipe = Recipe(
        name="x",
        source="",
        datasets=(),
        model="convnet",
        epochs=12,
        batch_size=1,
        learning_rate=1.0,
        schedule="cosine",
        warmup_epochs=2,
    )
    rates = [recipe.learning_rate_at(epoch) for epoch in range(12)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[7] == pytest.approx(0.5)
    assert all(a > b > 0 for a, b in itertools.pairwise(rates[2:]))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("warmup_epochs", -1),
        ("weight_decay", -1e-4),
        ("crop_padding", -1),
        ("momentum", 1.0),
        ("schedule", "linear"),
    ],
)
def test_impossible_settings_are_named(setting, value):
    with pytest.raises(ValueError, match=f"{setting} of a recipe .*received"):
        RECIPES["plain"].override(**{setting: value})


def test_recipes_are_found_by_data_set():
    assert recipe_for("digits-lt").name == "digits"
    assert recipe_for("cifar100-lt", "plain").name == "plain"
    with pytest.raises(ValueError, match="recipe 'plain' is not one for digits-lt"):
        recipe_for("digits-lt", "plain")
    with pytest.raises(ValueError, match="'mnist' has no recipe; expected one of"):
        recipe_for("mnist")
