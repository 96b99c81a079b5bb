import itertools
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_ccar.datasets import (
    class_balanced,
    count_classes,
    long_tailed_counts,
    progressively_balanced,
    square_root_balanced,
)

tf = pytest.importorskip("tensorflow")

COUNTS = long_tailed_counts(100, 500, 100)
SHARES = {
    class_balanced: np.ones(100) / 100,
    square_root_balanced: np.sqrt(COUNTS) / np.sqrt(COUNTS).sum(),
}


def in_class_order(counts=COUNTS):
    """Examples numbered from 0, the hardest order for a stream."""
    labels = np.repeat(np.arange(len(counts)), counts)
    return tf.data.Dataset.from_tensor_slices((np.arange(len(labels)), labels))


def drawn(stream):
    parts = [np.concatenate(part) for part in zip(*batches(stream), strict=True)]
    return np.stack(parts, axis=1)


def batches(stream, size=500):
    return [(x, y) for x, y in stream.batch(size).as_numpy_iterator()]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SHARES)
def test_shares_over_100000_draws(sampler):
    stream = sampler(in_class_order(), COUNTS, examples_per_epoch=100_000)
    labels = drawn(stream)[:, 1]
    share = SHARES[sampler]
    standard_error = np.sqrt(share * (1 - share) / 100_000)
    observed = np.bincount(labels, minlength=100) / 100_000
    assert (np.abs(observed - share) < 3 * standard_error).all()
    # Within the stream too, as far as the shuffle buffer reaches: head and tail mix.
    assert len(np.unique(labels[:4000])) > 30


@pytest.mark.slow
def test_progressive_shares_over_100000_draws():
    epochs = 5
    order = np.random.default_rng(0).permutation(COUNTS.sum())
    labels = np.repeat(np.arange(100), COUNTS)[order]
    stream = progressively_balanced(
        tf.data.Dataset.from_tensor_slices((order, labels)),
        COUNTS,
        epochs,
        examples_per_epoch=20_000,
        buffer_size=500,
    )
    labels = drawn(stream)[:, 1].reshape(epochs, 20_000)
    own = COUNTS / COUNTS.sum()
    for epoch, of_epoch in enumerate(labels):
        progress = epoch / epochs
        share = (1 - progress) * own + progress / 100
        standard_error = np.sqrt(share * (1 - share) / 20_000)
        observed = np.bincount(of_epoch, minlength=100) / 20_000
        assert (np.abs(observed - share) < 3 * standard_error).all()


def test_examples_of_a_class_have_equal_chances():
    # 300 draws of 30 examples in each of 40 epochs, one class thinned, one repeated.
    counts = [270, 30]
    stream = class_balanced(in_class_order(counts), counts, epochs=40)
    times = np.bincount(drawn(stream)[:, 0], minlength=300)
    head, tail = times[:270], times[270:]
    assert (tail == 5 * 40).all()  # 150 draws of 30 examples
    # 150 of 270 without replacement in each epoch: binomial over the 40 epochs.
    assert head.sum() == 150 * 40
    chance = 150 / 270
    assert head.std() == pytest.approx(np.sqrt(40 * chance * (1 - chance)), rel=0.2)
    assert abs(head[:90].mean() - head[180:].mean()) < 4 * head.std() / np.sqrt(45)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", [class_balanced, square_root_balanced])
def test_same_seed_same_sequence(sampler):
    def sequence(seed):
        return drawn(sampler(in_class_order(), COUNTS, seed=seed)).tolist()

    first = sequence(1)
    assert sequence(2) != first
    assert sequence(1) == first


def test_epochs_differ():
    stream = class_balanced(in_class_order(), COUNTS, epochs=2)
    first, second = drawn(stream).reshape(2, -1, 2)
    assert first.tolist() != second.tolist()
    assert sorted(first[:, 0]) != sorted(second[:, 0])


@pytest.mark.slow
@pytest.mark.parametrize(
    "sampler", [class_balanced, square_root_balanced, progressively_balanced]
)
def test_restored_iterator_continues_the_sequence(sampler, tmp_path):
    def stream():
        return sampler(in_class_order(), COUNTS, epochs=2).batch(4)

    expected = batches(stream().unbatch().batch(4), 1)
    iterator = iter(stream())
    for _ in range(1000):
        next(iterator)
    saved = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "checkpoint"))
    rest = [int(x[0]) for x, _ in (next(iterator) for _ in range(500))]

    restored = iter(stream())
    tf.train.Checkpoint(iterator=restored).restore(saved).assert_consumed()
    again = [int(x[0]) for x, _ in (next(restored) for _ in range(500))]
    assert again == rest
    assert rest == [int(x[0, 0]) for x, _ in expected[1000:1500]]


@pytest.mark.slow
def test_skip_continues_the_sequence():
    stream = class_balanced(in_class_order(), COUNTS)
    np.testing.assert_array_equal(drawn(stream.skip(1000)), drawn(stream)[1000:])


@pytest.mark.slow
def test_cardinality_is_finite_and_right():
    stream = class_balanced(in_class_order(), COUNTS, epochs=3, examples_per_epoch=1234)
    assert int(stream.cardinality()) == 3 * 1234
    assert len(drawn(stream)) == 3 * 1234


def test_nothing_is_read_ahead_of_the_buffer():
    read = []

    def note(x, y):
        read.append(int(x))
        return x

    dataset = in_class_order([1000, 1000]).map(
        lambda x, y: (tf.ensure_shape(tf.py_function(note, [x, y], tf.int64), []), y)
    )
    next(iter(class_balanced(dataset, [1000, 1000], buffer_size=50)))
    assert len(read) < 100


def test_one_hot_labels_and_dicts():
    labels = np.repeat([0, 1], [90, 10])
    dataset = tf.data.Dataset.from_tensor_slices(
        {"image": np.arange(100), "label": np.eye(2, dtype="float32")[labels]}
    )
    stream = class_balanced(dataset, {0: 90, 1: 10})
    total = sum(element["label"] for element in stream.as_numpy_iterator())
    assert total.tolist() == [50, 50]


def test_fit_goes_through_all_epochs():
    counts = [90, 10]
    labels = np.repeat([0, 1], counts).astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices((labels[:, None], labels[:, None]))
    stream = class_balanced(dataset, counts, epochs=3)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")

    class Seen(keras.callbacks.Callback):
        batches = 0

        def on_train_batch_end(self, batch, logs=None):
            self.batches += 1

    seen = Seen()
    model.fit(
        stream.batch(20),
        epochs=3,
        steps_per_epoch=5,
        verbose=0,
        callbacks=[seen],
        shuffle=False,
    )
    assert seen.batches == 15


@pytest.mark.slow
def test_distributed_over_replicas():
    # Virtual devices have to be made before TensorFlow starts.
    code = """
import numpy as np, tensorflow as tf
from keras_ccar.datasets import class_balanced
cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
labels = np.repeat([0, 1, 2], [600, 60, 6])
dataset = tf.data.Dataset.from_tensor_slices((np.arange(666), labels))
stream = class_balanced(dataset, [600, 60, 6], examples_per_epoch=600)
seen = []
for _, y in strategy.experimental_distribute_dataset(stream.batch(20)):
    per_replica = strategy.experimental_local_results(y)
    assert [len(part) for part in per_replica] == [10, 10]
    seen += np.concatenate(per_replica).tolist()
assert np.bincount(seen).tolist() == [200, 200, 200]
"""
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})


@pytest.mark.parametrize("counts", [[80, 10], [90, 9], [100, 10], [90, 11], [91, 9]])
@pytest.mark.parametrize("epochs", [1, 2])
def test_wrong_counts_are_detected(counts, epochs):
    stream = class_balanced(in_class_order([90, 10]), counts, epochs)
    more = "more" if counts[0] < 90 or counts[1] < 10 else "fewer"
    message = rf"{more} examples of a class than `class_counts` says: count it with "
    with pytest.raises(tf.errors.InvalidArgumentError, match=message) as error:
        drawn(stream)
    call = str(error.value).split("count it with `")[1].split("`")[0]
    variables = {"count_classes": count_classes, "dataset": in_class_order([90, 10])}
    assert eval(call, variables).tolist() == [90, 10]


def test_a_stream_without_an_end_holds_more_examples():
    spec = tf.TensorSpec((), "int64")
    dataset = tf.data.Dataset.from_generator(
        lambda: itertools.repeat(1), output_signature=spec
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="more examples"):
        list(class_balanced(dataset, [9, 3]))


def test_an_empty_stream_holds_fewer_examples():
    stream = class_balanced(in_class_order([9, 3]).take(0), [9, 3])
    with pytest.raises(tf.errors.InvalidArgumentError, match="fewer examples"):
        drawn(stream)


@pytest.mark.parametrize("label", [-1, 2, 0.5, float("nan")])
def test_labels_that_are_no_classes(label):
    labels = np.array([0, 1, label])
    labels = labels if isinstance(label, float) else labels.astype("int64")
    stream = class_balanced(
        tf.data.Dataset.from_tensor_slices((labels, labels)), [1, 2]
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"numbers in \[0, 2\)"):
        list(stream)


@pytest.mark.parametrize("row", [[0, 1, 1], [0, 0, 0], [0.5, 0, 0], [-1, 1, 1]])
def test_rows_that_are_not_one_hot(row):
    rows = np.array([[1, 0, 0], [0, 1, 0], row], "float32")
    dataset = tf.data.Dataset.from_tensor_slices((rows, rows))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"multi_label=True\)`"):
        list(class_balanced(dataset, [1, 1, 1]))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float32"])
@pytest.mark.parametrize("form", ["scalar", "column", "one-hot"])
def test_labels_of_any_dtype(form, dtype):
    labels = np.repeat([0, 1], [15, 5])
    given = {"scalar": labels, "column": labels[:, None], "one-hot": np.eye(2)[labels]}
    given = given[form].astype(dtype)
    dataset = tf.data.Dataset.from_tensor_slices((np.arange(20), given))
    numbers = [int(x) for x, _ in class_balanced(dataset, [15, 5])]
    assert np.bincount(labels[numbers]).tolist() == [10, 10]


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda d: d.repeat(), {}, "infinite"),
        (lambda d: d.batch(5), {}, "before `batch"),
        (lambda d: d.batch(4, drop_remainder=True), {}, "before `batch"),
        (lambda d: d.map(lambda x, y: (x, tf.one_hot(y, 3))), {}, "`label_of=`"),
        (lambda d: d.map(lambda x, y: (x, tf.as_string(y))), {}, "must be numbers"),
        (lambda d: d.map(lambda x, y: (x, {"y": y})), {}, "several labels"),
        (lambda d: d.map(lambda x, y: {"x": x, "z": y}), {}, "`label_of=lambda"),
        (lambda d: d, {"label_of": lambda x, y: (x, y)}, "must return the label"),
        (lambda d: d, {"epochs": 0}, "`epochs`"),
        (lambda d: d, {"examples_per_epoch": 0}, "`examples_per_epoch`"),
        (lambda d: d, {"buffer_size": 0}, "`buffer_size`"),
        (lambda d: d, {"seed": -1}, "`seed`"),
        (lambda d: d, {"class_counts": [1, -1]}, "`class_counts`"),
        (lambda d: d, {"class_counts": [0.75, 0.25]}, "not shares"),
        (lambda d: d, {"class_counts": [[9], [3, 1]]}, "`class_counts`"),
        (lambda d: d, {"class_counts": [[9], [3]]}, "`class_counts`"),
    ],
)
def test_invalid_arguments(change, arguments, message):
    with pytest.raises(ValueError, match=message):
        class_balanced(
            change(in_class_order([9, 3])), **{"class_counts": [9, 3], **arguments}
        )
