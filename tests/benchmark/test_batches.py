import numpy as np
import pytest

from keras_ccar.benchmark.batches import SeededBatches


def make(seed=3, count=10, batch_size=4, **settings):
    # Every pixel is different, so that an image tells where it was cut from.
    images = np.arange(1, count * 5 * 6 * 2 + 1, dtype="int32").reshape(count, 5, 6, 2)
    labels = np.arange(count)
    return SeededBatches(
        images, labels, batch_size, seed, standardise=lambda x: x, **settings
    )


AUGMENTED = {"crop_padding": 2, "flip": True}


def test_a_batch_depends_on_its_number_alone():
    forward, backward = make(**AUGMENTED), make(**AUGMENTED)
    ahead = [forward[index] for index in range(9)]
    behind = [backward[index] for index in reversed(range(9))][::-1]
    for (images, labels), (same_images, same_labels) in zip(ahead, behind, strict=True):
        np.testing.assert_array_equal(images, same_images)
        np.testing.assert_array_equal(labels, same_labels)


def test_every_epoch_holds_every_example_once_in_another_order():
    batches = make()
    assert batches.steps_per_epoch == 3
    assert batches.num_batches is None
    orders = []
    for epoch in range(3):
        parts = [batches[3 * epoch + step][1] for step in range(3)]
        assert [len(part) for part in parts] == [4, 4, 2]
        orders.append(np.concatenate(parts).tolist())
        assert sorted(orders[-1]) == list(range(10))
    assert orders[0] != orders[1] != orders[2]


def test_another_seed_gives_another_order():
    assert make(seed=1)[0][1].tolist() != make(seed=2)[0][1].tolist()


def test_without_augmentation_images_are_left_alone():
    batches = make()
    images, labels = batches[1]
    np.testing.assert_array_equal(images, batches._images[labels])
    assert images.shape == (4, 5, 6, 2)


@pytest.mark.parametrize("settings", [AUGMENTED, {"crop_padding": 2}, {"flip": True}])
def test_images_are_cut_from_the_padded_original(settings):
    batches = make(**settings)
    padding, flip = settings.get("crop_padding", 0), settings.get("flip", False)
    originals = make()._images
    seen = set()
    for index in range(180):
        for image, label in zip(*batches[index], strict=True):
            border = ((padding, padding), (padding, padding), (0, 0))
            padded = np.pad(originals[label], border)
            candidates = {
                (top, left, mirrored): padded[top : top + 5, left : left + 6][
                    :, :: -1 if mirrored else 1
                ]
                for top in range(2 * padding + 1)
                for left in range(2 * padding + 1)
                for mirrored in ((False, True) if flip else (False,))
            }
            fitting = [
                place
                for place, candidate in candidates.items()
                if np.array_equal(candidate, image)
            ]
            assert len(fitting) == 1
            seen.add(fitting[0])
    # 600 images are enough for each of the at most 50 places to come up.
    assert seen == set(candidates)


def test_images_are_standardised():
    images = np.ones((3, 2, 2, 1), "uint8")
    batches = SeededBatches(
        images, np.arange(3), 3, 0, standardise=lambda x: x.astype("float32") * 7
    )
    assert batches[0][0].dtype == np.float32
    assert (batches[0][0] == 7).all()
