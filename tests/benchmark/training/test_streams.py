"""ImageNet-LT and iNaturalist 2018 through their builders' own code."""

import itertools

import numpy as np
import pytest

from keras_ccar import datasets
from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import get_method
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.benchmark.training.loop import train_and_evaluate
from keras_ccar.benchmark.training.streams import StreamedBatches

tfds = pytest.importorskip("tensorflow_datasets")

# `mock_data` generates the examples from the builders' features with this call.
pytestmark = pytest.mark.filterwarnings("ignore:.*output_types is deprecated")

RECIPE = (
    RECIPES["imagenet-resnet10"]
    .shrunk_for_smoke_test()
    .with_settings(image_size=16, batch_size=4)
)


@pytest.fixture(scope="module")
def data():
    images = np.random.default_rng(0).integers(0, 256, (13, 20, 24, 3), "uint8")
    return datasets.from_arrays((images, np.arange(13) % 3), test_per_class=1)


def test_batches_depend_on_seed_and_epoch_alone(data):
    def batches(seed, epochs):
        stream = StreamedBatches(data, RECIPE, seed)
        assert stream.num_batches == 2
        drawn = []
        for epoch in epochs:
            stream.begin_epoch(epoch)
            drawn += [stream[step] for step in range(2)]
        return drawn

    whole = batches(1, [0, 1])
    for images, labels in whole:
        assert (images.shape, images.dtype) == ((4, 16, 16, 3), "float32")
        assert labels.shape == (4,)
    # A run that goes on from the second epoch sees what one undisturbed sees.
    for (images, labels), again in zip(whole[2:], batches(1, [1]), strict=True):
        np.testing.assert_array_equal(images, again[0])
        np.testing.assert_array_equal(labels, again[1])
    distinct = [whole[0], whole[2], batches(2, [0])[0]]
    for one, other in itertools.combinations(distinct, 2):
        assert not np.array_equal(one[0], other[0])


def test_validation_images_are_others_than_those_to_test_on():
    with tfds.testing.mock_data(num_examples=10):
        for name in ("imagenet-lt", "inaturalist2018"):
            data = datasets.load(name, validation=True)
            assert next(data.test.as_numpy_iterator())[0].shape[-1] == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "recipe"),
    [
        ("imagenet-lt", "imagenet-resnet10"),
        ("inaturalist2018", "inaturalist-resnet50"),
    ],
)
def test_streamed_data_trains_and_is_evaluated(dataset, recipe):
    recipe = (
        RECIPES[recipe]
        .shrunk_for_smoke_test()
        .with_settings(image_size=32, batch_size=4)
    )
    steps = []
    with tfds.testing.mock_data(num_examples=10):
        outcome = train_and_evaluate(
            datasets.load(dataset),
            recipe,
            get_method("ccar"),
            LossOptions(),
            seed=0,
            on_progress=lambda epoch, count: steps.append((epoch, count)),
        )
    assert steps == [(0, 1), (0, 1), (1, 1), (1, 1)]
    assert np.isfinite(outcome["history"]["loss"]).all()
    # Eight images an epoch, each of a class whose confidence is known then.
    assert outcome["mean_weight"] > 1
    assert 0 <= outcome["top1"] <= 100


@pytest.mark.slow
def test_the_command_makes_a_report_of_streamed_data(tmp_path):
    arguments = ["compare", "imagenet-lt", "--smoke", "--batch-size", "4", "--seeds"]
    arguments += ["1", "--image-size", "32", "--methods", "ccar"]
    with tfds.testing.mock_data(num_examples=10):
        assert main([*arguments, "--output", str(tmp_path)]) == 0
    results = Comparison.read(tmp_path)
    assert results.recipe["name"] == "imagenet-resnet10-smoke"
    assert "--recipe imagenet-resnet10 --smoke" in results.command
    assert results.run_entries[0]["status"] == "finished"
