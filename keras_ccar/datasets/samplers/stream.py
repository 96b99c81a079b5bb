"""Draws from a `tf.data` stream.

One pass over the data gives one epoch, however many classes there are, and only the
shuffle buffer holds examples in memory.
"""

from typing import Any

import numpy as np

from keras_ccar.datasets.elements import LabelOf, bounded, find_label, label_in
from keras_ccar.datasets.progress import progress_bar
from keras_ccar.datasets.samplers.groups import (
    Groups,
    not_binary,
    not_one_hot,
    out_of_range,
    way_to_count,
)
from keras_ccar.datasets.samplers.quotas import Quotas
from keras_ccar.inputs.checks import ROW_SUM_TOLERANCE
from keras_ccar.requirements import require

_BATCH = 1024


class Stream:
    """A finite `tf.data.Dataset` of single examples, and the groups of its labels."""

    def __init__(self, dataset: Any, groups: Groups, label_of: LabelOf) -> None:
        tf = require("tensorflow", "tensorflow", "datasets")
        if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                "`dataset` must be finite. Received an infinite one: pass it without "
                "`repeat()`, the sampler repeats it."
            )
        self._dataset = dataset
        self._groups = groups
        self._label_of = label_of
        if label_of is None:
            label = find_label(dataset.element_spec)
        else:
            label = self._labels().element_spec
        if not hasattr(label, "dtype") or label.shape.rank is None:
            raise ValueError(
                f"Labels must have a known shape. Received {label}: set it with "
                "`tf.ensure_shape` in `label_of`."
            )
        dtype = label.dtype
        if not (dtype.is_integer or dtype.is_floating or dtype.is_bool):
            raise ValueError(
                f"Labels must be numbers. Received {dtype.name}: number the "
                "classes from 0 on, as `keras.layers.StringLookup` does."
            )
        groups.check_shape(label.shape)

    def _labels(self) -> Any:
        # As a pair, so that an element that is a tuple stays one.
        return self._dataset.enumerate().map(
            lambda _, element: label_in(element, self._label_of)
        )

    def group_counts(self) -> np.ndarray:
        """Returns the examples of each group; for yes-or-no labels, by a pass."""
        groups = self._groups
        if groups.counts is not None:
            return groups.counts
        counts = groups.count(np.zeros(0, "int64"))
        positives = np.zeros(groups.num_labels, "int64")
        batches = self._labels().batch(_BATCH).as_numpy_iterator()
        way = way_to_count(groups, self._label_of)
        take = "pass one epoch of it, `dataset.take(number_of_examples)`"
        for labels in progress_bar(bounded(batches, take, _BATCH), "Counting"):
            counts += groups.count(groups.of_labels(labels))
            positives += labels.reshape(len(labels), -1).sum(0, dtype="int64")
            groups.check_not_more(positives, way)  # there may be no end
        groups.check_counts(positives, way)
        return counts

    def draw(
        self, quotas: Quotas, counts: np.ndarray, seed: int, buffer_size: int
    ) -> Any:
        """Returns a stream of all epochs; its elements are those of the data set."""
        import tensorflow as tf

        optional = tf.experimental.Optional
        numbered = (
            self._dataset.repeat(quotas.passes)
            .enumerate()
            .map(
                lambda number, element: (
                    number,
                    optional.from_value(element),
                    self._group_of(element),
                )
            )
        )
        # The end of the data is an element too, so that missing examples are noticed.
        elements = numbered.map(lambda number, element, group: element.get_value())
        zero = tf.constant(0, "int64")
        end = (zero, optional.empty(elements.element_spec), zero)
        numbered = numbered.concatenate(tf.data.Dataset.from_tensors(end))
        draws_by_epoch = tf.constant(quotas.draws)
        singleton = tf.data.Dataset.from_tensors

        def epoch_stream(epoch: Any) -> Any:
            epoch_seed = tf.stack([tf.constant(seed, "int64"), epoch])
            return (
                numbered.scan(
                    (draws_by_epoch[epoch], tf.constant(quotas.passes * counts)),
                    lambda state, example: self._draw(state, example, epoch_seed),
                )
                .filter(lambda element, copies: copies > 0)
                .flat_map(
                    lambda element, copies: singleton(element.get_value()).repeat(
                        copies
                    )
                )
            )

        total = quotas.epochs * quotas.examples_per_epoch
        return (
            tf.data.Dataset.range(quotas.epochs)
            .flat_map(epoch_stream)
            .shuffle(buffer_size, seed=seed, reshuffle_each_iteration=False)
            .apply(tf.data.experimental.assert_cardinality(total))
        )

    def _group_of(self, element: Any) -> Any:
        """Returns the group of an example, after a check of its label."""
        import tensorflow as tf

        groups, num_labels = self._groups, self._groups.num_labels
        label = tf.convert_to_tensor(label_in(element, self._label_of))
        if label.shape == (1,):
            label = label[0]
        if groups.is_multi_label:
            label = tf.reshape(label, [num_labels])
            label = tf.cast(label, "int64") if label.dtype.is_bool else label
            is_binary = tf.reduce_all((label == 0) | (label == 1))
            checks = [tf.debugging.Assert(is_binary, [not_binary(), label])]
            none = tf.constant(num_labels, "int64")
            rank = tf.where(label == 1, tf.constant(groups.rarity, "int64"), none)
            group = tf.where(tf.reduce_any(label == 1), tf.argmin(rank), none)
        elif label.shape.rank:
            shares = tf.cast(label, "float32")
            is_one_hot = tf.reduce_all(shares >= 0) & (
                tf.abs(tf.reduce_sum(shares) - 1) <= ROW_SUM_TOLERANCE
            )
            checks = [tf.debugging.Assert(is_one_hot, [not_one_hot(num_labels), label])]
            group = tf.argmax(shares)
        else:
            group = tf.cast(label, "int64")
            is_class = (group >= 0) & (group < num_labels)
            if label.dtype.is_floating:
                is_class &= tf.cast(group, label.dtype) == label
            checks = [tf.debugging.Assert(is_class, [out_of_range(num_labels), label])]
        with tf.control_dependencies(checks):
            return tf.identity(group)

    def _draw(self, state: Any, example: Any, seed: Any) -> Any:
        """Decides how often an example is drawn, given how many are still to come.

        With r draws left for the m remaining examples of its group, it should be drawn
        r / m times. Rounding that at random, and counting down, gives every group
        exactly its quota and its examples equal chances (Knuth's selection sampling,
        TAOCP 3.4.2).
        """
        import tensorflow as tf

        number, element, group = example
        draws_left, examples_left = state
        is_example = element.has_value()
        way = way_to_count(self._groups, self._label_of)
        is_known = ~is_example | (examples_left[group] > 0)
        is_complete = is_example | tf.reduce_all(examples_left == 0)
        checks = [
            tf.debugging.Assert(
                is_right,
                [
                    f"The dataset holds {more} examples of a class than `class_counts` "
                    f"says: count it with `{way}`. Class:",
                    which,
                ],
            )
            for is_right, more, which in (
                (is_known, "more", group),
                (is_complete, "fewer", tf.argmax(examples_left)),
            )
        ]
        with tf.control_dependencies(checks):
            left = tf.maximum(examples_left[group], 1)
        seen = tf.cast(is_example, "int64")
        draws = seen * draws_left[group]
        seed = tf.random.experimental.stateless_fold_in(seed, number)
        chance = tf.random.stateless_uniform([], seed, maxval=left, dtype="int64")
        copies = draws // left + tf.cast(chance < draws % left, "int64")
        state = (
            tf.tensor_scatter_nd_sub(draws_left, [[group]], [copies]),
            tf.tensor_scatter_nd_sub(examples_left, [[group]], [seen]),
        )
        return state, (element, copies)
