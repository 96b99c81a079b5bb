import pickle
import re

import numpy as np
import pytest
from PIL import Image

from keras_ccar.datasets import count_classes, from_arrays, from_directory


def write(folder, images, suffix=".png"):
    folder.mkdir(parents=True)
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i:03}{suffix}")


@pytest.fixture
def animals(tmp_path):
    """Folders of 30 cats, 30 dogs and 30 owls, and the same images as arrays."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (90, 5, 4, 3), dtype="uint8")
    for i, name in enumerate(("cat", "dog", "owl")):
        write(tmp_path / "animals" / name, images[30 * i : 30 * i + 30])
    return tmp_path / "animals", images, np.repeat([0, 1, 2], 30)


def assert_one_sentence(caught):
    message = str(caught.value)
    assert not re.search(r"[.!?]\s+[A-Z]", message), message
    assert "\n" not in message


def test_folders_hold_what_arrays_hold(animals):
    folder, images, labels = animals
    data = from_directory(folder, imbalance_factor=10, seed=3)
    other = from_arrays((images, labels), imbalance_factor=10, seed=3)
    assert data.class_names == ("cat", "dog", "owl")
    assert data.name == "animals"
    assert data.class_counts.tolist() == [30, 9, 3]
    assert data.digest == other.digest
    np.testing.assert_array_equal(data.train_arrays[0], other.train_arrays[0])
    np.testing.assert_array_equal(data.train_arrays[1], other.train_arrays[1])


def test_streamed_folders_hold_the_same(animals, tmp_path):
    folder, images, _ = animals
    write(tmp_path / "test" / "cat", images[:2])
    write(tmp_path / "test" / "dog", images[2:5], ".bmp")
    write(tmp_path / "test" / "owl", images[5:6])
    streamed = from_directory(folder, tmp_path / "test", in_memory=False)
    # As if sent to another process.
    streamed = pickle.loads(pickle.dumps(streamed))
    in_memory = from_directory(folder, tmp_path / "test")
    assert streamed.train_arrays is None
    assert streamed.digest == in_memory.digest
    assert streamed.class_counts.tolist() == [30, 30, 30]
    for name in ("train", "test"):
        expected_images, expected_labels = getattr(in_memory, f"{name}_arrays")
        stream = list(getattr(streamed, name).as_numpy_iterator())
        np.testing.assert_array_equal([x for x, _ in stream], expected_images)
        np.testing.assert_array_equal([y for _, y in stream], expected_labels)
    assert count_classes(streamed.test).tolist() == [2, 3, 1]


def test_test_set_can_be_taken_out(animals):
    data = from_directory(animals[0], test_per_class=10)
    assert data.class_counts.tolist() == [20, 20, 20]
    assert np.bincount(data.test_arrays[1]).tolist() == [10, 10, 10]


def test_classes_can_be_ordered_and_chosen(animals):
    data = from_directory(animals[0], class_names=["owl", "cat"])
    assert data.class_names == ("owl", "cat")
    np.testing.assert_array_equal(data.train_arrays[0][:30], animals[1][60:])


def test_images_of_different_shapes_can_be_streamed(animals):
    folder, images, _ = animals
    Image.fromarray(images[0][:3]).save(folder / "dog" / "small.png")
    with pytest.raises(ValueError, match=r"small\.png .*\(3, 4\).*\(5, 4\)") as caught:
        from_directory(folder)
    assert_one_sentence(caught)
    data = from_directory(folder, in_memory=False)
    assert data.class_counts.tolist() == [30, 31, 30]


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("harm", ["garbage", "truncated", "empty"])
def test_corrupt_image(animals, in_memory, harm):
    folder = animals[0]
    path = folder / "dog" / "007.png"
    big = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype="uint8")
    Image.fromarray(big).save(path)
    contents = path.read_bytes()
    harmed = {"garbage": b"no image", "truncated": contents[:2000], "empty": b""}
    path.write_bytes(harmed[harm])
    with pytest.raises(ValueError, match=r"7\.png cannot be read.*replace") as caught:
        from_directory(folder, in_memory=in_memory)
    assert_one_sentence(caught)


def test_empty_class_folder(animals):
    folder = animals[0]
    (folder / "yak").mkdir()
    (folder / "yak" / "notes.txt").write_text("none yet")
    with pytest.raises(ValueError, match=r"yak holds no image.*add images") as caught:
        from_directory(folder)
    assert_one_sentence(caught)


@pytest.mark.parametrize(
    ("path", "arguments", "error", "message"),
    [
        ("none", {}, FileNotFoundError, "no folder .*none: pass"),
        ("cat", {}, ValueError, "holds 0: pass the folder above"),
        ("", {"class_names": ["cat", "yak"]}, FileNotFoundError, "'yak': add it"),
        ("", {"imbalance_factor": 31}, ValueError, "at most 30"),
        ("", {"imbalance_factor": 0.5}, ValueError, ">= 1"),
        ("", {"test_per_class": 30}, ValueError, "31 are asked"),
        (
            "",
            {"imbalance_factor": 2, "in_memory": False},
            ValueError,
            "pass `in_memory=True`",
        ),
    ],
)
def test_invalid_folders(animals, path, arguments, error, message):
    with pytest.raises(error, match=message):
        from_directory(animals[0] / path, **arguments)
