"""`label_of` picks one of several labels, in every kind of data set."""

import numpy as np
import pytest

from keras_ccar.datasets import count_classes

RNG = np.random.default_rng(0)
DEFECT = (RNG.random(40) < 0.2).astype("int64")
KIND = RNG.integers(0, 3, 40)
X = RNG.normal(size=(40, 4)).astype("float32")
BOTH = {"defect": DEFECT, "kind": KIND}
EXPECTED = np.bincount(KIND).tolist()


def data_sets():
    import tensorflow as tf
    import torch

    dataset = tf.data.Dataset.from_tensor_slices((X, BOTH))
    tensors = torch.utils.data.TensorDataset(
        torch.tensor(X), torch.tensor(DEFECT), torch.tensor(KIND)
    )

    class Dicts(torch.utils.data.Dataset):
        def __len__(self):
            return 40

        def __getitem__(self, i):
            # A data set need not say where it ends.
            return torch.tensor(X[i % 40]), {key: y[i % 40] for key, y in BOTH.items()}

    def kind(x, y):
        return y["kind"]

    def last(*parts):
        return parts[-1]

    def of_dict(element):
        return element["kind"]

    return {
        "tf.data": (dataset, kind),
        "tf.data batched": (dataset.batch(7), kind),
        "dicts": (tf.data.Dataset.from_tensor_slices({"x": X, **BOTH}), of_dict),
        "arrays": ((X, BOTH), kind),
        "nested tuples": ((X, (DEFECT, KIND)), lambda x, y: y[1]),
        "dict": ({"x": X, **BOTH}, of_dict),
        "two dicts": (({"x": X}, BOTH), kind),
        "one array": (np.stack([DEFECT, KIND], 1), lambda row: row[1]),
        "batches": ([(X[:7], {"kind": KIND[:7]}), (X[7:], {"kind": KIND[7:]})], kind),
        "generator": (((x, {"kind": k}) for x, k in zip(X, KIND, strict=True)), kind),
        "torch": (tensors, last),
        "torch dicts": (Dicts(), kind),
        "loader": (torch.utils.data.DataLoader(tensors, batch_size=7), last),
        "loader of dicts": (torch.utils.data.DataLoader(Dicts(), batch_size=7), kind),
    }


@pytest.mark.parametrize("name", data_sets())
def test_picks_the_label(name):
    data, label_of = data_sets()[name]
    assert count_classes(data, label_of=label_of).tolist() == EXPECTED


@pytest.mark.parametrize("name", ["tf.data", "arrays", "torch dicts", "dict"])
def test_the_message_shows_how(name):
    data, _ = data_sets()[name]
    with pytest.raises(ValueError, match=r"pass `label_of="):
        count_classes(data)
    if name in ("tf.data", "arrays", "torch dicts"):
        with pytest.raises(ValueError, match="label_of=") as error:
            count_classes(data)
        function = eval(str(error.value).split("`label_of=")[-1].split("`")[0])
        counts = count_classes(data, label_of=function)
        assert counts.tolist() == np.bincount(DEFECT).tolist()


def test_a_batch_of_names_is_not_several_labels():
    data = [(X[:2], ("cat", "dog")), (X[2:3], ("cat",))]
    with pytest.raises(ValueError, match="label_of") as error:
        count_classes(data, return_names=True)
    function = eval(str(error.value).split("`label_of=")[-1].split("`")[0])
    counts, names = count_classes(data, return_names=True, label_of=function)
    assert (counts.tolist(), names) == ([2, 1], ["cat", "dog"])


def test_an_answer_computed_from_the_label():
    import tensorflow as tf

    masks = (RNG.random((20, 8, 8)) < 0.01).astype("int64")
    has_rare = [bool(mask.any()) for mask in masks]
    dataset = tf.data.Dataset.from_tensor_slices((np.zeros((20, 8, 8, 1)), masks))
    expected = [20 - sum(has_rare), sum(has_rare)]
    counts = count_classes(dataset, label_of=lambda x, y: tf.reduce_any(y == 1))
    assert counts.tolist() == expected
    arrays = (np.zeros((20, 8, 8, 1)), masks)
    assert count_classes(arrays, label_of=lambda x, y: y.any()).tolist() == expected


def test_several_labels_of_yes_and_no():
    counts = count_classes(
        (X, BOTH),
        multi_label=True,
        label_of=lambda x, y: np.array([y["defect"], y["kind"] == 2]),
    )
    rare = int((KIND == 2).sum())
    assert counts.tolist() == [[40 - DEFECT.sum(), DEFECT.sum()], [40 - rare, rare]]


def test_it_must_return_one_label():
    for data in ((X, BOTH), [(X, BOTH)]):
        with pytest.raises(ValueError, match="`label_of` must return the label"):
            count_classes(data, label_of=lambda x, y: y)
