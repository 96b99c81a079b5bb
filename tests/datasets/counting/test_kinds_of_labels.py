"""Labels in whatever holds them: tables, categories, names, ragged, sparse, tensors."""

import keras
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from keras_ccar.datasets import count_classes, from_arrays

NAMES = ["owl", "cat", "cat", "dog", "cat"]
NUMBERS = [2, 0, 0, 1, 0]
COUNTS = [3, 1, 1]


def tensors():
    """The same labels as tensors and arrays of every library."""
    import tensorflow as tf
    import torch

    return {
        "tensorflow": tf.constant(NUMBERS),
        "torch": torch.tensor(NUMBERS),
        "torch that trains": torch.tensor(
            NUMBERS, dtype=torch.float32
        ).requires_grad_(),
        "torch bfloat16": torch.tensor(NUMBERS, dtype=torch.bfloat16),
        "tensorflow bfloat16": tf.constant(NUMBERS, tf.bfloat16),
        "keras": keras.ops.convert_to_tensor(NUMBERS),
        "uint64": np.array(NUMBERS, "uint64"),
        "float16": np.array(NUMBERS, "float16"),
        "objects": np.array(NUMBERS, dtype=object),
        "tuple": tuple(NUMBERS),
        "list of numpy scalars": list(np.array(NUMBERS)),
        "masked without a mask": np.ma.masked_array(NUMBERS),
    }


@pytest.mark.parametrize("kind", tensors())
def test_tensors_of_any_library(kind):
    assert count_classes(tensors()[kind]).tolist() == COUNTS


@pytest.mark.parametrize(
    "dtype", ["int8", "int64", "Int64", "uint8", "float64", "category", "object"]
)
def test_pandas_columns_of_numbers(dtype):
    column = pd.Series(NUMBERS, index=list("edcba")).astype(dtype)
    assert count_classes(column).tolist() == COUNTS
    assert count_classes(column.to_frame()).tolist() == COUNTS
    assert count_classes((pd.DataFrame({"x": NUMBERS}), column)).tolist() == COUNTS
    assert count_classes([column, column]).tolist() == [6, 2, 2]
    counts, names = count_classes(column, num_classes=None, return_names=True)
    assert (counts.tolist(), names) == (COUNTS, ["0", "1", "2"])


def test_yes_and_no():
    answers = [True, False, False]
    for labels in (answers, np.array(answers), pd.Series(answers, dtype="boolean")):
        assert count_classes(labels).tolist() == [2, 1]
        assert count_classes(labels, multi_label=True).tolist() == [[2, 1]]


def named_labels():
    array = np.array(NAMES)
    series = pd.Series(NAMES)
    return {
        "list": NAMES,
        "nested list": [NAMES[:2], NAMES[2:4], NAMES[4:]],
        "array": array,
        "column": array[:, None],
        "objects": array.astype(object),
        "strings of numpy 2": np.array(NAMES, np.dtypes.StringDType()),
        "series": series,
        "python strings": series.astype(object),
        "frame": series.to_frame(),
        "index": pd.Index(NAMES),
        "bytes": array.astype("S"),
        "objects of bytes": array.astype("S").astype(object),
    }


@pytest.mark.parametrize("kind", named_labels())
def test_names_come_back_in_the_order_of_the_counts(kind):
    labels = named_labels()[kind]
    counts, names = count_classes(labels, return_names=True)
    assert (counts.tolist(), names) == (COUNTS, ["cat", "dog", "owl"])
    # What the message says: the line that numbers the labels in the same way.
    with pytest.raises(ValueError, match=r"Received 'owl', .*`return_names=True`") as e:
        count_classes(labels)
    line = str(e.value).rsplit("`", 2)[1]
    assert line.startswith("labels = ")
    if not isinstance(labels, list):
        variables = {"np": np, "names": names, "labels": labels}
        exec(line, variables)
        assert np.ravel(variables["labels"]).tolist() == NUMBERS
        assert count_classes(variables["labels"]).tolist() == COUNTS


@given(st.lists(st.text(max_size=3), min_size=1, max_size=30))
def test_names_count_like_numpy(labels):
    names, counts = np.unique(np.array(labels, dtype=object), return_counts=True)
    found = count_classes(labels, return_names=True)
    assert (found[0].tolist(), found[1]) == (counts.tolist(), names.tolist())


@pytest.mark.parametrize("form", [pd.Series, pd.Categorical, pd.CategoricalIndex])
def test_categories_count_in_their_own_order(form):
    dtype = pd.CategoricalDtype(["owl", "emu", "dog", "cat"])
    labels = form(NAMES, dtype=dtype)
    for data in (labels, (np.zeros(5), labels), [labels[:2], labels[2:]]):
        counts, names = count_classes(data, return_names=True)
        assert (counts.tolist(), names) == ([1, 0, 1, 3], ["owl", "emu", "dog", "cat"])
    with pytest.raises(ValueError, match="`return_names=True`") as error:
        count_classes(labels)
    variables = {"labels": labels}
    exec(str(error.value).rsplit("`", 2)[1], variables)
    assert count_classes(np.array(variables["labels"])).tolist() == [1, 0, 1, 3]
    other = labels.astype(pd.CategoricalDtype(["cat", "dog", "owl"]))
    with pytest.raises(ValueError, match="the same categories"):
        count_classes([labels, other], return_names=True)


def test_numbers_as_categories_are_classes_only_if_they_agree():
    labels = pd.Series([10, 30, 30]).astype(pd.CategoricalDtype([10, 20, 30]))
    with pytest.raises(ValueError, match="`return_names=True`"):
        count_classes(labels)
    counts, names = count_classes(labels, return_names=True)
    assert (counts.tolist(), names) == ([1, 0, 2], ["10", "20", "30"])


def test_names_in_a_stream():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((np.zeros(5), NAMES))
    for data in (dataset, dataset.batch(2), list(dataset.as_numpy_iterator())):
        counts, names = count_classes(data, return_names=True)
        assert (counts.tolist(), names) == (COUNTS, ["cat", "dog", "owl"])
    with pytest.raises(ValueError, match="StringLookup") as error:
        count_classes(dataset)
    assert "`lookup = keras.layers.StringLookup(vocabulary=names, " in str(error.value)
    if keras.backend.backend() != "torch":
        lookup = keras.layers.StringLookup(vocabulary=names, num_oov_indices=0)
        numbered = dataset.map(lambda x, y: (x, lookup(y)))
        assert count_classes(numbered).tolist() == COUNTS


def test_names_of_a_data_set():
    data = from_arrays((np.zeros((3, 4, 4, 1)), [0, 1, 1]), class_names=["a", "b"])
    counts, names = count_classes(data, return_names=True)
    assert (counts.tolist(), names) == ([1, 2], ["a", "b"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 5}, "`num_classes` must be the number of names, 3"),
        ({"ignore_class": 0}, "`ignore_class` must be left out"),
        ({"multi_label": True}, "must be zeros and ones"),
        ({"return_names": "yes"}, "`return_names` must be True or False"),
    ],
)
def test_what_does_not_go_with_names(arguments, message):
    with pytest.raises(ValueError, match=message):
        count_classes(NAMES, **{"return_names": True, **arguments})


def test_ragged_labels_are_flat():
    import tensorflow as tf

    lists = [[2, 0, 1], [], [1], [1, 1, 1, 1]]
    ragged = tf.ragged.constant(lists)
    dataset = tf.data.Dataset.from_tensor_slices((np.zeros((4, 2)), ragged))
    dense = [(np.zeros((2, 3)), ragged[:2]), (np.zeros((2, 3)), ragged[2:])]
    for data in (lists, ragged, dataset, dataset.batch(2), dense, (np.zeros(4), lists)):
        assert count_classes(data).tolist() == [1, 6, 1]
    # Zeros and ones of unequal lengths have no columns.
    assert count_classes([[0, 1], [1]]).tolist() == [1, 2]
    with pytest.raises(ValueError, match="MultiLabelBinarizer"):
        count_classes([[0, 1], [1]], multi_label=True)


def test_ragged_rows_of_distributions():
    import tensorflow as tf

    rows = tf.RaggedTensor.from_row_lengths(np.eye(3)[NUMBERS], [2, 3])
    dataset = tf.data.Dataset.from_tensor_slices((np.zeros(2), rows)).batch(2)
    for data in (rows, dataset):
        assert count_classes(data).tolist() == COUNTS


def test_lists_in_lists_are_labels_and_tuples_are_pairs():
    assert count_classes([[0, 3], [1, 3]]).tolist() == [1, 1, 0, 2]
    assert count_classes([[[0, 3], [2]], [[3]]]).tolist() == [1, 0, 1, 2]
    assert count_classes(iter([[0, 3], [1, 3]])).tolist() == [1, 1, 0, 2]
    assert count_classes([(0, 3), (1, 3)]).tolist() == [0, 0, 0, 2]
    x = np.zeros((2, 5))
    assert count_classes([[x, np.array([0, 3])], [x, np.array([1, 3])]]).tolist() == [
        *[1, 1, 0, 2]
    ]


@pytest.mark.parametrize("form", [scipy.sparse.csr_matrix, scipy.sparse.coo_array])
def test_sparse_matrices(form):
    assert count_classes(form(np.eye(3)[NUMBERS])).tolist() == COUNTS
    tags = np.array([[0, 1, 1], [0, 0, 1]])
    counts = count_classes(form(tags), multi_label=True)
    assert counts.tolist() == [[2, 0], [1, 1], [0, 2]]


def test_sparse_tensors():
    import tensorflow as tf

    rows = tf.sparse.from_dense(np.eye(3)[NUMBERS])
    dataset = tf.data.Dataset.from_tensor_slices(rows)
    for data in (rows, dataset, dataset.batch(2)):
        assert count_classes(data).tolist() == COUNTS


def test_tables_of_columns():
    tags = pd.DataFrame({"red": [1, 0, 1], "round": [1, 1, 0]})
    with pytest.raises(ValueError, match=r"`multi_label` must be given.*\(3, 2\)"):
        count_classes(tags)
    counts, names = count_classes(tags, multi_label=True, return_names=True)
    assert (counts.tolist(), names) == ([[1, 2], [1, 2]], ["red", "round"])
    one_hot = pd.get_dummies(pd.Series(NAMES))
    counts, names = count_classes(one_hot, return_names=True)
    assert (counts.tolist(), names) == (COUNTS, ["cat", "dog", "owl"])
    table = pd.DataFrame({"size": [3, 7, 5], "label": [0, 1, 1]})
    with pytest.raises(ValueError, match=r"`table\['label'\]`"):
        count_classes(table)
    assert count_classes(table["label"]).tolist() == [1, 2]
    with pytest.raises(ValueError, match="pass the column of the labels"):
        count_classes(pd.DataFrame({"a": NAMES, "b": NAMES}))


@pytest.mark.parametrize(
    "labels",
    [
        [0, None, 1],
        [0, float("nan"), 1],
        ["cat", None, "dog"],
        [[0, 1], [None]],
        np.array([0.0, np.nan, 1]),
        np.array([0, None, 1], dtype=object),
        np.ma.masked_array([0, 5, 1], [False, True, False]),
        pd.Series([0, None, 1], dtype="Int64"),
        pd.Series([0, None, 1]),
        pd.Series(["cat", None, "dog"]),
        pd.Series(["cat", None, "dog"], dtype="category"),
        pd.Categorical(["cat", None, "dog"]),
        pd.Series([True, None, False], dtype="boolean"),
        pd.to_datetime(pd.Series(["2020", None, "2021"])),
        [np.array([0.0, 1]), np.array([np.nan])],
        [(np.zeros((3, 2)), np.array([0.0, np.nan, 1]))],
    ],
    ids=str,
)
def test_missing_labels_are_numbered(labels):
    with pytest.raises(ValueError, match=r"Received 1 missing of 3 .*dropna"):
        count_classes(labels, return_names=True)


def test_missing_labels_can_be_dropped_as_the_message_says():
    labels = np.array([0, np.nan, 1])
    assert count_classes(labels[~np.isnan(labels)]).tolist() == [1, 1]
    assert count_classes(pd.Series(labels).dropna()).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("label", "dtype"),
    [
        (3_000_000_000, "int64"),
        (2**63, "uint64"),
        (1e30, "float64"),
        (float("inf"), "float32"),
    ],
)
def test_huge_labels_are_named_and_not_allocated(label, dtype):
    labels = np.array([0, label], dtype)
    with pytest.raises(ValueError, match=r"below 10,000,000") as error:
        count_classes(labels)
    assert f"Received {label}. " in str(error.value)
    with pytest.raises(ValueError, match=r"\[0, 5\)"):
        count_classes(labels, num_classes=5)
    # As the message says.
    _, labels = np.unique(labels, return_inverse=True)
    assert count_classes(labels).tolist() == [1, 1]


@pytest.mark.slow
def test_many_classes_are_counted_if_their_number_is_given():
    assert len(count_classes([0, 10_000_001], num_classes=10_000_002)) == 10_000_002


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (["cat", 1], "of one kind.*int, str"),
        (np.array([1 + 1j]), "complex128"),
        (pd.to_datetime(pd.Series(["2020"])), "datetime64"),
        (np.array([{}, {}]), "dict"),
        ([np.array([1]), np.array(["cat"])], "names as well as numbers"),
        ([np.array(["cat"]), np.array([1])], "names as well as numbers"),
        ("cat", "must hold labels.*'cat'"),
        (3, "must hold labels.*3"),
        (None, "must hold labels.*None"),
    ],
    ids=str,
)
def test_other_kinds_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        count_classes(data, return_names=True)
