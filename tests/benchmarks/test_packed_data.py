"""Data sets in one file, for a machine that cannot read the originals."""

import numpy as np
import packed_data
import pytest

import keras_ccar
from keras_ccar import datasets
from keras_ccar.benchmark import Comparison


@pytest.fixture(scope="module")
def all_data():
    """Two subsets of the same images, which need more than one picture."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (450, 4, 6, 3), "uint8")
    labels = np.arange(450) % 3
    return [
        keras_ccar.datasets.from_arrays(
            (images[:420], labels[:420]),
            (images[420:], labels[420:]),
            imbalance_factor=factor,
            name="cifar100-lt",
        )
        for factor in (2, 4)
    ]


@pytest.fixture(scope="module")
def file(all_data, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / "data.npz"
    packed_data.pack(path, all_data)
    return path


def test_every_image_and_label_comes_back(all_data, file):
    for packed, data in zip(packed_data.unpack(file), all_data, strict=True):
        for name in ("train_arrays", "test_arrays"):
            for found, expected in zip(
                getattr(packed, name), getattr(data, name), strict=True
            ):
                np.testing.assert_array_equal(found, expected)
        assert packed.class_counts.tolist() == data.class_counts.tolist()
        for name in ("name", "class_names", "imbalance_factor", "seed", "digest"):
            assert getattr(packed, name) == getattr(data, name)


def test_other_images_are_refused(file, tmp_path):
    with np.load(file) as content:
        parts = dict(content)
    parts["train_0"] = parts["train_0"][::-1].copy()
    other = tmp_path / "other.npz"
    np.savez(other, **parts)
    with pytest.raises(ValueError, match="other images than those of cifar100-lt"):
        packed_data.unpack(other)


def test_the_command_trains_on_the_images_of_the_file(
    all_data, file, tmp_path, monkeypatch
):
    monkeypatch.setattr(datasets, "load", datasets.load)  # Is put back at the end.
    words = ["compare", str(file), "cifar100-lt", "--imbalance-factor", "4"]
    words += ["--model", "resnet8", "--epochs", "1", "--seeds", "1", "--methods", "ce"]
    words += ["--fixed-speed-settings", "--output", str(tmp_path / "run")]
    monkeypatch.setattr("sys.argv", ["packed_data.py", *words])
    with pytest.raises(SystemExit) as ended:
        packed_data.main()
    assert ended.value.code == 0
    comparison = Comparison.read(tmp_path / "run")
    assert comparison.dataset["digest"] == all_data[1].digest
    assert "keras-ccar compare cifar100-lt --imbalance-factor 4" in comparison.command


def test_data_that_is_not_in_the_file_is_named(all_data):
    load = packed_data.loader(all_data)
    assert load("cifar100-lt") is all_data[0]
    with pytest.raises(ValueError, match="no cifar100-lt with imbalance factor 3"):
        load("cifar100-lt", imbalance_factor=3.0)
    with pytest.raises(ValueError, match="and validation images in the file"):
        load("cifar100-lt", imbalance_factor=2.0, validation=True)
