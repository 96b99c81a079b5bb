"""Streams in which rare classes are drawn more often.

The sampling strategies of Kang et al. 2020, "Decoupling representation and classifier
for long-tailed recognition" (arXiv 1910.09217, section 3.1), for `tf.data`. Each
example of the stream is drawn as often as its class needs: not at all, once, or several
times. One pass over the data thus gives one epoch, however many classes there are, and
only the shuffle buffer holds examples in memory.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_ccar.datasets.elements import find_label
from keras_ccar.frequencies import ClassCounts, class_counts_array
from keras_ccar.inputs.checks import check_whole_number


def class_balanced(
    dataset: Any,
    class_counts: ClassCounts,
    epochs: int = 1,
    examples_per_epoch: int | None = None,
    seed: int = 0,
    buffer_size: int = 4096,
) -> Any:
    """Draws every class equally often: share `1 / K`.

    The result is one finite stream of all epochs. Pass it to `fit` as
    `fit(stream.batch(b), epochs=epochs, steps_per_epoch=examples_per_epoch // b,
    shuffle=False)`, so that each epoch continues where the previous one ended. An
    iterator over it can be saved and restored by `tf.train.Checkpoint`, and `skip(n)`
    gives what follows the first n draws.

    Each class gets exactly its share of an epoch, up to rounding, and all examples of a
    class have equal chances; the shuffle buffer mixes neighbouring epochs. Copies of an
    example are identical, and are spread as far as the buffer reaches: sample before
    the augmentation and, to keep the buffer small, before decoding.

    Args:
        dataset: finite `tf.data.Dataset` of single `(x, y)`, `(x, y, weight)` or dicts
            with a label; labels are integers, or one-hot of shape `(K,)`.
        class_counts: examples of each class in `dataset`, shape `(K,)` or a dict;
            reading fails if they are wrong. Classes without examples are left out.
        epochs: epochs in the stream.
        examples_per_epoch: draws per epoch. Defaults to the number of examples.
        seed: determines the sequence, together with the seed of `tf.random.set_seed`.
        buffer_size: examples in the shuffle buffer.

    Returns:
        A `tf.data.Dataset` of `epochs * examples_per_epoch` elements of `dataset`.

    Raises:
        ValueError: if an argument is out of range, or `dataset` is batched or infinite.

    Example:
    ```python
    import numpy as np
    import tensorflow as tf
    from keras_ccar.datasets import class_balanced

    labels = np.repeat([0, 1], [90, 10])
    dataset = tf.data.Dataset.from_tensor_slices((np.arange(100), labels))
    drawn = [int(y) for _, y in class_balanced(dataset, [90, 10])]
    assert (len(drawn), sum(drawn)) == (100, 50)
    ```
    """
    return _resampled(
        _equal, dataset, class_counts, epochs, examples_per_epoch, seed, buffer_size
    )


def square_root_balanced(
    dataset: Any,
    class_counts: ClassCounts,
    epochs: int = 1,
    examples_per_epoch: int | None = None,
    seed: int = 0,
    buffer_size: int = 4096,
) -> Any:
    """Draws every class in proportion to the square root of its count, `√n_c / Σ √n`.

    Arguments, result and errors are those of `class_balanced`.

    Example:
    ```python
    import numpy as np
    import tensorflow as tf
    from keras_ccar.datasets import square_root_balanced

    labels = np.repeat([0, 1], [900, 100])
    dataset = tf.data.Dataset.from_tensor_slices((np.arange(1000), labels))
    drawn = [int(y) for _, y in square_root_balanced(dataset, [900, 100])]
    assert (len(drawn), sum(drawn)) == (1000, 250)  # 30 : 10
    ```
    """
    return _resampled(
        _root, dataset, class_counts, epochs, examples_per_epoch, seed, buffer_size
    )


def progressively_balanced(
    dataset: Any,
    class_counts: ClassCounts,
    epochs: int,
    examples_per_epoch: int | None = None,
    seed: int = 0,
    buffer_size: int = 4096,
) -> Any:
    """Moves from the class frequencies to equal shares in the course of training.

    In epoch `t = 0, ..., T - 1` of `T`, class c has the share
    `(1 - t / T) n_c / N + (t / T) / K` (Kang et al. 2020, eq. 2).

    Arguments, result and errors are those of `class_balanced`; `epochs` is `T`.

    Example:
    ```python
    import numpy as np
    import tensorflow as tf
    from keras_ccar.datasets import progressively_balanced

    labels = np.repeat([0, 1], [900, 100])
    dataset = tf.data.Dataset.from_tensor_slices((np.arange(1000), labels))
    stream = progressively_balanced(dataset, [900, 100], epochs=2)
    drawn = [int(y) for _, y in stream.as_numpy_iterator()]
    # 1/10 of the first epoch and (1/10 + 1/2) / 2 of the second.
    assert (len(drawn), sum(drawn)) == (2000, 100 + 300)
    ```
    """
    return _resampled(
        _mixed, dataset, class_counts, epochs, examples_per_epoch, seed, buffer_size
    )


def _equal(counts: np.ndarray, progress: float) -> np.ndarray:
    return (counts > 0).astype("float64")


def _root(counts: np.ndarray, progress: float) -> np.ndarray:
    return np.sqrt(counts)


def _mixed(counts: np.ndarray, progress: float) -> np.ndarray:
    own, equal = counts / counts.sum(), (counts > 0) / (counts > 0).sum()
    return (1 - progress) * own + progress * equal


def _resampled(
    shares: Callable[[np.ndarray, float], np.ndarray],
    dataset: Any,
    class_counts: ClassCounts,
    epochs: int,
    examples_per_epoch: int | None,
    seed: int,
    buffer_size: int,
) -> Any:
    """Draws the classes in proportion to `shares(counts, epoch / epochs)`."""
    import tensorflow as tf

    counts = np.round(class_counts_array(class_counts)).astype("int64")
    check_whole_number("epochs", epochs, low=1)
    check_whole_number("seed", seed, low=0)
    check_whole_number("buffer_size", buffer_size, low=1)
    if examples_per_epoch is None:
        examples_per_epoch = int(counts.sum())
    check_whole_number("examples_per_epoch", examples_per_epoch, low=1)
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "`dataset` must be finite. Received an infinite one: pass it without "
            "`repeat()`, the sampler repeats it."
        )
    shape = find_label(dataset.element_spec).shape
    if tuple(shape) not in ((), (1,), (len(counts),)):
        raise ValueError(
            f"Labels must be integers, or one-hot of shape ({len(counts)},). Received "
            f"labels of shape {shape}: sample before `batch()`."
        )
    quotas = [
        _apportion(examples_per_epoch, shares(counts, epoch / epochs))
        for epoch in range(epochs)
    ]
    quotas_by_epoch = tf.constant(np.stack(quotas))
    # Whole passes, so that data in the order of its classes is as good as any.
    passes = max(1, round(examples_per_epoch / counts.sum()))
    singleton = tf.data.Dataset.from_tensors

    def epoch_stream(epoch: Any) -> Any:
        epoch_seed = tf.stack([tf.constant(seed, "int64"), epoch])
        return (
            dataset.repeat(passes)
            .enumerate()
            .scan(
                (quotas_by_epoch[epoch], tf.constant(passes * counts)),
                lambda state, numbered: _draw(state, numbered, epoch_seed),
            )
            .filter(lambda element, copies: copies > 0)
            .flat_map(lambda element, copies: singleton(element).repeat(copies))
            .apply(tf.data.experimental.assert_cardinality(examples_per_epoch))
        )

    return (
        tf.data.Dataset.range(epochs)
        .flat_map(epoch_stream)
        .shuffle(buffer_size, seed=seed, reshuffle_each_iteration=False)
        .apply(tf.data.experimental.assert_cardinality(epochs * examples_per_epoch))
    )


def _draw(state: Any, numbered: Any, seed: Any) -> Any:
    """Decides how often an example is drawn, given how many are still to come.

    With r draws left for the m remaining examples of its class, it should be drawn
    r / m times. Rounding that at random, and counting down, gives every class exactly
    its quota and its examples equal chances (Knuth's selection sampling, TAOCP 3.4.2).
    """
    import tensorflow as tf

    number, element = numbered
    draws_left, examples_left = state
    label = find_label(element)
    if label.shape.rank:  # one-hot, or a vector of one integer
        label = tf.argmax(label) if label.shape[0] > 1 else label[0]
    label = tf.cast(label, "int64")
    known = tf.debugging.assert_positive(
        examples_left[label],
        "The dataset holds more examples of a class than `class_counts` says: count it "
        "with `count_classes(dataset)`.",
    )
    with tf.control_dependencies([known]):
        left = tf.identity(examples_left[label])
    draws = draws_left[label]
    seed = tf.random.experimental.stateless_fold_in(seed, number)
    chance = tf.random.stateless_uniform([], seed, maxval=left, dtype="int64")
    copies = draws // left + tf.cast(chance < draws % left, "int64")
    state = (
        tf.tensor_scatter_nd_sub(draws_left, [[label]], [copies]),
        tf.tensor_scatter_nd_sub(examples_left, [[label]], [1]),
    )
    return state, (element, copies)


def _apportion(total: int, shares: np.ndarray) -> np.ndarray:
    """Rounds shares of a total to whole numbers that add up to it."""
    exact = total * shares / shares.sum()
    quota = np.floor(exact).astype("int64")
    largest_remainders = np.argsort(quota - exact, kind="stable")
    quota[largest_remainders[: total - quota.sum()]] += 1
    return quota
