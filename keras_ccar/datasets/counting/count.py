"""Counts the training examples of each class in any kind of data."""

import math
from typing import Any, Literal, overload

import numpy as np

from keras_ccar.arguments import (
    check_boolean,
    check_number,
    check_text,
    check_whole_number,
    optional,
)
from keras_ccar.datasets.counting.sources import labels_of
from keras_ccar.datasets.counting.tally import Tally
from keras_ccar.datasets.elements import LabelOf, check_data, check_label_of
from keras_ccar.datasets.long_tailed_data import LongTailedData
from keras_ccar.inputs.checks import is_nan


@overload
def count_classes(
    data: Any,
    num_classes: int | None = None,
    split: str = "train",
    label_key: str = "label",
    ignore_class: float | None = None,
    multi_label: bool | None = None,
    return_names: Literal[False] = False,
    label_of: LabelOf = None,
) -> np.ndarray: ...
@overload
def count_classes(
    data: Any,
    num_classes: int | None = None,
    split: str = "train",
    label_key: str = "label",
    ignore_class: float | None = None,
    multi_label: bool | None = None,
    *,
    return_names: Literal[True],
    label_of: LabelOf = None,
) -> tuple[np.ndarray, list[str]]: ...
def count_classes(
    data: Any,
    num_classes: int | None = None,
    split: str = "train",
    label_key: str = "label",
    ignore_class: float | None = None,
    multi_label: bool | None = None,
    return_names: bool = False,
    label_of: LabelOf = None,
) -> np.ndarray | tuple[np.ndarray, list[str]]:
    """Counts the training examples of each class, for `class_counts` of a loss.

    `data` may be

    - labels: an array, a tensor, a column of a table or a list of integers or names
      `(N,)` or `(N, 1)`, of any higher rank (segmentation), ragged, or of distributions
      `(N, K)`; a table of K columns; lists in lists are nested labels;
    - a tuple `(x, y)` of arrays, whose `y` is counted, or a dict with a label;
    - a `tf.data.Dataset`, a `keras.utils.PyDataset`, a torch `DataLoader` or data set,
      or any other finite iterable of labels, `(x, y)`, `(x, y, weight)` or dicts with a
      label, batched or not;
    - a builder of tensorflow-datasets, whose `split` is counted without decoding an
      image. Prefer it to its `tf.data.Dataset`, which decodes every image;
    - a `LongTailedData`.

    What has a sample weight of 0 in `(x, y, weight)` is not counted, as losses leave it
    out; other weights change nothing, and `label_of` reads none.

    The labels are counted in one pass that keeps no images, with a progress bar on a
    terminal. Rows without negative values that sum to 1 are distributions, and each
    class gets its share of them. A vector is a batch of integer labels if the other
    parts of its element are as long, else a distribution.

    Zeros and ones can be one-hot, yes-or-no labels or class indices. They are one-hot
    if all rows sum to 1, and class indices if they have one column, or the shape of the
    inputs without the channels. Otherwise `multi_label` must say what they are.

    Args:
        data: see above.
        num_classes: `K`. Defaults to the largest label plus one.
        split: name of the split, for a builder.
        label_key: name of the label, for a builder.
        ignore_class: an integer label that is not counted, such as 255 in label maps.
            With `multi_label=True`, the value of unknown targets, such as -1 or NaN,
            which binary losses call `ignore_value`.
        multi_label: True for yes-or-no labels, one on each column: the last axis, or
            all values if there is one column. False if every value is a class index;
            only floats whose rows sum to 1 are distributions then.
        return_names: whether to return the names of the classes too. Must be True for
            strings and categories.
        label_of: function that returns the label of an element, such as one of several
            outputs. It is called as `tf.data` calls a function of an element:
            `label_of(x, y)` for `(x, y)`, `label_of(d)` for a dict; for arrays, once
            for each example.

    Returns:
        An int64 array of shape `(K,)`; float64 if the labels are distributions that
        do not add up to whole numbers. With `multi_label=True` it has the shape
        `(K, 2)`, the numbers of no and of yes for each label, as binary losses take
        them without `num_examples`. With `return_names=True`, a tuple of the counts
        and a list of K names: those of strings in the order of `numpy.unique`, of
        categories in their own order, of the columns of a table, or of the classes of a
        builder; otherwise "0", "1", ...

    Raises:
        ValueError: if an argument is out of range, the data is empty or infinite (or,
            without a length, has more than 10 million elements), or a label is missing,
            not a class, or can be read in several ways.
        FileNotFoundError: if the builder's data is not prepared.

    Example:
    ```python
    import numpy as np
    from keras_ccar.datasets import count_classes

    assert count_classes([0, 2, 2]).tolist() == [1, 0, 2]
    batches = [(np.zeros((2, 5)), np.array([0, 2])), (np.zeros((1, 5)), np.array([2]))]
    assert count_classes(batches, num_classes=4).tolist() == [1, 0, 2, 0]

    tags = [[1, 0, 1], [0, 0, 1], [0, 0, 0]]
    assert count_classes(tags, multi_label=True).tolist() == [[2, 1], [3, 0], [1, 2]]

    animals = ["owl", "cat", "cat"]
    counts, names = count_classes(animals, return_names=True)
    assert (counts.tolist(), names) == ([2, 1], ["cat", "owl"])
    labels = np.searchsorted(names, animals)  # what the loss is trained on
    assert labels.tolist() == [1, 0, 0]
    ```
    """
    num_classes = optional(check_whole_number, "num_classes", num_classes, 1)
    check_text("split", split)
    check_text("label_key", label_key)
    multi_label = optional(check_boolean, "multi_label", multi_label)
    return_names = check_boolean("return_names", return_names)
    ignore_class = optional(_check_ignored, "ignore_class", ignore_class, multi_label)
    optional(check_label_of, "label_of", label_of)
    check_data("data", data)
    if isinstance(data, LongTailedData):
        counts, names = np.array(data.class_counts), list(data.class_names)
    else:
        tally = Tally(num_classes, ignore_class, multi_label, return_names)
        for labels, form in labels_of(data, split, label_key, label_of):
            tally.add(labels, form)
        counts, names = tally.result()
    if return_names and hasattr(data, "as_dataset"):
        named = getattr(data.info.features[label_key], "names", None) or names
        if len(named) >= len(counts):
            counts = np.pad(counts, (0, len(named) - len(counts)))
            names = list(named)
    return (counts, names) if return_names else counts


def _check_ignored(name: str, value: Any, multi_label: bool | None) -> float:
    """Returns the label or value that is not counted; whole numbers are integers."""
    if multi_label and is_nan(value):
        return math.nan
    if isinstance(value, float | np.floating) and value.is_integer():
        value = int(value)
    if multi_label and not isinstance(value, int | np.integer):
        return check_number(name, value)
    return check_whole_number(name, value)
