import dataclasses
import itertools
import math

import pytest

from keras_ccar.benchmark.spec.decays import Decays
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.benchmark.spec.recipes import Recipe


def test_decays_are_scaled_to_a_shorter_run():
    short = RECIPES["plain"].with_settings(epochs=20)
    rates = [short.learning_rate_at(epoch) for epoch in range(20)]
    assert rates == pytest.approx([0.1] * 16 + [0.001] * 2 + [0.00001] * 2)


def test_one_epoch_is_trained_at_the_full_rate():
    assert RECIPES["plain"].with_settings(epochs=1).learning_rate_at(0) == 0.1


def test_given_warm_up_is_not_scaled():
    recipe = RECIPES["plain"].with_settings(epochs=20, warmup_epochs=4)
    assert recipe.learning_rate_at(0) == pytest.approx(0.1 / 4)


def test_with_settings_ignores_none_and_keeps_the_rest():
    plain = RECIPES["plain"]
    assert plain.with_settings(batch_size=None) == plain
    assert plain.with_settings(batch_size=64) == dataclasses.replace(
        plain, batch_size=64
    )


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
        ("tune", "half"),
        ("backbone_rate_share", 0.0),
        ("backbone_rate_share", 1.5),
        ("crop_padding", -1),
        ("momentum", 1.0),
        ("schedule", "linear"),
        ("steps", -1),
        ("warmup_start", 1.5),
        ("warmup_steps", -1),
        ("last_layer", "zero"),
        ("image_size", -1),
        ("color_jitter", 2.0),
        ("limit_batches", -1),
        ("learning_rate", math.inf),
        ("weight_decay", math.nan),
        ("warmup_epochs", math.nan),
        ("color_jitter", 0.4),
    ],
)
def test_impossible_settings_are_named(setting, value):
    with pytest.raises(ValueError, match=f"`{setting}` of a recipe .*Received"):
        RECIPES["plain"].with_settings(**{setting: value})


@pytest.mark.parametrize("setting", ["crop_padding", "auto_augment", "cutout"])
def test_random_resized_crops_exclude_other_augmentations(setting):
    recipe = RECIPES["imagenet-resnet10"]
    message = f"`{setting}` of a recipe .*Received: {setting}"
    with pytest.raises(ValueError, match=message):
        recipe.with_settings(**{setting: 1})


def test_decays_are_read_and_written():
    assert Decays("160:0.01,180:0.0001") == ((160, 0.01), (180, 0.0001))
    for text in ("160:0.01,180:0.0001", "1:0.123456789", "none"):
        assert str(Decays(text)) == text
    recipe = RECIPES["plain"].with_settings(decays=Decays("10:0.5"))
    assert [recipe.learning_rate_at(epoch) for epoch in (9, 10)] == [0.1, 0.05]
    assert dataclasses.asdict(recipe)["decays"] == ((10, 0.5),)


@pytest.mark.parametrize(
    "text", ["", "160", "160:0.1:2", "a:b", "160:0.1,", "1:nan", "inf:1"]
)
def test_malformed_decays(text):
    with pytest.raises(ValueError, match=r"`decays` must be pairs .*Received"):
        Decays(text)


def test_decays_in_disorder():
    with pytest.raises(ValueError, match="in the order of their epochs"):
        Decays("180:0.1,160:0.01")


def test_a_warm_up_may_begin_above_zero():
    recipe = RECIPES["plain"].with_settings(warmup_start=0.5, warmup_epochs=2)
    rates = [recipe.learning_rate_at(epoch) for epoch in range(3)]
    assert rates == pytest.approx([0.05, 0.1, 0.1])


def test_a_cosine_to_zero_trains_its_last_epoch_at_no_rate():
    recipe = RECIPES["plain"].with_settings(
        schedule="cosine_to_zero", epochs=5, warmup_epochs=1, learning_rate=1.0
    )
    rates = [recipe.learning_rate_at(epoch) for epoch in range(5)]
    assert rates == pytest.approx([1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5, 0])
    # An epoch alone learns something.
    assert recipe.with_settings(epochs=1).learning_rate_at(0) == 1
    assert recipe.with_settings(epochs=2, warmup_epochs=1).learning_rate_at(1) == 1


def test_the_warm_up_follows_from_steps():
    strong = RECIPES["strong"]
    assert strong.with_epochs_for(950).warmup_epochs == 400
    # What is asked for is kept, and what is not is scaled.
    given = strong.with_settings(warmup_epochs=3)
    assert (given.warmup_steps, given.warmup_epochs) == (0, 3)
    short = strong.with_settings(epochs=59)
    assert (short.steps, short.warmup_steps) == (0, 0)
    assert short.warmup_epochs == pytest.approx(37 * 59 / 591)
    assert strong.with_settings(steps=1_300).warmup_steps == 80


def test_epochs_follow_from_steps():
    recipe = RECIPES["plain"].with_settings(steps=1000, batch_size=100)
    # Ten steps an epoch, the last of them with 50 examples.
    assert recipe.with_epochs_for(950).epochs == 100
    assert recipe.with_epochs_for(950).warmup_epochs == pytest.approx(2.5)
    assert recipe.with_settings(epochs=3).with_epochs_for(950).epochs == 3
    assert RECIPES["plain"].with_epochs_for(950) == RECIPES["plain"]


def test_steps_of_an_epoch():
    recipe = RECIPES["plain"].with_settings(batch_size=100)
    assert recipe.steps_per_epoch(950) == 10
    assert recipe.with_settings(limit_batches=4).steps_per_epoch(950) == 4
    assert recipe.with_settings(limit_batches=40).steps_per_epoch(950) == 10
    streamed = recipe.with_settings(image_size=64, crop_padding=0)
    assert streamed.steps_per_epoch(950) == 9
    dropped = recipe.with_settings(drop_last=True)
    assert dropped.steps_per_epoch(950) == 9
    for each, why in ((streamed, "streamed"), (dropped, "`drop_last`")):
        with pytest.raises(
            ValueError, match=rf"`batch_size` .* most the 50 .*{why}.*batch_size=100"
        ):
            each.steps_per_epoch(50)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_smoke_shrinks_every_recipe(recipe):
    small = recipe.shrunk_for_smoke_test()
    assert small.name == f"{recipe.name}-smoke"
    assert small.epochs == 2
    assert small.steps_per_epoch(100_000) == 8
    assert small.batch_size <= 32
    assert small.image_size <= 64
    small_networks = ("resnet8", "convnet", "head", "backbone")
    assert small.model in small_networks or small.image_size
    assert bool(small.image_size) == bool(recipe.image_size)
