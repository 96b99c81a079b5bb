"""What has a sample weight of 0 is not counted."""

import keras
import numpy as np
import pytest

from keras_ccar.datasets import count_classes

RNG = np.random.default_rng(0)
Y = RNG.permutation(np.repeat([0, 1, 2], [60, 30, 10]))
W = RNG.integers(0, 3, 100) * 0.5
X = RNG.normal(size=(100, 4)).astype("float32")
EXPECTED = np.bincount(Y[W != 0], minlength=3)


class Batches(keras.utils.PyDataset):
    def __init__(self, *parts):
        super().__init__()
        self.parts = parts

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return tuple(part[10 * index : 10 * index + 10] for part in self.parts)


def tf_batches(*parts):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(parts).batch(7)


def tf_examples(*parts):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(parts)


def examples(*parts):
    return list(zip(*parts, strict=True))


def torch_batches(*parts):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(*map(torch.as_tensor, parts))
    return torch.utils.data.DataLoader(data, batch_size=9)


FORMS = [Batches, tf_batches, tf_examples, examples, torch_batches, lambda *p: p]


@pytest.mark.parametrize("data", FORMS)
@pytest.mark.parametrize("weights", [W, (W != 0).astype("float32"), W != 0])
def test_of_classes(data, weights):
    assert count_classes(data(X, Y, weights)).tolist() == EXPECTED.tolist()
    with_columns = data(X, Y[:, None], weights[:, None])
    assert count_classes(with_columns).tolist() == EXPECTED.tolist()


@pytest.mark.parametrize("data", FORMS)
def test_of_distributions_and_tags(data):
    one_hot = np.eye(3, dtype="float32")[Y]
    assert count_classes(data(X, one_hot, W)).tolist() == EXPECTED.tolist()
    tags = (RNG.random((100, 3)) < 0.4).astype("float32")
    yes = tags[W != 0].sum(axis=0)
    expected = np.stack([(W != 0).sum() - yes, yes], axis=-1)
    found = count_classes(data(X, tags, W), multi_label=True)
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("data", [Batches, tf_batches, tf_examples, lambda *p: p])
def test_of_maps(data):
    maps = RNG.integers(0, 3, (100, 5, 6))
    images = RNG.normal(size=(100, 5, 6, 1)).astype("float32")
    of_pixels = RNG.integers(0, 2, maps.shape).astype("float32")
    expected = np.bincount(maps[of_pixels != 0])
    assert count_classes(data(images, maps, of_pixels)).tolist() == expected.tolist()
    expected = np.bincount(maps[W != 0].ravel())
    assert count_classes(data(images, maps, W)).tolist() == expected.tolist()


def test_weights_that_are_all_0_leave_an_error():
    with pytest.raises(ValueError, match=r"empty|no label|must hold"):
        count_classes((X, Y, np.zeros(100)))


def test_weights_of_single_tags_are_marked_as_the_error_says():
    tags = (RNG.random((100, 3)) < 0.4).astype("float32")
    known = RNG.random((100, 3)) < 0.7
    data = list(Batches(X, tags, known.astype("float32")))
    with pytest.raises(ValueError, match=r"label_of=lambda x, y, w: \.\.\."):
        count_classes(data, multi_label=True)
    found = count_classes(
        data,
        multi_label=True,
        ignore_class=-1,
        label_of=lambda x, y, w: np.where(w == 0, -1, y),
    )
    yes = (tags * known).sum(axis=0)
    assert found.tolist() == np.stack([known.sum(axis=0) - yes, yes], -1).tolist()
