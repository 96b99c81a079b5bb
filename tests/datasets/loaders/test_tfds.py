"""Through a builder of tensorflow-datasets that prepares real files."""

import pickle

import numpy as np
import pytest

from keras_ccar.datasets import count_classes, from_arrays, from_tfds

tfds = pytest.importorskip("tensorflow_datasets")

LABELS = np.repeat([0, 1, 2], [20, 10, 5])
IMAGES = np.random.default_rng(0).integers(0, 256, (35, 6, 5, 3), dtype="uint8")


class TinyPets(tfds.core.GeneratorBasedBuilder):
    """Images of noise; the split "broken" holds bytes that are not images."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(6, 5, 3), encoding_format="png"),
            "label": tfds.features.ClassLabel(names=["cat", "dog", "owl"]),
            "id": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description="Images of noise.",
            features=tfds.features.FeaturesDict(features),
            homepage="https://www.tensorflow.org/datasets",
        )

    def _split_generators(self, dl_manager):
        splits = {
            "train": IMAGES,
            "test": 255 - IMAGES[::5],
            "copied": [*(255 - IMAGES[:3]), *IMAGES[[4, 9]]],
            "broken": [b"none"] * 35,
        }
        labels = {
            "train": LABELS,
            "test": LABELS[::5],
            "copied": LABELS[:5],
            "broken": LABELS,
        }
        return {
            name: self._generate_examples(images, labels[name])
            for name, images in splits.items()
        }

    def _generate_examples(self, images, labels):
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield i, {"image": image, "label": label, "id": f"{i}"}


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    builder = TinyPets(data_dir=tmp_path_factory.mktemp("tfds"))
    builder.download_and_prepare()
    return builder


def test_stream(builder):
    data = from_tfds(builder)
    assert data.class_counts.tolist() == [20, 10, 5]
    assert data.class_names == ("cat", "dog", "owl")
    assert data.imbalance_factor == 4
    assert data.name == "tiny_pets"
    stored = {x.tobytes(): y for x, y in zip(IMAGES, LABELS, strict=True)}
    streamed = {x.tobytes(): int(y) for x, y in data.train.as_numpy_iterator()}
    assert streamed == stored
    assert sum(1 for _ in data.test) == 7


def test_streams_can_be_handed_to_another_process(builder):
    data = pickle.loads(pickle.dumps(from_tfds(builder)))
    streamed = {x.tobytes(): int(y) for x, y in data.train.as_numpy_iterator()}
    assert streamed == {x.tobytes(): y for x, y in zip(IMAGES, LABELS, strict=True)}
    assert sum(1 for _ in data.test) == 7


def test_arrays_are_those_of_any_other_source(builder):
    data = from_tfds(builder, imbalance_factor=2.5, in_memory=True)
    other = from_arrays((IMAGES, LABELS), imbalance_factor=2.5)
    assert data.class_counts.tolist() == [5, 3, 2]
    assert data.digest == other.digest
    assert len(data.test_arrays[1]) == 7


def test_labels_are_counted_without_decoding_an_image(builder):
    # Decoding the images of this split would fail.
    assert count_classes(builder, split="broken").tolist() == [20, 10, 5]
    with pytest.raises(Exception, match=r"PNG|image"):
        list(builder.as_dataset(split="broken"))


@pytest.mark.parametrize("in_memory", [True, False])
def test_test_images_that_are_training_images_are_reported(builder, in_memory):
    # Examples are shuffled when they are prepared, so that their numbers are not known.
    message = (
        r"2 of 5 test images are in the training set too: image \d of the split "
        r"'copied' is image \d+ of the split 'train', image \d of"
    )
    with pytest.warns(UserWarning, match=message):
        from_tfds(builder, test_split="copied", in_memory=in_memory)


def test_images_that_cannot_be_decoded_are_named(builder):
    message = "image 0 of the split 'broken' cannot be read"
    with pytest.raises(ValueError, match=message):
        from_tfds(builder, "broken", in_memory=True)
    with pytest.raises(Exception, match=message):
        next(iter(from_tfds(builder, "broken").train))


def test_part_of_a_split(builder):
    assert count_classes(builder, split="train[:100%]").tolist() == [20, 10, 5]
    assert count_classes(builder, split="train[:10]").sum() == 10


def test_counting_a_builder_is_counting_its_dataset(builder):
    dataset = builder.as_dataset(split="train")
    assert count_classes(builder).tolist() == count_classes(dataset).tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train_split": "training"}, "Unknown split 'training'"),
        ({"label_key": "class"}, "no feature 'class': choose"),
        ({"image_key": "picture"}, "no feature 'picture': choose .*id, image, label"),
        ({"imbalance_factor": 2}, "pass `in_memory=True`"),
        ({"imbalance_factor": 0.5, "in_memory": True}, ">= 1"),
    ],
)
def test_invalid_arguments(builder, arguments, message):
    with pytest.raises(ValueError, match=message):
        from_tfds(builder, **arguments)


def test_nothing_prepared(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No prepared tiny_pets .*tfds build"):
        from_tfds(TinyPets(data_dir=tmp_path))


class TinyXrays(tfds.core.GeneratorBasedBuilder):
    """Images of 12 bits in files of 16."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        image = tfds.features.Image(shape=(4, 4, 1), dtype=np.uint16)
        features = {"image": image, "label": tfds.features.ClassLabel(num_classes=2)}
        return tfds.core.DatasetInfo(
            builder=self,
            description="Images of 12 bits.",
            features=tfds.features.FeaturesDict(features),
            homepage="https://www.tensorflow.org/datasets",
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i in range(4):
            image = np.full((4, 4, 1), 1000 * i, "uint16")
            yield i, {"image": image, "label": i % 2}


@pytest.mark.parametrize("in_memory", [True, False])
def test_images_of_12_bits_are_reported(tmp_path, in_memory):
    builder = TinyXrays(data_dir=tmp_path)
    builder.download_and_prepare()
    with pytest.warns(UserWarning, match=r"tiny_xrays use values up to 3,000 of"):
        from_tfds(builder, test_split=None, in_memory=in_memory)
