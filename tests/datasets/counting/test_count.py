import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ccar import BinaryLogitAdjustedLoss
from keras_ccar.datasets import count_classes, elements, from_arrays

LABELS = np.array([0, 2, 2, 1, 2, 0, 2])
EXPECTED = [2, 1, 4]


def images(number=7):
    return np.zeros((number, 4, 4, 1), "float32")


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32"])
def test_labels_in_memory(dtype):
    labels = LABELS.astype(dtype)
    assert count_classes(labels).tolist() == EXPECTED
    assert count_classes(labels[:, None]).tolist() == EXPECTED
    assert count_classes(np.eye(3, dtype=dtype)[LABELS]).tolist() == EXPECTED
    assert count_classes(labels.tolist()).tolist() == EXPECTED
    assert count_classes(keras.ops.convert_to_tensor(labels)).tolist() == EXPECTED
    assert count_classes((images(), labels)).tolist() == EXPECTED
    assert count_classes((images(), labels, np.ones(7))).tolist() == EXPECTED
    assert count_classes(labels).dtype == "int64"


@given(st.lists(st.integers(0, 20), min_size=1, max_size=50), st.integers(1, 9))
def test_any_iterable_of_batches_counts_like_numpy(labels, size):
    expected = np.bincount(labels).tolist()
    x = np.zeros((len(labels), 2))
    starts = range(0, len(labels), size)
    cut = [(x[i : i + size], np.array(labels[i : i + size])) for i in starts]
    assert count_classes(cut).tolist() == expected
    assert count_classes(iter(cut)).tolist() == expected
    assert count_classes({"x": x, "label": y} for x, y in cut).tolist() == expected
    assert count_classes(labels).tolist() == expected


def test_binary_labels_that_sum_to_one_are_not_distributions():
    # A batch of three labels 0, 1, 0 looks like a distribution over three classes.
    labels = np.array([0, 1, 0])
    assert count_classes(labels).tolist() == [2, 1]
    assert count_classes(labels.astype("float32")).tolist() == [2, 1]
    batch = (images(3), labels.astype("float32"))
    assert count_classes([batch]).tolist() == [2, 1]
    assert count_classes([labels]).tolist() == [2, 1]


def test_single_examples():
    examples = list(zip(images(), LABELS, strict=True))
    assert count_classes(examples).tolist() == EXPECTED
    one_hot = [(x, np.eye(3)[y]) for x, y in examples]
    assert count_classes(one_hot).tolist() == EXPECTED
    assert count_classes(y for _, y in examples).tolist() == EXPECTED


def test_soft_labels_are_shared_out():
    soft = np.array([[0.75, 0.25], [0.5, 0.5], [0.5, 0.5]])
    counts = count_classes(soft)
    np.testing.assert_allclose(counts, [1.75, 1.25])


def test_segmentation_maps():
    maps = np.zeros((2, 4, 4), "int32")
    maps[:, 0] = 3
    assert count_classes(maps).tolist() == [24, 0, 0, 8]
    assert count_classes([(images(2), maps)]).tolist() == [24, 0, 0, 8]


def test_absent_classes_are_counted_as_none():
    assert count_classes(LABELS, num_classes=5).tolist() == [*EXPECTED, 0, 0]


@pytest.mark.parametrize("batch", [None, 3, "drop"])
@pytest.mark.parametrize("form", ["tuple", "weighted", "dict", "labels"])
@pytest.mark.parametrize("one_hot", [False, True])
def test_tf_data(batch, form, one_hot):
    import tensorflow as tf

    labels = np.eye(3, dtype="float32")[LABELS] if one_hot else LABELS
    elements = {
        "tuple": (images(), labels),
        "weighted": (images(), labels, np.ones(7)),
        "dict": {"image": images(), "label": labels, "id": LABELS * 0},
        "labels": labels,
    }[form]
    dataset = tf.data.Dataset.from_tensor_slices(elements)
    if batch:
        # Seven are one batch, so that none is dropped.
        dataset = dataset.batch(7 if batch == "drop" else 3, batch == "drop")
    assert count_classes(dataset, num_classes=3).tolist() == EXPECTED


def test_tf_data_of_filtered_elements():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((images(), LABELS))
    dataset = dataset.filter(lambda x, y: y != 1)  # cardinality unknown
    assert count_classes(dataset).tolist() == [2, 0, 4]


def test_py_dataset():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            part = slice(3 * index, 3 * index + 3)
            return images()[part], LABELS[part]

    assert count_classes(Batches()).tolist() == EXPECTED


@pytest.mark.parametrize("one_hot", [False, True])
def test_torch_data_loader(one_hot):
    torch = pytest.importorskip("torch")
    labels = torch.from_numpy(np.eye(3, dtype="float32")[LABELS] if one_hot else LABELS)
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(images()), labels)
    loader = torch.utils.data.DataLoader(dataset, batch_size=3)
    assert count_classes(loader).tolist() == EXPECTED


def test_long_tailed_data():
    data = from_arrays((images(), LABELS))
    counts = count_classes(data)
    assert counts.tolist() == EXPECTED
    counts[0] = 0
    assert data.class_counts.tolist() == EXPECTED


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.integers(2, 300))
def test_many_batches_add_up_exactly(seed, num_classes):
    rng = np.random.default_rng(seed)
    batches = [rng.integers(0, num_classes, (50, 1)) for _ in range(40)]
    expected = np.bincount(np.concatenate(batches)[:, 0], minlength=num_classes)
    np.testing.assert_array_equal(count_classes(batches, num_classes), expected)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "not one label"),
        (iter([]), "not one label"),
        (np.array([0, 3]), r"\[0, 3\).*Received 3"),
        (np.array([0, -1]), r"at least 0\. Received \[-1\]"),
        (np.array([0.5, 0.25]), r"whole numbers.*\[0\.5, 0\.25\]"),
        (["cat", "dog"], "must be numbers.*'cat'"),
        ([{"image": 0, "class": 1}], r"\['class', 'image'\]"),
        ([(0, 1, 2, 3)], "tuple of 4"),
        ([(0, {"a": 1})], "several labels"),
        (
            [np.array([[0.5, 0.5]]), np.array([[3, 1], [0, 2]])],
            "Some labels are distributions",
        ),
    ],
)
def test_what_cannot_be_counted(data, message):
    with pytest.raises(ValueError, match=message):
        count_classes(data, num_classes=3)


def test_infinite_data_is_refused():
    import tensorflow as tf

    with pytest.raises(ValueError, match=r"infinite: .* or `take`"):
        count_classes(tf.data.Dataset.from_tensor_slices(LABELS).repeat())

    class Endless(keras.utils.PyDataset):
        def __getitem__(self, index):
            return images(1), LABELS[:1]

        @property
        def num_batches(self):
            return None

    with pytest.raises(ValueError, match="`PyDataset` is infinite"):
        count_classes(Endless())


@pytest.mark.parametrize(
    "data", [itertools.cycle([0, 1]), itertools.count()], ids=["cycle", "count"]
)
def test_iterators_that_never_end_are_refused(data):
    with pytest.raises(ValueError, match=r"has none: .*islice"):
        count_classes(data)


def test_a_generator_is_bounded(monkeypatch):
    monkeypatch.setattr(elements, "MOST_ELEMENTS", 20)

    def endless():
        yield from itertools.cycle(zip(images(), LABELS, strict=True))

    with pytest.raises(ValueError, match=r"more than 20 elements .*array") as caught:
        count_classes(endless())
    way_out = str(caught.value).split("`")[1]
    assert way_out == "itertools.islice(data, steps_per_epoch)"
    assert count_classes(itertools.islice(endless(), 7)).tolist() == EXPECTED
    # What has a length may be as long as it likes.
    assert count_classes([(0, 1)] * 21).tolist() == [0, 21]
    batches = ((images(), LABELS) for _ in range(20))
    assert count_classes(batches).tolist() == [40, 20, 80]


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [None, 7])
def test_a_stream_of_unknown_length_is_bounded(batch_size, monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(elements, "MOST_ELEMENTS", 2048)

    def endless():
        return itertools.cycle(LABELS)

    spec = tf.TensorSpec((), "int64")
    dataset = tf.data.Dataset.from_generator(endless, output_signature=spec)
    dataset = dataset.batch(batch_size, True) if batch_size else dataset
    with pytest.raises(ValueError, match=r"more than 2,048 .*`dataset\.take\(s") as e:
        count_classes(dataset)
    steps_per_epoch = 7 // (batch_size or 1)
    scope = {"dataset": dataset, "steps_per_epoch": steps_per_epoch}
    epoch = eval(str(e.value).split("`")[1], scope)
    assert count_classes(epoch).tolist() == EXPECTED
    known = tf.data.experimental.assert_cardinality(3500 // (batch_size or 1))
    counts = count_classes(dataset.take(3500 // (batch_size or 1)).apply(known))
    assert counts.tolist() == [1000, 500, 2000]


def test_an_ignored_class_is_not_counted():
    # Rows that sum to one, which would be distributions without it.
    maps = np.array([[[0, 1, 0], [0, 0, 1]], [[2, 255, 255], [255, 255, 255]]])
    for data in (maps, [(np.zeros((1, 2, 3)), one[None]) for one in maps]):
        assert count_classes(data, ignore_class=255).tolist() == [4, 2, 1]
        assert count_classes(data, 4, ignore_class=255).tolist() == [4, 2, 1, 0]
    with pytest.raises(ValueError, match=r"Received 255: .*`ignore_class`"):
        count_classes(np.array([0, 255]), num_classes=3)
    for value in (255.0, np.float32(255)):
        assert count_classes(maps, ignore_class=value).tolist() == [4, 2, 1]
    with pytest.raises(ValueError, match="`ignore_class` must be a whole number"):
        count_classes(maps, ignore_class=0.5)


@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
@pytest.mark.parametrize("value", [-1.0, 9.0, -0.5, float("nan")])
def test_unknown_targets_are_told_as_losses_are_told(value, kind):
    """Any number that marks them for `ignore_value` marks them for the counts."""
    marker = kind(value)
    tags = np.array([[1, 0], [0, value], [value, 1], [0, 0]], "float32")
    counts = count_classes(tags, multi_label=True, ignore_class=marker)
    assert counts.tolist() == [[2, 1], [2, 1]]
    loss = BinaryLogitAdjustedLoss(counts, ignore_value=marker)
    known = np.where(tags == tags, tags != marker, False)
    predicted = np.full((4, 2), 0.25, "float32")
    plain = BinaryLogitAdjustedLoss(counts)
    weights = known.astype("float32")
    expected = plain(np.where(known, tags, 0), predicted, sample_weight=weights)
    mean_of_known = float(expected) * 8 / 6  # of 6 in 8
    assert float(loss(tags, predicted)) == pytest.approx(mean_of_known, rel=1e-5)
    with pytest.raises(ValueError, match="`ignore_class` must be a"):
        count_classes(tags, multi_label=True, ignore_class=float("inf"))
