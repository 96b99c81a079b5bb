import os
import pickle
import re
import socket

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
    unseen = 255 - images[:6]
    write(tmp_path / "test" / "cat", unseen[:2])
    write(tmp_path / "test" / "dog", unseen[2:5], ".bmp")
    write(tmp_path / "test" / "owl", unseen[5:])
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
    with pytest.raises(ValueError, match=r"image \(yak\): add images") as caught:
        from_directory(folder)
    assert_one_sentence(caught)


def test_all_that_class_folders_must_not_hold_is_named_at_once(animals):
    folder = animals[0]
    for number in range(6):
        (folder / "dog" / f"part{number}").mkdir()
    for name in ("yak", "zebra", "cat/more"):
        (folder / name).mkdir()
    (folder / "owl" / "a.heic").write_bytes(b"")
    with pytest.raises(ValueError, match="must hold images alone") as caught:
        from_directory(folder)
    assert_one_sentence(caught)
    parts = ", ".join(f"dog/part{number}" for number in range(4))
    for part in (
        f"folders in them (cat/more, {parts} and 2 more): move their images up",
        "some without an image (yak, zebra): add images (.png",
        "images of a kind that is not read (owl/a.heic): save as PNG",
    ):
        assert part in str(caught.value)


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


def test_the_folder_that_one_is_in_gives_its_name(animals, monkeypatch):
    monkeypatch.chdir(animals[0])
    assert from_directory(".").name == "animals"


def test_what_programs_leave_behind_is_skipped(animals):
    folder, images, _ = animals
    clutter = (
        ".ipynb_checkpoints/001-checkpoint.png",
        "__MACOSX/cat/._001.png",
        "cat/.ipynb_checkpoints/001-checkpoint.png",
        "cat/._001.png",
        "cat/.DS_Store",
        "cat/Thumbs.db",
        "owl/notes.txt",
        "labels.csv",
    )
    for name in clutter:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"no image")
    data = from_directory(folder)
    assert data.class_names == ("cat", "dog", "owl")
    np.testing.assert_array_equal(data.train_arrays[0], images)


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("dog/pipe.png", r"dog/pipe\.png is neither a file nor .*: delete it"),
        ("dog/notes", "dog/notes is neither a file nor a folder"),
        ("pipe", "animals/pipe is neither a file nor a folder"),
    ],
)
def test_a_pipe_is_not_read(animals, place, message, in_memory):
    os.mkfifo(animals[0] / place)
    with pytest.raises(ValueError, match=message):
        from_directory(animals[0], in_memory=in_memory)


def test_a_socket_is_not_read(animals, monkeypatch):
    monkeypatch.chdir(animals[0])  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("dog/x.png")
        with pytest.raises(ValueError, match=r"x\.png is neither a file"):
            from_directory(".")


@pytest.mark.parametrize(
    ("place", "target", "message"),
    [
        ("dog/7.png", "7.png", r"dog/7\.png cannot be read \(.+\): replace it"),
        ("dog/7.png", "nothing.png", r"dog/7\.png cannot be read \(No such file"),
        ("yak", "yak", "animals/yak cannot be read"),
        ("yak", ".", r"animals/yak is a link to .*animals, .* delete the link"),
        ("yak", "..", "yak is a link to .* holds it already: delete the link"),
        ("yak", "cat", "yak is a link to .*cat, which is read"),
        ("dog/all", "..", r"folders in them \(dog/all\): move their images up"),
    ],
)
def test_links_that_lead_nowhere_or_in_circles(animals, place, target, message):
    (animals[0] / place).symlink_to(target)
    with pytest.raises(ValueError, match=message) as caught:
        from_directory(animals[0])
    assert_one_sentence(caught)


def test_links_to_images_and_folders_are_followed(animals, tmp_path):
    folder, images, _ = animals
    linked = tmp_path / "linked"
    (linked / "owl").mkdir(parents=True)
    (linked / "cat").symlink_to(folder / "cat")
    (linked / "owl" / "1.png").symlink_to(folder / "owl" / "001.png")
    data = from_directory(linked)
    assert data.class_counts.tolist() == [30, 1]
    np.testing.assert_array_equal(data.train_arrays[0][30], images[61])


@pytest.mark.parametrize("name", ["7.heic", "7.SVG"])
def test_images_that_are_not_read_are_not_left_out_silently(animals, name):
    (animals[0] / "dog" / name).write_bytes(b"")
    with pytest.raises(ValueError, match=rf"read \(dog/{name}\): save") as caught:
        from_directory(animals[0])
    assert_one_sentence(caught)


@pytest.mark.parametrize(
    ("name", "shown"), [(b"ya\x07k", r"ya\\x07k"), (b"ya\xe9k", r"ya\\udce9k")]
)
def test_names_of_classes_are_plain_text(animals, name, shown):
    os.mkdir(os.path.join(os.fsencode(animals[0]), name))
    with pytest.raises(ValueError, match=f"'{shown}' in .*not plain text: rename"):
        from_directory(animals[0])


def test_names_of_classes_look_different(animals):
    for name in ("caf\u00e9", "cafe\u0301"):
        (animals[0] / name).mkdir()
    with pytest.raises(ValueError, match="more than once: 'caf\u00e9'"):
        from_directory(animals[0])


@pytest.mark.parametrize("given", [None, "caf\u00e9", "cafe\u0301"])
def test_names_of_classes_may_be_written_in_two_ways(animals, tmp_path, given):
    folder, images, _ = animals
    (folder / "cat").rename(folder / "cafe\u0301")
    names = given and [given, "dog", "owl"]
    for name in ("caf\u00e9", "dog", "owl"):
        write(tmp_path / "test" / name, 255 - images[:1])
    data = from_directory(folder, tmp_path / "test", class_names=names)
    assert data.class_names == (given or "caf\u00e9", "dog", "owl")
    np.testing.assert_array_equal(data.train_arrays[0], images)
    assert data.test_arrays[1].tolist() == [0, 1, 2]


@pytest.mark.parametrize("in_memory", [True, False])
def test_names_of_images_need_not_be_unicode(animals, in_memory):
    folder, images, _ = animals
    old = os.path.join(os.fsencode(folder), b"cat", b"000.png")
    os.rename(old, os.path.join(os.fsencode(folder), b"cat", b"caf\xe9.png"))
    data = from_directory(folder, in_memory=in_memory)
    streamed = [image for image, _ in data.train.as_numpy_iterator()]
    np.testing.assert_array_equal(streamed[29], images[0])
    np.testing.assert_array_equal(streamed[30:], images[30:])


@pytest.mark.parametrize("in_memory", [True, False])
def test_test_data_have_the_classes_of_the_training_data(animals, tmp_path, in_memory):
    folder, images, _ = animals
    test = tmp_path / "test"
    for i, name in enumerate(("cat", "dog", "owl", "yak")):
        write(test / name, 255 - images[i : i + 1])
    with pytest.raises(ValueError, match="class 'yak' that the training") as caught:
        from_directory(folder, test, in_memory=in_memory)
    assert_one_sentence(caught)
    data = from_directory(
        folder, test, in_memory=in_memory, class_names=["cat", "dog", "owl"]
    )
    assert [int(label) for _, label in data.test] == [0, 1, 2]
    with pytest.raises(FileNotFoundError, match=r"animals/yak for class 'yak': add"):
        from_directory(test, folder, in_memory=in_memory)


def test_test_images_have_the_shape_of_training_images(animals, tmp_path):
    folder, images, _ = animals
    for name in ("cat", "dog", "owl"):
        write(tmp_path / "test" / name, images[:1, :3])
    with pytest.raises(ValueError, match=r"\(5, 4, 3\)\. Received \(3, 4, 3\): resize"):
        from_directory(folder, tmp_path / "test")


@pytest.mark.parametrize("in_memory", [True, False])
def test_copies_of_training_images_are_reported(animals, tmp_path, in_memory):
    folder, images, _ = animals
    test = tmp_path / "test"
    write(test / "cat", [255 - images[0], images[3]], ".bmp")
    write(test / "dog", [images[31]])
    write(test / "owl", [255 - images[1]])
    message = (
        r"2 of 4 test images are in the training set too: \S+/test/cat/001\.bmp is "
        r"\S+/animals/cat/003\.png, \S+/test/dog/000.png is \S+/animals/dog/001\.png\. "
    )
    with pytest.warns(UserWarning, match=message):
        from_directory(folder, test, in_memory=in_memory)
