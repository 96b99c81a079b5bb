import dataclasses

import numpy as np
import pytest

from keras_ccar.datasets import evaluation_batches, from_arrays, training_batches

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def in_color(images, test_per_class=None):
    return from_arrays(
        (np.asarray(images, "uint8"), np.arange(len(images)) % 2),
        test_per_class=test_per_class,
    )


def pixels(batch):
    return (np.asarray(batch) * DEVIATION + MEAN) * 255


def ramp(number=8):
    """Images whose red is their row, green their column and blue their number."""
    row, column = np.meshgrid(np.arange(48), np.arange(64), indexing="ij")
    return np.stack(
        [np.stack([4 * row, 3 * column, 0 * row + i], -1) for i in range(number)]
    )


def collected(batches):
    images, labels = zip(*batches.as_numpy_iterator(), strict=True)
    return pixels(np.concatenate(images)), np.concatenate(labels)


def test_training_crops_are_parts_of_the_images():
    images, labels = collected(training_batches(in_color(ramp()), 4, 16))
    assert images.shape == (8, 16, 16, 3)
    assert images.dtype == "float64"
    blue = images[..., 2]
    assert blue.std(axis=(1, 2)).max() < 0.01
    number = blue.mean((1, 2)).round().astype(int)
    assert sorted(number) == list(range(8))
    np.testing.assert_array_equal(labels, number % 2)
    # Rows run down; columns run to the right or, flipped, to the left.
    assert (np.diff(images[..., 0], axis=1) > 0).all()
    to_the_right = (np.diff(images[..., 1], axis=2) > 0).all((1, 2))
    to_the_left = (np.diff(images[..., 1], axis=2) < 0).all((1, 2))
    assert (to_the_right ^ to_the_left).all()


def test_no_image_is_mirrored_without_flip():
    batches = training_batches(in_color(ramp()), 4, 16, flip=False)
    images, _ = collected(batches)
    assert (np.diff(images[..., 1], axis=2) > 0).all()


@pytest.mark.filterwarnings("ignore:.*test images are in the training set")
@pytest.mark.parametrize(
    ("name", "mean", "deviation"),
    [
        # data/dataloader.py of the code that Kang et al. 2020 published.
        ("inaturalist2018", [0.466, 0.471, 0.380], [0.195, 0.194, 0.192]),
        ("imagenet-lt", MEAN, DEVIATION),
    ],
)
def test_colours_are_standardised_as_published(name, mean, deviation):
    gray = np.full((4, 20, 20, 3), 51, "uint8")
    data = dataclasses.replace(in_color(gray, test_per_class=1), name=name)
    expected = (0.2 - np.array(mean)) / np.array(deviation)
    for batches in (training_batches(data, 2, 8), evaluation_batches(data, 2, 8)):
        images, _ = next(batches.as_numpy_iterator())
        np.testing.assert_allclose(
            images, np.broadcast_to(expected, images.shape), 1e-5
        )


def test_crops_are_random_within_the_published_range():
    images, _ = collected(training_batches(in_color(ramp(200)), 4, 16))
    rows = np.ptp(images[..., 0], (1, 2)) / 4
    columns = np.ptp(images[..., 1], (1, 2)) / 3
    # From pixel centres to borders: a crop of n rows spans n * 15 / 16 of them.
    area = (rows * 16 / 15) * (columns * 16 / 15) / (48 * 64)
    assert area.min() > 0.04
    assert area.max() > 0.8
    assert 0.3 < area.mean() < 0.7
    flipped = (images[:, 0, 0, 1] > images[:, 0, -1, 1]).mean()
    assert 0.35 < flipped < 0.65


def test_iterations_differ_and_seeds_repeat():
    def two_epochs(seed):
        batches = training_batches(in_color(ramp()), 4, 16, 0.4, seed=seed)
        return collected(batches)[0], collected(batches)[0]

    first, second = two_epochs(1)
    assert np.abs(first - second).max() > 1
    again_first, again_second = two_epochs(1)
    np.testing.assert_array_equal(first, again_first)
    np.testing.assert_array_equal(second, again_second)
    assert np.abs(two_epochs(2)[0] - first).max() > 1


def test_color_jitter_stays_in_its_range():
    gray = np.full((64, 20, 20, 3), 100)
    images, _ = collected(training_batches(in_color(gray), 8, 8, color_jitter=0.4))
    brightness = images.mean((1, 2, 3)) / 100
    assert brightness.min() > 0.59
    assert brightness.max() < 1.41
    assert brightness.std() > 0.1
    # Gray has neither contrast nor colour to scale.
    assert np.ptp(images, (1, 2, 3)).max() < 0.01


def test_evaluation_takes_the_middle():
    data = in_color(ramp(), test_per_class=1)
    images, labels = collected(evaluation_batches(data, 5, 42))  # resized to 48
    assert images.shape == (2, 42, 42, 3)
    np.testing.assert_array_equal(labels, data.test_arrays[1])
    np.testing.assert_allclose(images, data.test_arrays[0][:, 3:45, 11:53], atol=0.01)


@pytest.mark.filterwarnings("ignore:.*test images are in the training set")
def test_evaluation_scales_small_and_large_images():
    for shape in ((3, 7), (90, 30)):
        data = in_color(np.full((4, *shape, 3), 77), test_per_class=1)
        images, _ = collected(evaluation_batches(data, 5, 14))
        np.testing.assert_allclose(images, np.full((2, 14, 14, 3), 77), atol=0.01)


def test_no_test_set():
    with pytest.raises(ValueError, match="no test set"):
        evaluation_batches(in_color(ramp()))


@pytest.mark.parametrize(
    "arguments", [{"batch_size": 0}, {"image_size": 0}, {"color_jitter": 2}]
)
def test_invalid_arguments(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
        training_batches(in_color(ramp()), **arguments)


@pytest.mark.parametrize(
    ("images", "received"),
    [
        (np.full((4, 8, 8, 3), 4000, "uint16"), "uint16 images with values from 4000"),
        (np.full((4, 8, 8, 3), 0.5, "float32"), "float32 images with values from 0.5"),
        (np.full((4, 8, 8, 3), -3, "int16"), "int16 images with values from -3"),
        (np.full((4, 8, 8, 3), np.nan, "float32"), "float32 images with values from"),
    ],
)
def test_pixels_of_another_range_are_refused(images, received):
    labels = np.arange(4) % 2
    good = in_color(np.zeros((4, 8, 8, 3)))
    data = dataclasses.replace(
        good, train_arrays=(images, labels), test_arrays=(images, labels)
    )
    for batches in (training_batches, evaluation_batches):
        with pytest.raises(ValueError, match=received):
            batches(data, batch_size=2, image_size=4)
