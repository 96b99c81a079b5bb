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
    assert recipe.learning_rate_at(0) == 0.2
    assert recipe.learning_rate_at(45) == pytest.approx(0.1)


def test_strong_recipe_takes_its_steps_on_any_subset():
    strong = RECIPES["strong"]
    assert strong.with_epochs_for(10_847) == strong
    assert (strong.auto_augment, strong.cutout) == (True, 16)
    other = strong.with_epochs_for(9_502)
    assert (other.steps_per_epoch(9_502), other.epochs) == (19, 684)
    # The warm-up keeps its 800 steps, and begins at half of the rate.
    assert other.warmup_epochs * 19 == pytest.approx(800, rel=1e-3)
    assert strong.learning_rate_at(0) == pytest.approx(0.05 + 0.05 / 36)
    assert strong.learning_rate_at(35) == pytest.approx(0.1)
    assert strong.learning_rate_at(590) < 1e-5
