import os
import re
import subprocess
import sys

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


def assert_one_sentence(message):
    assert not re.search(r"[.!?]\s+[A-Z]", message), message
    assert "\n" not in message


def test_digits_have_three_groups_and_a_balanced_test():
    data = datasets.load("digits-lt")
    (images, labels), (test_images, test_labels) = data.train_arrays, data.test_arrays
    assert (images.dtype, images.shape[1:]) == ("uint8", (8, 8, 1))
    assert images.max() == 255
    np.testing.assert_array_equal(np.bincount(labels), data.class_counts)
    assert np.bincount(test_labels).tolist() == [50] * 10
    assert all(group.any() for group in shot_groups(data.class_counts).values())
    assert data.class_counts.min() >= 2
    # Not one test image is trained on.
    train = {image.tobytes() for image in images}
    assert not train & {image.tobytes() for image in test_images}


def test_digits_test_set_is_the_same_for_every_seed():
    one, other = datasets.load("digits-lt"), datasets.load("digits-lt", seed=1)
    np.testing.assert_array_equal(one.test_arrays[0], other.test_arrays[0])
    assert one.digest != other.digest
    assert one.digest == datasets.load("digits-lt").digest


@pytest.mark.parametrize("imbalance_factor", [1, 10.0, 124])
def test_digits_at_other_imbalance_factors(imbalance_factor):
    data = datasets.load("digits-lt", imbalance_factor)
    assert data.imbalance_factor == imbalance_factor
    assert data.class_counts[0] == 124
    assert data.class_counts[-1] == int(124 / imbalance_factor)


def test_description_says_what_matters():
    data = datasets.load("digits-lt")
    for part in ("digits-lt", "359", "124 to 3", "factor 40", "500", data.digest[:16]):
        assert part in data.describe()


def test_streams_are_the_arrays():
    data = datasets.load("digits-lt")
    for stream, (images, labels) in (
        (data.train, data.train_arrays),
        (data.test, data.test_arrays),
    ):
        batch_images, batch_labels = next(stream.batch(1000).as_numpy_iterator())
        np.testing.assert_array_equal(batch_images, images)
        np.testing.assert_array_equal(batch_labels, labels)


def test_import_and_arrays_do_without_tensorflow():
    code = (
        "import sys\n"
        "from keras_ccar import datasets\n"
        "datasets.load('digits-lt')\n"
        "assert 'tensorflow' not in sys.modules\n"
        "assert 'tensorflow_datasets' not in sys.modules\n"
        "datasets.load('digits-lt').train\n"
        "assert 'tensorflow' in sys.modules\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


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
    assert_one_sentence(str(caught.value))


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_nothing_prepared(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"tfds build {name}") as caught:
        datasets.load(f"{name}-lt", data_dir=tmp_path)
    assert "TFDS_DATA_DIR" in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert_one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "cifar"}, "'cifar100-lt'.*'cifar'"),
        ({"name": "digits-lt", "imbalance_factor": 0.9}, ">= 1"),
        ({"name": "digits-lt", "imbalance_factor": 125}, "lower it to at most 124"),
        ({"name": "digits-lt", "selection": "first"}, "'hash', 'cao'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load(**arguments)
    assert_one_sentence(str(caught.value))
