"""Zeros and ones: one-hot, yes or no, or class indices; and who tells which."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import keras_ccar
from keras_ccar.datasets import count_classes

RNG = np.random.default_rng(0)
TAGS = (RNG.random((300, 4)) < [0.5, 0.2, 0.05, 0.01]).astype("int32")
NO_AND_YES = np.stack([len(TAGS) - TAGS.sum(0), TAGS.sum(0)], axis=1).tolist()
ONE_HOT = np.eye(4, dtype="int32")[RNG.integers(0, 4, 60)]
MASKS = (RNG.random((6, 8, 8)) < 0.2).astype("int32")
BOTH_OF_MASKS = [int((MASKS == 0).sum()), int(MASKS.sum())]


def forms_of(labels, features=3):
    """The same labels in every kind of data set."""
    import tensorflow as tf
    import torch

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            part = slice(None, 7) if index == 0 else slice(7, None)
            return x[part], labels[part]

    x = np.zeros((len(labels), features), "float32")
    dataset = tf.data.Dataset.from_tensor_slices((x, labels))
    data = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(labels))
    return {
        "array": labels,
        "list": labels.tolist(),
        "float": labels.astype("float32"),
        "pair": (x, labels),
        "dict": {"image": x, "label": labels},
        "batches": [(x[:7], labels[:7]), (x[7:], labels[7:])],
        "generator": ((x[i], labels[i]) for i in range(len(labels))),
        "tf.data": dataset,
        "tf.data batched": dataset.batch(7),
        "tf.data of labels": dataset.map(lambda x, y: y).batch(7),
        "py": Batches(),
        "torch": data,
        "loader": torch.utils.data.DataLoader(data, batch_size=7),
    }


# With as many features as labels, nothing tells single examples from batches.
FORMS = [
    (form, features)
    for form in forms_of(TAGS[:9])
    for features in (3, 4)
    if features == 3 or form not in ("generator", "tf.data")
]


@pytest.mark.parametrize(("form", "features"), FORMS)
def test_multi_hot_labels_are_refused_until_they_are_named(form, features):
    with pytest.raises(
        ValueError, match=r"`multi_label` must be given.*of shape \(.*4,?\)"
    ):
        count_classes(forms_of(TAGS, features)[form])
    counts = count_classes(forms_of(TAGS, features)[form], multi_label=True)
    assert counts.tolist() == NO_AND_YES
    assert counts.dtype == "int64"
    counts = count_classes(forms_of(TAGS, features)[form], 4, multi_label=True)
    assert counts.tolist() == NO_AND_YES
    flat = count_classes(forms_of(TAGS, features)[form], multi_label=False)
    assert flat.tolist() == np.bincount(TAGS.ravel()).tolist()


@pytest.mark.parametrize(("form", "features"), FORMS)
def test_one_hot_labels_are_classes(form, features):
    counts = count_classes(forms_of(ONE_HOT, features)[form])
    assert counts.tolist() == ONE_HOT.sum(0).tolist()


@pytest.mark.parametrize("labels", [TAGS, ONE_HOT], ids=["tags", "one_hot"])
@pytest.mark.parametrize("multi_label", [None, True, "one column"])
@pytest.mark.parametrize("form", ["generator", "tf.data", "vectors"])
def test_vectors_as_long_as_their_inputs_are_refused(labels, multi_label, form):
    def data():
        return list(labels) if form == "vectors" else forms_of(labels, 4)[form]

    is_column = multi_label == "one column"
    multi_label = None if is_column else multi_label
    with pytest.raises(ValueError, match=r"[vV]ectors of 4 .*`dataset\.batch\(64\)`"):
        count_classes(data(), multi_label=multi_label)
    # As the message says: batched, or as one column.
    if form == "tf.data" and not is_column:
        batched = count_classes(data().batch(64), multi_label=True)
        assert batched[:, 1].tolist() == labels.sum(0).tolist()
    if form == "generator" and is_column:
        columns = ((x, y[:, None]) for x, y in data())
        assert count_classes(columns).tolist() == np.bincount(labels.ravel()).tolist()


def test_the_shares_of_single_vectors_of_floats_need_no_word():
    rows = [(np.zeros(4), np.array([0.5, 0.25, 0.25, 0])) for _ in range(4)]
    assert count_classes(rows).tolist() == [2, 1, 1, 0]


@given(
    hnp.arrays(
        "int8",
        st.tuples(st.integers(1, 20), st.integers(2, 5)),
        elements=st.integers(0, 1),
    )
)
def test_yes_and_no_count_like_numpy(tags):
    expected = [[int((c == 0).sum()), int((c == 1).sum())] for c in tags.T]
    assert count_classes(tags, multi_label=True).tolist() == expected
    if (tags.sum(1) == 1).all():
        assert count_classes(tags).tolist() == tags.sum(0).tolist()
    else:
        with pytest.raises(ValueError, match="`multi_label` must be given"):
            count_classes(tags)


@pytest.mark.parametrize("shape", [(20,), (20, 1)])
@pytest.mark.parametrize("dtype", ["int32", "float32", "bool"])
def test_one_yes_or_no_label(shape, dtype):
    labels = np.repeat([0, 1], [15, 5]).astype(dtype).reshape(shape)
    batches = [(np.zeros((10, 3)), part) for part in np.split(labels, 2)]
    for data in (labels, (np.zeros((20, 3)), labels), batches):
        assert count_classes(data).tolist() == [15, 5]
        assert count_classes(data, multi_label=False).tolist() == [15, 5]
        assert count_classes(data, multi_label=True).tolist() == [[15, 5]]
    loss = keras_ccar.BinaryCCARLoss(count_classes(labels, multi_label=True))
    y_pred = np.full((20, 1), 0.25, "float32")
    one_label = labels.reshape(20, 1).astype("float32")
    assert np.isfinite(float(loss(one_label, y_pred)))


def test_soft_and_unknown_yes_or_no_labels():
    soft = np.array([[0.25, 1.0], [0.5, 0.0]])
    counts = count_classes(soft, multi_label=True)
    np.testing.assert_allclose(counts, [[1.25, 0.75], [1, 1]])
    unknown = np.array([[1, -1], [0, 1], [1, -1]])
    counts = count_classes(unknown, multi_label=True, ignore_class=-1)
    assert counts.tolist() == [[1, 2], [0, 1]]
    with_nan = np.where(unknown == -1, np.nan, unknown)
    counts = count_classes(with_nan, multi_label=True, ignore_class=float("nan"))
    assert counts.tolist() == [[1, 2], [0, 1]]
    with pytest.raises(ValueError, match=r"2 missing of 6 .*ignore_class=float\('nan"):
        count_classes(with_nan, multi_label=True)
    with pytest.raises(ValueError, match=r"pass `multi_label=True, ignore_class=float"):
        count_classes(with_nan)
    labelled = with_nan[~np.isnan(with_nan).any(-1)]
    assert count_classes(labelled, multi_label=True).tolist() == [[1, 0], [0, 1]]
    # What `ignore_class` leaves has still to be told.
    with pytest.raises(ValueError, match="`multi_label` must be given"):
        count_classes(unknown, ignore_class=-1)
    with pytest.raises(ValueError, match="`ignore_class` must be a whole number"):
        count_classes(with_nan, ignore_class=float("nan"))


@pytest.mark.parametrize(
    ("labels", "arguments", "message"),
    [
        (np.array([[0, 2], [1, 0]]), {}, r"must be 0 or 1.*Received \[2\].*leave"),
        (np.array([[0, -1], [1, 0]]), {}, r"Received \[-1\].*`ignore_class`"),
        ([0, 1, 2], {}, "class indices"),
        ([np.ones((2, 3)), np.ones((2, 4))], {}, "4 columns after 3"),
        (TAGS, {"num_classes": 5}, "number of yes-or-no labels, 4.*num_classes=5"),
    ],
)
def test_other_labels_than_yes_and_no(labels, arguments, message):
    with pytest.raises(ValueError, match=message):
        count_classes(labels, multi_label=True, **arguments)
    with pytest.raises(ValueError, match="`multi_label` must be True or False"):
        count_classes(labels, multi_label="yes")


def test_single_tags_first_and_several_later():
    x = np.zeros((300, 1))
    for first in (ONE_HOT, ONE_HOT.astype("float32"), ONE_HOT * 0.7 + 0.075):
        data = [(x[: len(first)], first), (x, TAGS)]
        with pytest.raises(ValueError, match="`multi_label=True`") as error:
            count_classes(data)
        assert "integers" not in str(error.value)
        counts = count_classes(data, multi_label=True)
        np.testing.assert_allclose(counts[:, 1], first.sum(0) + TAGS.sum(0))


class TestMaps:
    """Labels of each pixel or token."""

    @pytest.mark.parametrize("layout", ["last", "first"])
    def test_binary_masks_are_told_by_their_inputs(self, layout):
        import tensorflow as tf

        images = np.zeros((6, 8, 8, 3) if layout == "last" else (6, 3, 8, 8))
        dataset = tf.data.Dataset.from_tensor_slices((images, MASKS))
        data = [
            (images, MASKS),
            dataset,
            dataset.batch(4),
            list(dataset.batch(4).as_numpy_iterator()),
            [(images, MASKS.astype("float32"))],
        ]
        for each in data:
            assert count_classes(each).tolist() == BOTH_OF_MASKS
            assert count_classes(each, ignore_class=255).tolist() == BOTH_OF_MASKS

    def test_masks_alone_are_refused(self):
        with pytest.raises(ValueError, match=r"\(6, 8, 8\)"):
            count_classes(MASKS)
        assert count_classes(MASKS, multi_label=False).tolist() == BOTH_OF_MASKS
        with pytest.raises(ValueError, match=r"\(6, 8, 8\)"):
            count_classes(MASKS, ignore_class=255)
        assert count_classes(MASKS[..., None]).tolist() == BOTH_OF_MASKS

    def test_several_masks_are_labels_even_of_images_with_as_many_channels(self):
        masks = (RNG.random((4, 8, 8, 3)) < [0.2, 0.1, 0.01]).astype("int32")
        images = np.zeros((4, 8, 8, 3))
        with pytest.raises(ValueError, match=r"\(4, 8, 8, 3\)"):
            count_classes((images, masks))
        counts = count_classes((images, masks), multi_label=True)
        assert counts[:, 1].tolist() == masks.sum((0, 1, 2)).tolist()
        assert counts.sum(1).tolist() == [4 * 8 * 8] * 3

    def test_tokens_are_told_by_their_inputs(self):
        tokens = (RNG.random((50, 6)) < 0.3).astype("int64")
        both = np.bincount(tokens.ravel()).tolist()
        assert count_classes((np.zeros((50, 6, 16)), tokens)).tolist() == both
        with pytest.raises(ValueError, match=r"labels\[..., None\]"):
            count_classes((np.zeros((50, 6, 16)), tokens), multi_label=True)
        counts = count_classes(
            (np.zeros((50, 6, 16)), tokens[..., None]), 1, multi_label=True
        )
        assert counts.tolist() == [both]
        # One column for each input: features and labels, or tokens.
        with pytest.raises(ValueError, match="`multi_label` must be given"):
            count_classes((np.zeros((50, 6)), tokens))

    def test_padded_batches_of_tokens_have_no_columns(self):
        batches = [np.array([[0, 1, 1]]), np.array([[1, 1, 0, 1]])]
        assert count_classes(batches).tolist() == [2, 5]

    @pytest.mark.parametrize("dtype", ["int32", "float32"])
    def test_one_hot_labels_of_as_many_classes_as_steps(self, dtype):
        labels = np.eye(4, dtype=dtype)[[0, 1, 1, 3, 3, 3]]
        for data in (
            (np.zeros((6, 4, 2)), labels),
            list(zip(np.zeros((6, 4, 2)), labels, strict=True)),
        ):
            with pytest.raises(ValueError, match=r"argmax.*labels\[\.\.\., None\]"):
                count_classes(data)
        x = np.zeros((6, 4, 2))
        assert count_classes((x, labels.argmax(-1))).tolist() == [1, 2, 0, 3]
        assert count_classes((x, labels[..., None])).tolist() == [18, 6]


def test_multi_label_false_keeps_distributions_and_refuses_one_hot_integers():
    soft = np.array([[0.5, 0.5], [1, 0]])
    assert count_classes(soft, multi_label=False).tolist() == [1.5, 0.5]
    floats = ONE_HOT.astype("float32")
    expected = ONE_HOT.sum(0).tolist()
    assert count_classes(floats, multi_label=False).tolist() == expected
    with pytest.raises(ValueError, match="may be one-hot, or class indices"):
        count_classes(ONE_HOT, multi_label=False)


def test_one_hot_labels_with_a_class_to_ignore():
    labels = ONE_HOT.argmax(1)
    for rows in (ONE_HOT, ONE_HOT * 0.6 + 0.1):
        counts = count_classes(rows, ignore_class=255)
        np.testing.assert_allclose(counts, rows.sum(0))
    counts = count_classes(ONE_HOT, ignore_class=1)
    expected = count_classes(labels, 4, ignore_class=1)
    assert counts.tolist() == expected.tolist()
    soft = np.array([[0.5, 0.0, 0.5], [0, 1.0, 0], [0, 0, 0]])
    np.testing.assert_allclose(count_classes(soft, ignore_class=1), [0.5, 0, 0.5])
    with pytest.raises(ValueError, match="all or nothing"):
        count_classes(soft, ignore_class=0)
    # A one-hot label of 255 is a row of zeros.
    with_empty = np.concatenate([ONE_HOT, np.zeros((5, 4), "int32")])
    for ignore_class in (None, 255):
        with pytest.raises(ValueError, match=r"`labels\[labels\.any\(-1\)\]`"):
            count_classes(with_empty, ignore_class=ignore_class)
    labelled = with_empty[with_empty.any(-1)]
    assert count_classes(labelled).tolist() == ONE_HOT.sum(0).tolist()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([np.eye(3), np.array([2, 1])], "class indices.*shapes"),
        ([np.eye(3), np.eye(4)], "length 3, 4"),
        ([np.full((2, 2), 0.5), np.full((1, 4), 0.25)], "length 2, 4"),
        ([np.full((2, 2), 0.5), np.eye(3)], "length 2, 3"),
        ([np.array([[3, 1]]), np.full((2, 2), 0.5)], "Some labels are distributions"),
        (np.array([[0.5, 0.25]]), "whole numbers"),
        (np.array([[0, -1], [1, 1]]), "`ignore_class`"),
    ],
)
def test_mixed_labels(data, message):
    with pytest.raises(ValueError, match=message):
        count_classes(data)


def test_distributions_over_more_classes_than_given():
    with pytest.raises(ValueError, match="over 4 classes: raise `num_classes`"):
        count_classes(ONE_HOT, num_classes=3)
    assert len(count_classes(ONE_HOT, num_classes=6)) == 6


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_distributions_in_half_precision(dtype):
    import tensorflow as tf

    rows = tf.cast(RNG.dirichlet(np.ones(100), 50), dtype)
    counts = count_classes(rows)
    np.testing.assert_allclose(counts, np.sum(np.array(rows, "float64"), 0), rtol=1e-6)


def test_the_message_tells_the_sums_of_the_rows():
    with pytest.raises(ValueError, match=r"shape \(5, 3\).*sums from 0 to 0"):
        count_classes(np.zeros((5, 3), "int32"))
    with pytest.raises(ValueError, match="Received labels to ignore"):
        count_classes(np.array([[255, 1], [0, 255]]), ignore_class=255)
