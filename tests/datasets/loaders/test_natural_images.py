"""ImageNet-LT and iNaturalist 2018 through their builders' own code."""

from functools import partial

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar import datasets

tfds = pytest.importorskip("tensorflow_datasets")

# `mock_data` generates the examples from the builders' features with this call.
pytestmark = pytest.mark.filterwarnings("ignore:.*output_types is deprecated")

CLASSES = {"imagenet-lt": 1000, "inaturalist2018": 8142}


@pytest.fixture(params=CLASSES)
def data(request):
    with tfds.testing.mock_data(num_examples=12):
        yield datasets.load(request.param)


def test_stream(data):
    assert data.num_classes == len(data.class_names) == CLASSES[data.name]
    assert data.class_counts.sum() == 12
    assert len(data.digest) == 64
    for stream in (data.train, data.test):
        image, label = next(stream.as_numpy_iterator())
        assert image.ndim == 3
        assert image.shape[-1] == 3
        assert image.dtype == "uint8"
        assert 0 <= label < data.num_classes


@pytest.mark.slow
def test_one_training_step_of_resnet50(data):
    batches = datasets.training_batches(
        data, batch_size=4, image_size=32, color_jitter=0.4, buffer_size=12
    )
    model = keras.applications.ResNet50(
        weights=None, classes=data.num_classes, input_shape=(32, 32, 3)
    )
    loss = keras_ccar.CCARLoss(data.class_counts)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss)
    evaluation = datasets.evaluation_batches(data, 4, 32)
    assert np.isfinite(model.evaluate(evaluation, verbose=0))
    before = model.get_layer("predictions").get_weights()[0]
    history = model.fit(batches.take(1), verbose=0, shuffle=False).history
    assert np.isfinite(history["loss"]).all()
    assert np.abs(model.get_layer("predictions").get_weights()[0] - before).max() > 0


def test_sampler_before_decoding(data):
    batches = datasets.training_batches(
        data,
        batch_size=3,
        image_size=8,
        sampler=partial(datasets.class_balanced, epochs=2),
        buffer_size=5,
    )
    labels = np.concatenate([y for _, y in batches.as_numpy_iterator()])
    drawn = np.bincount(labels, minlength=data.num_classes)
    assert set(drawn[data.class_counts > 0]) == {24 // (data.class_counts > 0).sum()}


@pytest.mark.parametrize("name", CLASSES)
def test_nothing_prepared(name, tmp_path):
    with pytest.raises(FileNotFoundError, match="No prepared") as caught:
        datasets.load(name, data_dir=tmp_path)
    assert "TFDS_DATA_DIR" in str(caught.value)
    by_hand = "ILSVRC2012_img_train.tar" in str(caught.value)
    assert by_hand == (name == "imagenet-lt")


@pytest.mark.parametrize("arguments", [{"imbalance_factor": 10}, {"selection": "cao"}])
def test_the_tail_is_their_own(arguments):
    with pytest.raises(ValueError, match="long-tailed as it is"):
        datasets.load("imagenet-lt", **arguments)
