"""Folders of images: mixed sizes, broken files and single examples are listed."""

import errno
import os
import re
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from small_preset import write_preset

from keras_ccar.benchmark.sources import networks
from keras_ccar.benchmark.sources.images import image_files
from keras_ccar.benchmark.sources.images.image_reading import ImageReading
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import count_data, read_data

COUNTS = {"cat": 12, "dog": 6, "eel": 1, "owl": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "photos"
    rng = np.random.default_rng(0)
    for number, (name, count) in enumerate(COUNTS.items()):
        (root / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 256, (20 + 3 * number, 30 + i, 3)).astype("uint8")
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    whole = (root / "dog" / "0.png").read_bytes()
    (root / "dog" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (root / "cat" / "no image.jpg").write_text("nothing")
    return root


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset")
    return write_preset(folder, 16, [0.01, 0.02, 0.03], [-0.4, 0.0, 0.1], stages=2)


def check_notes(notes):
    broken, single, sizes = notes
    assert broken.startswith("Warning: 2 of 24 image files")
    reasons = r"cat/no image\.jpg \(it is none of PNG, .+\), dog/cut\.png \(.*truncated"
    assert re.search(rf"left out: {reasons}.*\)\.$", broken)
    assert single.endswith("They are left out: 'eel'.")
    assert sizes.startswith("The images have ")
    assert "sizes, from 30 x 20 to " in sizes


def test_images_of_all_sizes_become_squares(folder):
    data = read_data(folder, SourceOptions())
    assert (data.name, data.kind) == ("photos", "softmax")
    assert data.class_names == ("cat", "dog", "owl")
    # The usual shorter side of these images.
    assert data.train[0].shape == (17, 20, 20, 3)
    assert np.bincount(data.train[1]).tolist() == [10, 5, 2]
    assert np.bincount(data.validation[1]).tolist() == [2, 1, 1]
    check_notes(data.notes)
    assert data.build_model().output_shape == (None, 3)


def test_the_whole_takes_an_image_of_any_size(folder):
    data = read_data(folder, SourceOptions(image_size=12))
    network = data.build_model()
    whole = data.make_whole(network)
    resized = networks.resize(data.example, 12)
    # It is one of those that were read.
    known = np.concatenate([data.train[0], data.validation[0]])
    assert (known == resized).all(axis=(1, 2, 3)).sum() == 1
    expected = network.predict(resized[None], verbose=0)
    answer = whole.predict(data.example[None], verbose=0)
    np.testing.assert_allclose(answer, expected, atol=1e-3)


@pytest.mark.parametrize("tune", ["head", "stage", "all"])
def test_a_backbone(folder, preset, tmp_path, tune):
    options = SourceOptions(backbone=preset, tune=tune, cache=tmp_path)
    data = read_data(folder, options)
    shape = {"head": (64,), "stage": (4, 4, 64), "all": (16, 16, 3)}[tune]
    assert data.train[0].shape == (17, *shape)
    assert bool(list(tmp_path.rglob("*.npz"))) == (tune != "all")
    check_notes(data.notes)
    network = data.build_model()
    whole = data.make_whole(network)
    assert whole.output_shape == (None, 3)
    # The features that were read and those of the whole are the same.
    known = np.concatenate([data.train[0], data.validation[0]])
    answers = network.predict(known, verbose=0)
    answer = whole.predict(data.example[None], verbose=0)
    distances = np.abs(answers - answer).max(axis=1)
    # How far apart images are depends on the first weights.
    assert distances.min() < 0.02 * np.median(distances)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_part_in_another_folder(folder, part):
    data = read_data(folder, SourceOptions(**{part: folder}))
    assert np.bincount(getattr(data, part)[1]).tolist() == [12, 6, 3]
    expected = [12, 6, 3] if part == "validation" else [10, 5, 2]
    assert np.bincount(data.train[1]).tolist() == expected


def test_count(folder):
    labelled, notes = count_data(folder, SourceOptions())
    assert labelled.counts.tolist() == [12, 6, 3]
    assert len(notes) == 2


def test_images_beside_the_class_folders_are_counted(folder, tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).symlink_to(folder / name)
    for name in ("a.png", "b.JPG", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    expected = "Warning: 2 image files lie beside the class folders in .*: a.png, b.JPG"
    data = read_data(tmp_path, SourceOptions())
    assert len([note for note in data.notes if re.match(expected, note)]) == 1
    _, notes = count_data(tmp_path, SourceOptions())
    assert re.match(expected, notes[0])


def test_a_preset_that_is_none(folder, tmp_path):
    pytest.importorskip("keras_hub")
    with pytest.raises(ValueError, match="`backbone` must be a preset"):
        read_data(folder, SourceOptions(backbone=str(tmp_path)))


def test_two_folders_are_one_label(tmp_path):
    for name, count in (("crack", 3), ("fine", 6)):
        (tmp_path / name).mkdir()
        for i in range(count):
            Image.fromarray(np.full((8, 8), 30 * i, "uint8")).save(
                tmp_path / name / f"{i}.png"
            )
    data = read_data(tmp_path, SourceOptions())
    assert (data.kind, data.class_names) == ("binary", ("fine", "crack"))
    assert data.build_model().output_shape == (None, 1)
    assert isinstance(data.make_whole(data.build_model()), keras.Model)


def write(path, seed=0, side=8):
    """Writes an image of noise; the same seed gives the same pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3))
    Image.fromarray(pixels.astype("uint8")).save(path)


@pytest.fixture
def small(tmp_path):
    """Folders of 4 images of each of two classes."""
    root = tmp_path / "small"
    for place, name in enumerate(("dent", "ok")):
        for i in range(4):
            write(root / name / f"{i}.png", 10 * place + i)
    return root


def count(path):
    labelled, notes = count_data(path, SourceOptions())
    return dict(zip(labelled.coding.class_names, labelled.counts, strict=True)), notes


def predict(path):
    notes = []
    found = ImageReading(8, None).read(path, notes)
    return [file[len(str(path)) + 1 :] for file in found.names["file"]], notes


def test_files_of_other_kinds_are_noted(small):
    assert not [note for note in count(small)[1] if "other file" in note]
    for name in ("a.dcm", "b.npy", "c.nii.gz", "d.svs", "e.zip", "noname"):
        (small / "ok" / name).write_bytes(b"")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (small / "ok" / name).write_bytes(b"")
    counts, notes = count(small)
    assert counts == {"dent": 4, "ok": 4}
    names = ", ".join(
        f"ok/{name}"
        for name in ("a.dcm", "b.npy", "c.nii.gz", "d.svs", "e.zip", "noname")
    )
    (note,) = [note for note in notes if "other file" in note]
    assert note.startswith(f"Warning: 6 other files in {small} are left out, as only ")
    assert f" are read: {names}. " in note
    assert note in read_data(small, SourceOptions()).notes
    held_out = read_data(small, SourceOptions(test=small)).notes
    assert held_out.count(note) == 2


def test_files_of_other_kinds_are_noted_before_prediction(small):
    (small / "ok" / "deep").mkdir()
    for name in ("a.jfif", "deep/b.heic", "deep/c.dcm", ".hidden", "Thumbs.db"):
        (small / "ok" / name).write_bytes(b"")
    files, notes = predict(small / "ok")
    assert files == [f"{i}.png" for i in range(4)]
    (note,) = notes
    assert note.startswith("Warning: 3 other files in ")
    assert " are read: a.jfif, deep/b.heic, deep/c.dcm. " in note
    with pytest.raises(ValueError, match=r"can be read\. 2 other files .* are left"):
        predict(small / "ok" / "deep")


@pytest.mark.parametrize("backbone", [False, True])
def test_a_picture_in_two_classes_is_noted(small, backbone, preset, tmp_path):
    write(small / "ok" / "same size, other pixels.png", 99)
    # Within a class it has no other label.
    write(small / "ok" / "twice.png", 10)
    options = SourceOptions()
    if backbone:
        options = SourceOptions(backbone=preset, tune="head", cache=tmp_path / "cache")
    assert "same pixels" not in " ".join(read_data(small, options).notes)
    # Other bytes, the same pixels.
    with Image.open(small / "dent" / "1.png") as image:
        image.save(small / "ok" / "copy.bmp")
    (small / "ok" / "2.png").write_bytes((small / "dent" / "3.png").read_bytes())
    for notes in (count(small)[1], read_data(small, options).notes):
        (note,) = [note for note in notes if "same pixels" in note]
        assert note.startswith("Warning: 2 pictures are in more than one class of ")
        same = "dent/1.png = ok/copy.bmp, dent/3.png = ok/2.png"
        assert f"pixels: {same}. A picture has one class" in note


@pytest.mark.parametrize("target", ["nothing.png", "link.png"])
def test_a_link_to_nothing_is_a_file_that_cannot_be_read(small, target):
    (small / "ok" / "link.png").symlink_to(target)
    (small / "ok" / "other").symlink_to(target)
    is_loop = target == "link.png"
    why = os.strerror(errno.ELOOP if is_loop else errno.ENOENT)
    counts, notes = count(small)
    assert counts == {"dent": 4, "ok": 4}
    assert notes[0].startswith("Warning: 1 other file in ")
    assert notes[0].split(" are read: ")[1].startswith("ok/other. ")
    assert notes[1].startswith("Warning: 1 of 9 image files in ")
    assert notes[1].endswith(f"left out: ok/link.png ({why}).")
    assert notes[1] in read_data(small, SourceOptions()).notes
    files, notes = predict(small / "ok")
    assert files == [f"{i}.png" for i in range(4)]
    assert " are read: other. " in notes[0]
    assert notes[1].endswith(f"left out: {small / 'ok' / 'link.png'} ({why}).")
    (small / "cat.png").symlink_to(target)
    assert count(small)[1][0] == (
        f"Warning: 1 image file lies beside the class folders in {small}, has no class "
        "and is left out: cat.png."
    )
    # It may have been a class.
    (small / "cat").symlink_to("nothing")
    with pytest.raises(ValueError, match="small/cat cannot be read"):
        count(small)


def test_hidden_folders_of_images_are_noted(small):
    for name in (".git/HEAD", ".ipynb_checkpoints/0.png", ".trash/._0.png"):
        (small / name).parent.mkdir()
        (small / name).write_bytes(b"")
    assert not [note for note in count(small)[1] if "hidden" in note]
    for i in range(2):
        write(small / ".blue" / f"{i}.png", 50 + i)
    counts, notes = count(small)
    assert counts == {"dent": 4, "ok": 4}
    assert notes[0].startswith("Warning: 1 hidden folder of images in ")
    assert "left out: .blue. Rename what is meant" in notes[0]
    assert notes[0] in read_data(small, SourceOptions()).notes
    write(small / "ok" / ".more" / "0.png")
    files, notes = predict(small)
    assert len(files) == 8
    assert notes[0].startswith("Warning: 2 hidden folders of images in ")
    assert "left out: .blue, ok/.more. " in notes[0]


def test_names_of_classes_are_the_same_in_both_ways_of_unicode(small, tmp_path):
    # One letter, or a letter and its accent, as macOS writes it.
    composed, apart = "caf\u00e9", "cafe\u0301"
    (small / "ok").rename(small / composed)
    shutil.copytree(small, tmp_path / "test")
    (tmp_path / "test" / composed).rename(tmp_path / "test" / apart)
    for path, other in ((small, tmp_path / "test"), (tmp_path / "test", small)):
        data = read_data(path, SourceOptions(test=other))
        assert set(data.class_names) == {"dent", composed}
        assert np.bincount(data.test[1]).tolist() == [4, 4]
    one, two = (
        read_data(path, SourceOptions()).validation[0]
        for path in (small, tmp_path / "test")
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("classes", [("dent",), ("dent", "ok")])
def test_why_no_image_can_be_read(tmp_path, classes):
    for name in ("dent", "ok"):
        for i in range(3):
            write(tmp_path / name / f"{i}.png", i)
    for name in classes:
        for i in range(3):
            (tmp_path / name / f"{i}.png").unlink()
            values = np.full((8, 8), 0.5, "float32")
            Image.fromarray(values).save(tmp_path / name / f"{i}.tif")
    total = 3 * len(classes)
    message = (
        rf"of two classes or more\. {total} of 6 .* The first: .*save it with 8 or"
    )
    for read in (read_data, count_data):
        with pytest.raises(ValueError, match=message):
            read(tmp_path, SourceOptions())
    with pytest.raises(ValueError, match=r"3 of 3 image files .*save it with 8 or 16"):
        predict(tmp_path / "dent")


@pytest.mark.parametrize("suffix", [".tif", ".gif", ".webp", ".png"])
def test_more_pages_and_frames_are_noted(small, suffix):
    rng = np.random.default_rng(9)
    pages = [
        Image.fromarray(rng.integers(0, 256, (8, 8, 3)).astype("uint8"))
        for _ in range(3)
    ]
    pages[0].save(small / "ok" / f"one{suffix}")
    pages[0].save(small / "ok" / "phone.jpg", "MPO", save_all=True)
    assert not [note for note in count(small)[1] if "first page" in note]
    file = small / "ok" / f"more{suffix}"
    pages[0].save(file, save_all=True, append_images=pages[1:])
    for notes in (count(small)[1], predict(small)[1]):
        (note,) = [note for note in notes if "first page" in note]
        assert note.startswith(
            "Warning: only the first page or frame is read of 1 of 11 image files in "
        )
        assert f"ok/more{suffix}. Save" in note


@pytest.mark.parametrize("part", ["validation", "test"])
def test_other_classes_of_a_part(small, tmp_path, part):
    shutil.copytree(small, tmp_path / "held")
    for name in ("scratch", "rust"):
        write(tmp_path / "held" / name / "0.png")
    options = SourceOptions(**{part: tmp_path / "held"})
    with pytest.raises(ValueError, match=f"The {part} folder .*: 'rust', 'scratch'. R"):
        read_data(small, options)
    # What the error advises.
    for name in ("scratch", "rust"):
        shutil.rmtree(tmp_path / "held" / name)
    assert len(getattr(read_data(small, options), part)[1]) == 8


def test_predict_computes_no_hashes_and_resizes_only_other_sizes(small, monkeypatch):
    write(small / "ok" / "large.png", side=16)
    reading = ImageReading(8, None)
    expected = reading.read(small, []).inputs
    monkeypatch.setattr(image_files, "image_hashes", None)
    resized = []
    resize = tf.image.resize
    monkeypatch.setattr(
        tf.image, "resize", lambda *a, **k: (resized.append(1), resize(*a, **k))[1]
    )
    np.testing.assert_array_equal(reading.read(small, []).inputs, expected)
    assert len(resized) == 1
    with pytest.raises(TypeError):  # They find pictures that are in two classes.
        count_data(small, SourceOptions())


@pytest.mark.parametrize("side", [8, 31])
def test_an_image_of_the_side_is_not_resized(side):
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype("uint8")
    pixels = tf.image.resize(image, (side, side), antialias=True)
    np.testing.assert_array_equal(pixels, image)
    np.testing.assert_array_equal(networks.resize(image, side), image)


def test_files_that_cannot_be_read_for_one_reason_are_listed_together(small):
    values = np.full((8, 8), 0.5, "float32")
    for i in range(13):
        Image.fromarray(values).save(small / "ok" / f"{i:02}.tif")
    (small / "dent" / "empty.png").write_bytes(b"")
    listed = ", ".join(f"ok/{i:02}.tif" for i in range(10))
    expected = (
        "dent/empty.png (it is none of PNG, JPEG, BMP, GIF, WEBP, TIFF), "
        f"{listed} and 3 more (its pixels of 32 bits have no known range, save it with "
        "8 or 16 bits)."
    )
    for notes in (count(small)[1], read_data(small, SourceOptions()).notes):
        assert notes[0].startswith("Warning: 14 of 22 image files in ")
        assert notes[0].endswith(f"left out: {expected}")
    assert predict(small / "dent")[1][0].endswith(
        "empty.png (it is none of PNG, JPEG, BMP, GIF, WEBP, TIFF)."
    )


@pytest.mark.parametrize("has_broken", [False, True])
def test_a_folder_of_one_class_of_two_is_measured_but_chooses_nothing(
    small, tmp_path, has_broken
):
    write(small / "ok" / "more.png", 99)  # so that a dent is the rarer one
    held = tmp_path / "held"
    shutil.copytree(small / "dent", held / "dent")
    if has_broken:
        (held / "dent" / "broken.png").write_bytes(b"")
    data = read_data(small, SourceOptions(test=held))
    assert data.test[1].tolist() == [1] * 4
    (note,) = [note for note in data.notes if "All examples of" in note]
    assert "have 'dent'. What is measured" in note
    with pytest.raises(ValueError, match="have 'dent', and validation data choose"):
        read_data(small, SourceOptions(validation=held))
    (held / "dent").rename(held / "ok")
    with pytest.raises(ValueError, match=r"lacks 'dent'\."):
        read_data(small, SourceOptions(test=held))
