"""Streams in which rare classes come as often as they should.

The sampling strategies of Kang et al. 2020, "Decoupling representation and classifier
for long-tailed recognition" (arXiv 1910.09217, section 3.1), for `tf.data`. Each
example that streams by is drawn as often as its class needs: not at all, once, or
several times. So a pass over the data gives an epoch, whatever the number of classes,
and no image is kept but those of the shuffle buffer.
"""

import numpy as np

from keras_ccar.datasets.elements import find_label
from keras_ccar.frequencies import class_counts_array
from keras_ccar.inputs.checks import check_whole_number


def class_balanced(
    dataset, class_counts, epochs=1, examples_per_epoch=None, seed=0, buffer_size=4096
):
    """Draws every class equally often: share `1 / K`.

    The result is one finite stream of all epochs. Give it to `fit` as
    `fit(stream.batch(b), epochs=epochs, steps_per_epoch=examples_per_epoch // b,
    shuffle=False)`, so that each epoch goes on where the one before ended. An iterator
    over it can be saved and restored by `tf.train.Checkpoint`, and `skip(n)` gives what
    follows the first n draws.

    Each class has its share of an epoch exactly, but for rounding, and its examples
    have equal chances; the shuffle buffer mixes the epochs at their borders. Copies of
    an example are equal, and are spread as far as the buffer reaches: sample before
    the augmentation and, to keep the buffer small, before decoding.

    Args:
        dataset: finite `tf.data.Dataset` of single `(x, y)`, `(x, y, weight)` or dicts
            with a label; labels are integers, or one-hot of shape `(K,)`.
        class_counts: examples of each class in `dataset`, shape `(K,)` or a dict.
            Classes without examples are left out. Reading fails if it holds others.
        epochs: epochs in the stream.
        examples_per_epoch: draws an epoch. Defaults to the number of examples.
        seed: the same seed gives the same sequence, if the global seed of
            `tf.random.set_seed` is the same too.
        buffer_size: examples in the shuffle buffer.

    Returns:
        A `tf.data.Dataset` of the same elements, `epochs * examples_per_epoch` of
        them.

    Raises:
        ValueError: if the counts are not such, an argument is out of range, or the
            elements are batches or infinitely many.

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
        dataset,
        class_counts,
        lambda counts, progress: counts > 0,
        epochs,
        examples_per_epoch,
        seed,
        buffer_size,
    )


def square_root_balanced(
    dataset, class_counts, epochs=1, examples_per_epoch=None, seed=0, buffer_size=4096
):
    """Draws every class by the square root of its size: share `√n_c / Σ √n`.

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
        dataset,
        class_counts,
        lambda counts, progress: np.sqrt(counts),
        epochs,
        examples_per_epoch,
        seed,
        buffer_size,
    )


def progressively_balanced(
    dataset, class_counts, epochs, examples_per_epoch=None, seed=0, buffer_size=4096
):
    """Moves from the classes' own shares to equal ones over the training.

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
        dataset,
        class_counts,
        _progressive_share,
        epochs,
        examples_per_epoch,
        seed,
        buffer_size,
    )


def _progressive_share(counts, progress):
    own, equal = counts / counts.sum(), (counts > 0) / (counts > 0).sum()
    return (1 - progress) * own + progress * equal


def _resampled(
    dataset, class_counts, share_of, epochs, examples_per_epoch, seed, buffer_size
):
    """Draws the classes in proportion to `share_of(counts, epoch / epochs)`."""
    import tensorflow as tf

    counts = np.round(class_counts_array(class_counts)).astype("int64")
    check_whole_number("epochs", epochs, low=1)
    check_whole_number("seed", seed, low=0)
    check_whole_number("buffer_size", buffer_size, low=1)
    if examples_per_epoch is None:
        examples_per_epoch = int(counts.sum())
    check_whole_number("examples_per_epoch", examples_per_epoch, low=1)
    _check_stream(dataset, len(counts))
    quotas = [
        _apportioned(examples_per_epoch, share_of(counts, epoch / epochs))
        for epoch in range(epochs)
    ]
    quotas = tf.constant(np.stack(quotas))
    # Whole passes, so that data in the order of its classes is as good as any.
    passes = max(1, round(examples_per_epoch / counts.sum()))

    def epoch_stream(epoch):
        epoch_seed = tf.stack([tf.constant(seed, "int64"), epoch])
        return (
            dataset.repeat(passes)
            .enumerate()
            .scan(
                (quotas[epoch], tf.constant(passes * counts)),
                lambda state, numbered: _draw(state, numbered, epoch_seed),
            )
            .filter(lambda element, copies: copies > 0)
            .flat_map(
                lambda element, copies: tf.data.Dataset.from_tensors(element).repeat(
                    copies
                )
            )
            .apply(tf.data.experimental.assert_cardinality(examples_per_epoch))
        )

    return (
        tf.data.Dataset.range(epochs)
        .flat_map(epoch_stream)
        .shuffle(buffer_size, seed=seed, reshuffle_each_iteration=False)
        .apply(tf.data.experimental.assert_cardinality(epochs * examples_per_epoch))
    )


def _draw(state, numbered, seed):
    """Decides how often an example is drawn, knowing how many are still to come.

    With r draws of its class left for the m examples left, each of them deserves
    r / m. Rounding that up or down at random, and counting down, gives every class its
    quota exactly and its examples equal chances (selection sampling: Knuth, The Art of
    Computer Programming 2, algorithm 3.4.2S).
    """
    import tensorflow as tf

    number, element = numbered
    draws_left, examples_left = state
    label = _scalar_label(element)
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


def _apportioned(total, share):
    """Rounds shares of a total to whole numbers that add up to it."""
    exact = total * np.asarray(share, dtype="float64") / np.sum(share)
    quota = np.floor(exact).astype("int64")
    largest_remainders = np.argsort(quota - exact, kind="stable")
    quota[largest_remainders[: total - quota.sum()]] += 1
    return quota


def _check_stream(dataset, num_classes):
    import tensorflow as tf

    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "`dataset` is infinite: pass it without `repeat()`, the sampler repeats it."
        )
    shape = find_label(dataset.element_spec).shape
    if tuple(shape) not in ((), (1,), (num_classes,)):
        raise ValueError(
            f"Labels must be integers, or one-hot of shape ({num_classes},). Received "
            f"labels of shape {shape}: sample before `batch()`."
        )


def _scalar_label(element):
    import tensorflow as tf

    label = find_label(element)
    if label.shape.rank:
        label = tf.argmax(label) if label.shape[0] > 1 else label[0]
    return tf.cast(label, "int64")
