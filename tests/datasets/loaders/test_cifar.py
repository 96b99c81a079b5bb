import re

import numpy as np
import pytest
from PIL import Image

from keras_ccar import datasets
from keras_ccar.datasets.loaders.prepared import tfds_builder
from keras_ccar.frequencies import shot_groups


@pytest.fixture(scope="session")
def cifar100():
    """CIFAR-100-LT at imbalance factor 100, seed 0, from the prepared real data."""
    try:
        return datasets.load("cifar100-lt")
    except FileNotFoundError as error:
        pytest.skip(f"CIFAR-100 is not prepared here: {error}")


@pytest.mark.slow
def test_cifar100_is_the_published_one(cifar100):
    images, labels = cifar100.train_arrays
    assert (images.dtype, images.shape) == ("uint8", (10847, 32, 32, 3))
    np.testing.assert_array_equal(
        np.bincount(labels), datasets.long_tailed_counts(100, 500, 100)
    )
    assert np.bincount(cifar100.test_arrays[1]).tolist() == [100] * 100
    groups = shot_groups(cifar100.class_counts)
    assert [group.sum() for group in groups.values()] == [35, 35, 30]
    assert cifar100.class_names[:2] == ("apple", "aquarium_fish")


def test_cifar100_digest_is_pinned(cifar100):
    assert cifar100.digest == (
        "16b9e13201c389555f97e1e28d3aa526ac2343efc842a513c03616b5ecd42dae"
    )


@pytest.fixture(scope="module")
def whole_cifar100():
    """All of CIFAR-100's training images."""
    try:
        return datasets.from_tfds(
            tfds_builder("cifar100"), test_split=None, in_memory=True
        )
    except FileNotFoundError as error:
        pytest.skip(f"CIFAR-100 is not prepared here: {error}")


@pytest.mark.slow
def test_cifar100_digest_does_not_depend_on_the_order(cifar100, whole_cifar100):
    images, labels = whole_cifar100.train_arrays
    order = np.random.default_rng(0).permutation(len(labels))
    shuffled = datasets.from_arrays(
        (images[order], labels[order]), imbalance_factor=100
    )
    assert shuffled.digest == cifar100.digest
    np.testing.assert_array_equal(shuffled.train_arrays[0], cifar100.train_arrays[0])


@pytest.mark.slow
def test_cifar100_digest_does_not_depend_on_the_source(
    cifar100, whole_cifar100, tmp_path
):
    for name in whole_cifar100.class_names:
        (tmp_path / name).mkdir()
    for i, (image, label) in enumerate(zip(*whole_cifar100.train_arrays, strict=True)):
        file = tmp_path / whole_cifar100.class_names[label] / f"{i}.png"
        Image.fromarray(image).save(file)
    from_folders = datasets.from_directory(tmp_path, imbalance_factor=100)
    assert from_folders.digest == cifar100.digest
    np.testing.assert_array_equal(
        from_folders.train_arrays[0], cifar100.train_arrays[0]
    )


def test_cao_selection_goes_by_the_original_order():
    """Through CIFAR-10's builder, whose ids tell the place in the original files."""
    tfds = pytest.importorskip("tensorflow_datasets")
    import tensorflow as tf

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (300, 32, 32, 3), dtype="uint8")
    labels = rng.permutation(np.repeat(np.arange(10), 30))
    shuffled = rng.permutation(300)  # as tensorflow-datasets stores them

    def as_dataset(self, split, **kwargs):
        ids = [f"{split}_{place:05d}" for place in shuffled]
        examples = {"image": images[shuffled], "label": labels[shuffled], "id": ids}
        return tf.data.Dataset.from_tensor_slices(examples)

    with tfds.testing.mock_data(as_dataset_fn=as_dataset):
        data = datasets.load("cifar10-lt", imbalance_factor=10, selection="cao")
    chosen = datasets.long_tailed_indices(images, labels, 10, selection="cao")
    np.testing.assert_array_equal(data.train_arrays[0], images[chosen])
    np.testing.assert_array_equal(data.train_arrays[1], labels[chosen])


def test_cao_selection_needs_the_original_order():
    tfds = pytest.importorskip("tensorflow_datasets")
    with (
        tfds.testing.mock_data(num_examples=3),
        pytest.raises(ValueError, match="order of the original files") as caught,
    ):
        datasets.load("cifar10-lt", selection="cao")
    message = str(caught.value)
    assert not re.search(r"[.!?]\s+[A-Z]", message), message
    assert "\n" not in message
