"""The samplers, which differ in the shares that they give to the classes."""

from typing import Any

from keras_ccar.arguments import check_whole_number, optional
from keras_ccar.datasets.elements import LabelOf, check_data, check_label_of
from keras_ccar.datasets.samplers.examples import Examples
from keras_ccar.datasets.samplers.groups import Groups
from keras_ccar.datasets.samplers.quotas import (
    Shares,
    equal_shares,
    progressive_shares,
    quotas_of,
    square_root_shares,
)
from keras_ccar.datasets.samplers.stream import Stream
from keras_ccar.frequencies import ClassCounts


def class_balanced(
    dataset: Any,
    class_counts: ClassCounts,
    epochs: int = 1,
    examples_per_epoch: int | None = None,
    seed: int = 0,
    buffer_size: int = 4096,
    label_of: LabelOf = None,
) -> Any:
    """Draws every class equally often: share `1 / K`.

    Each class gets exactly its share of an epoch, up to rounding, and all examples of a
    class have equal chances. Copies of an example are identical: sample before the
    augmentation. The result has all epochs, one after the other. `dataset` may be

    - a finite `tf.data.Dataset` of single examples. The result is a stream; pass it to
      `fit` as `fit(stream.batch(b), epochs=epochs, steps_per_epoch=examples_per_epoch
      // b, shuffle=False)`, so that each epoch continues where the previous one ended.
      An iterator over it can be saved and restored by `tf.train.Checkpoint`, and
      `skip(n)` gives what follows the first n draws. The shuffle buffer mixes
      neighbouring epochs and spreads the copies of an example: to keep it small, sample
      before decoding.
    - arrays, tensors, tables or lists of equal length in a tuple such as `(x, y)` or a
      dict. The result has the same structure, with the drawn examples.
    - a torch data set with a length. The result is a torch data set for
      `DataLoader(drawn, batch_size=b)`, without `shuffle`. Each example is read once
      when this is called, for its label.

    Pass the same `epochs` here and to `fit`, with `steps_per_epoch=examples_per_epoch
    // b` and `shuffle=False` also for arrays and a `DataLoader`. Otherwise each epoch
    of `fit` repeats the draws of one, and most examples of frequent classes are never
    seen. `torch.utils.data.WeightedRandomSampler` draws anew in each epoch without
    that, but gives classes their shares on average only, and an epoch may draw an
    example of a frequent class twice.

    For examples with several of K yes-or-no labels, pass counts of shape `(K, 2)`, as
    `count_classes(dataset, multi_label=True)` returns them: each example is balanced by
    its rarest label, and examples without any label form a group of their own. The
    sizes of the groups are counted in a pass over the data when this is called.

    Args:
        dataset: see above. Its examples are `(x, y)`, `(x, y, weight)` or dicts with a
            label, which is an integer, or one-hot of shape `(K,)`; with counts of shape
            `(K, 2)`, zeros and ones of shape `(K,)`.
        class_counts: examples of each class in `dataset`, shape `(K,)` or a dict, or
            `(K, 2)`; drawing fails if they are wrong. Classes without examples are left
            out.
        epochs: epochs in the result.
        examples_per_epoch: draws per epoch. Defaults to the number of examples.
        seed: determines the sequence; for a stream, together with the seed of
            `tf.random.set_seed`.
        buffer_size: examples in the shuffle buffer of a stream.
        label_of: function that returns the label by which to balance, such as one of
            several outputs. It is called as `tf.data` calls a function of an element:
            `label_of(x, y)` for `(x, y)`, `label_of(d)` for a dict. The examples come
            out as they went in.

    Returns:
        `epochs * examples_per_epoch` examples, as a `tf.data.Dataset`, arrays or a
        `torch.utils.data.Subset`.

    Raises:
        ValueError: if an argument is out of range, `dataset` is batched or infinite,
            or its labels are not classes, or not those that `class_counts` counts. For
            a stream, labels are checked when it is read, and the error is a
            `tf.errors.InvalidArgumentError`.

    Example:
    ```python
    import numpy as np
    from keras_ccar.datasets import class_balanced

    x, y = np.arange(100), np.repeat([0, 1], [90, 10])
    drawn_x, drawn_y = class_balanced((x, y), [90, 10])
    assert np.bincount(drawn_y).tolist() == [50, 50]

    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((x, {"kind": y, "size": x}))
    stream = class_balanced(dataset, [90, 10], label_of=lambda x, y: y["kind"])
    kinds = [int(y["kind"]) for _, y in stream]
    assert (len(kinds), sum(kinds)) == (100, 50)
    ```
    """
    return _drawn(
        equal_shares,
        dataset,
        class_counts,
        epochs,
        examples_per_epoch,
        seed,
        buffer_size,
        label_of,
    )


def square_root_balanced(
    dataset: Any,
    class_counts: ClassCounts,
    epochs: int = 1,
    examples_per_epoch: int | None = None,
    seed: int = 0,
    buffer_size: int = 4096,
    label_of: LabelOf = None,
) -> Any:
    """Draws every class in proportion to the square root of its count, `√n_c / Σ √n`.

    Arguments, result and errors are those of `class_balanced`.

    Example:
    ```python
    import numpy as np
    from keras_ccar.datasets import square_root_balanced

    x, y = np.arange(1000), np.repeat([0, 1], [900, 100])
    _, drawn_y = square_root_balanced((x, y), [900, 100])
    assert np.bincount(drawn_y).tolist() == [750, 250]  # 30 : 10
    ```
    """
    return _drawn(
        square_root_shares,
        dataset,
        class_counts,
        epochs,
        examples_per_epoch,
        seed,
        buffer_size,
        label_of,
    )


def progressively_balanced(
    dataset: Any,
    class_counts: ClassCounts,
    epochs: int,
    examples_per_epoch: int | None = None,
    seed: int = 0,
    buffer_size: int = 4096,
    label_of: LabelOf = None,
) -> Any:
    """Moves from the class frequencies to equal shares in the course of training.

    In epoch `t = 0, ..., T - 1` of `T`, class c has the share
    `(1 - t / T) n_c / N + (t / T) / K` (Kang et al. 2020, eq. 2).

    Arguments, result and errors are those of `class_balanced`; `epochs` is `T`.

    Example:
    ```python
    import numpy as np
    from keras_ccar.datasets import progressively_balanced

    x, y = np.arange(1000), np.repeat([0, 1], [900, 100])
    _, drawn_y = progressively_balanced((x, y), [900, 100], epochs=2)
    # 1/10 of the first epoch and (1/10 + 1/2) / 2 of the second.
    assert drawn_y.reshape(2, 1000).sum(1).tolist() == [100, 300]
    ```
    """
    return _drawn(
        progressive_shares,
        dataset,
        class_counts,
        epochs,
        examples_per_epoch,
        seed,
        buffer_size,
        label_of,
    )


def _drawn(
    shares: Shares,
    dataset: Any,
    class_counts: ClassCounts,
    epochs: int,
    examples_per_epoch: int | None,
    seed: int,
    buffer_size: int,
    label_of: LabelOf,
) -> Any:
    """Draws the classes in proportion to `shares(counts, epoch / epochs)`."""
    epochs = check_whole_number("epochs", epochs, 1)
    seed = check_whole_number("seed", seed, 0)
    buffer_size = check_whole_number("buffer_size", buffer_size, 1)
    examples_per_epoch = optional(
        check_whole_number, "examples_per_epoch", examples_per_epoch, 1
    )
    optional(check_label_of, "label_of", label_of)
    check_data("dataset", dataset)
    groups = Groups(class_counts)
    source: Stream | Examples
    if hasattr(dataset, "element_spec"):
        source = Stream(dataset, groups, label_of)
    else:
        source = Examples(dataset, groups, label_of)
    counts = source.group_counts()
    quotas = quotas_of(shares, counts, epochs, examples_per_epoch)
    return source.draw(quotas, counts, seed, buffer_size)
