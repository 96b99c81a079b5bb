"""Samplers of arrays and torch data sets, which need no TensorFlow."""

import os
import subprocess
import sys

import jax.numpy as jnp
import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ccar.datasets import (
    class_balanced,
    count_classes,
    progressively_balanced,
    square_root_balanced,
)

torch = pytest.importorskip("torch")

LABELS = np.repeat([0, 1, 2], [90, 8, 2])
COUNTS = [90, 8, 2]
X = np.arange(100)


class Numbered(torch.utils.data.Dataset):
    """Reads the example of a number."""

    def __len__(self):
        return 100

    def __getitem__(self, i):
        return torch.tensor([float(i)]), int(LABELS[i])


def containers():
    import tensorflow as tf

    return {
        "numpy": (X, LABELS),
        "torch": (torch.tensor(X), torch.tensor(LABELS)),
        "jax": (jnp.array(X), jnp.array(LABELS)),
        "tensorflow": (tf.constant(X), tf.constant(LABELS)),
        "lists": (X.tolist(), LABELS.tolist()),
        "pandas": (
            pd.DataFrame({"x": X}, index=X + 7),
            pd.Series(LABELS, dtype="Int64", index=X + 7),
        ),
        "column": (X, LABELS[:, None]),
        "one-hot": (X, np.eye(3, dtype="float32")[LABELS]),
    }


@pytest.mark.parametrize("name", containers())
def test_arrays_keep_their_kind(name):
    x, y = containers()[name]
    drawn_x, drawn_y = class_balanced((x, y), COUNTS, examples_per_epoch=30)
    assert (type(drawn_x), type(drawn_y)) == (type(x), type(y))
    numbers = np.asarray(drawn_x).ravel()
    assert np.bincount(LABELS[numbers]).tolist() == [10, 10, 10]
    labels = np.asarray(drawn_y)
    labels = labels.argmax(1) if name == "one-hot" else labels.ravel()
    assert labels.tolist() == LABELS[numbers].tolist()


def test_structures_are_kept():
    data = {"image": (X, [X, X]), "label": LABELS}
    drawn = class_balanced(data, COUNTS)
    (first, (second, third)), labels = drawn["image"], drawn["label"]
    assert isinstance(drawn["image"][1], list)
    assert (first == second).all()
    assert (first == third).all()
    assert (labels == LABELS[first]).all()
    x, y, weight = class_balanced((X, LABELS, X / 7), COUNTS)
    assert (weight == x / 7).all()
    assert (
        np.bincount(y).tolist() == np.bincount(class_balanced(LABELS, COUNTS)).tolist()
    )


@pytest.mark.parametrize("sampler", [class_balanced, square_root_balanced])
@settings(max_examples=25)
@given(
    counts=st.lists(st.integers(0, 40), min_size=2, max_size=6).filter(any),
    examples_per_epoch=st.integers(1, 300),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_law_of_the_draws(sampler, counts, examples_per_epoch, seed):
    if sum(counts) < 2:
        return
    labels = np.repeat(np.arange(len(counts)), counts)
    numbers, drawn = sampler(
        (np.arange(len(labels)), labels), counts, 2, examples_per_epoch, seed
    )
    share = np.array(counts) > 0 if sampler is class_balanced else np.sqrt(counts)
    for epoch in range(2):
        part = slice(epoch * examples_per_epoch, (epoch + 1) * examples_per_epoch)
        of_class = np.bincount(drawn[part], minlength=len(counts))
        quota = examples_per_epoch * share / share.sum()
        assert of_class.sum() == examples_per_epoch
        assert (np.abs(of_class - quota) < 1).all()
        times = np.bincount(numbers[part], minlength=len(labels))
        passes = max(1, round(examples_per_epoch / sum(counts)))
        for c in np.flatnonzero(of_class):
            # As often as each other, up to the rounding of each pass over the data.
            mean = of_class[c] / counts[c]
            low = passes * np.floor(mean / passes)
            assert times[labels == c].min() >= low
            assert times[labels == c].max() <= low + passes


def test_examples_of_a_class_have_equal_chances():
    labels = np.repeat([0, 1], [270, 30])
    numbers, _ = class_balanced((np.arange(300), labels), [270, 30], epochs=40)
    times = np.bincount(numbers, minlength=300)
    assert (times[270:] == 5 * 40).all()
    chance = 150 / 270
    spread = np.sqrt(40 * chance * (1 - chance))
    assert times[:270].sum() == 150 * 40
    assert times[:270].std() == pytest.approx(spread, rel=0.2)
    assert abs(times[:90].mean() - times[180:270].mean()) < 4 * spread / np.sqrt(45)


def test_progressive_shares():
    _, y = progressively_balanced((X, LABELS), COUNTS, epochs=3, examples_per_epoch=600)
    own = np.array(COUNTS) / 100
    for t, of_epoch in enumerate(y.reshape(3, 600)):
        expected = 600 * ((1 - t / 3) * own + t / 3 / 3)
        assert np.abs(np.bincount(of_epoch) - expected).max() < 1


def test_same_seed_same_sequence():
    def sequence(data, seed):
        return class_balanced(data, COUNTS, epochs=2, seed=seed)

    x, _ = sequence((X, LABELS), 1)
    assert sequence((X, LABELS), 1)[0].tolist() == x.tolist()
    assert sequence((X, LABELS), 2)[0].tolist() != x.tolist()
    assert x[:100].tolist() != x[100:].tolist()
    # A torch data set is drawn in the order of the arrays.
    assert sequence(Numbered(), 1).indices == x.tolist()


def test_a_torch_data_set_is_one():
    drawn = class_balanced(Numbered(), COUNTS, epochs=2, examples_per_epoch=30)
    assert isinstance(drawn, torch.utils.data.Dataset)
    assert len(drawn) == 60
    batches = list(torch.utils.data.DataLoader(drawn, batch_size=30))
    for x, y in batches:
        assert np.bincount(y).tolist() == [10, 10, 10]
        assert (y.numpy() == LABELS[x[:, 0].int()]).all()
    assert count_classes(drawn).tolist() == [20, 20, 20]


@pytest.mark.parametrize("kind", ["arrays", "loader"])
def test_fit_goes_through_all_epochs(kind):
    if kind == "loader" and keras.backend.backend() == "jax":
        pytest.skip("the same adapter as on the others")
    x = X[:, None].astype("float32")
    seen = []

    class Seen(keras.layers.Layer):
        def call(self, inputs, training=False):
            return inputs * 1.0

    model = keras.Sequential([keras.Input((1,)), Seen(), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    if kind == "arrays":
        drawn = class_balanced((x, LABELS[:, None]), COUNTS, 3, 60)
        labels = drawn[1]
        arguments = {"x": drawn[0], "y": drawn[1], "batch_size": 20}
    else:
        drawn = class_balanced(Numbered(), COUNTS, 3, 60)
        labels = LABELS[drawn.indices]
        arguments = {"x": torch.utils.data.DataLoader(drawn, batch_size=20)}

    train_step = model.train_step

    def noting_step(*step):
        data = step[-1]
        seen.append(keras.ops.convert_to_numpy(data[1]).ravel())
        return train_step(*step)

    model.train_step = noting_step
    model.fit(**arguments, epochs=3, steps_per_epoch=3, verbose=0, shuffle=False)
    assert np.concatenate(seen).tolist() == np.ravel(labels).tolist()


@pytest.mark.parametrize(
    ("labels", "counts", "message"),
    [
        (LABELS, [90, 9, 1], "fewer examples of class 1 .*Received 9, but found 8"),
        (LABELS, [90, 8, 1], "more examples of class 2 .*Received 1, but found 2"),
        (LABELS, [90, 10], r"in \[0, 2\).*\[2, 2\]"),
        (LABELS - 1, COUNTS, r"in \[0, 3\).*\[-1, "),
        (LABELS + 0.5, COUNTS, "whole numbers"),
        (np.where(LABELS == 2, np.nan, LABELS), COUNTS, "whole numbers.*nan"),
        (np.array(["a", "b", "c"])[LABELS], COUNTS, "np.searchsorted"),
        (np.eye(4)[LABELS], COUNTS, r"labels of shape \(4,\)"),
        (np.eye(3)[LABELS] + np.eye(3)[0], COUNTS, "multi_label=True"),
        (np.zeros((100, 3)), COUNTS, "multi_label=True"),
        (LABELS[:-1], COUNTS, "lengths 100, 99"),
        (LABELS, [0.9, 0.08, 0.02], "not shares"),
    ],
)
def test_wrong_labels(labels, counts, message):
    with pytest.raises(ValueError, match=message):
        class_balanced((X, labels), counts)


def test_wrong_counts_can_be_counted_as_the_message_says():
    dataset = (X, LABELS)
    with pytest.raises(ValueError, match="count it with") as error:
        class_balanced(dataset, [1, 2, 3])
    call = str(error.value).split("count it with `")[1].split("`")[0]
    assert eval(call).tolist() == COUNTS


class Endless(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(Numbered())


@pytest.mark.parametrize(
    "data",
    [
        torch.utils.data.DataLoader(Numbered(), batch_size=5),
        Endless(),
        [(0, 1), (1, 0)],
        ((x, y) for x, y in zip(X, LABELS, strict=True)),
        "labels",
        None,
        keras.utils.PyDataset(),
    ],
    ids=lambda data: type(data).__name__,
)
def test_other_data_is_refused(data):
    message = (
        r"`dataset` must be .* Received: \w+.*pip install 'keras_ccar\[datasets\]'"
    )
    with pytest.raises(ValueError, match=message):
        class_balanced(data, [1, 1])


@pytest.mark.parametrize("data", [(X, 5), {"x": None, "y": LABELS}, (X, {"y": 3})])
def test_parts_that_are_no_arrays(data):
    with pytest.raises(ValueError, match=r"one entry for each example. Received: "):
        class_balanced(data, COUNTS, label_of=lambda *parts: 0)


def test_labels_of_several_shapes_in_a_data_set():
    class Boxes(Numbered):
        def __getitem__(self, i):
            return torch.zeros(3), torch.zeros(i % 2 + 1)

    with pytest.raises(ValueError, match=r"same shape .*\(1,\), \(2,\).*`label_of="):
        class_balanced(Boxes(), [50, 50])


@pytest.mark.slow
def test_neither_tensorflow_nor_torch_is_imported_for_arrays():
    code = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "torch"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
import numpy as np
from keras_ccar.datasets import class_balanced, count_classes
y = np.repeat([0, 1], [90, 10])
x, drawn = class_balanced((np.arange(100), y), count_classes(y))
assert np.bincount(drawn).tolist() == [50, 50]

class Examples:
    def __len__(self):
        return 100
    def __getitem__(self, i):
        return i, int(y[i])

assert count_classes(Examples()).tolist() == [90, 10]
try:
    class_balanced(Examples(), [90, 10])
except ModuleNotFoundError as error:
    assert "pip install 'keras_ccar[torch]'" in str(error), error
else:
    raise AssertionError
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


class Watched(Numbered):
    """Remembers which examples were read."""

    def __init__(self):
        self.read = set()

    def __getitem__(self, i):
        self.read.add(i)
        return super().__getitem__(i)


@pytest.mark.parametrize("form", ["torch", "arrays"])
def test_every_epoch_of_fit_has_draws_of_its_own(form):
    """As the docstring says: `epochs` here and in `fit`, with `steps_per_epoch`."""
    frequent = np.flatnonzero(np.bincount(LABELS).argmax() == LABELS)
    epochs, size = 3, 10
    steps = len(LABELS) // size
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(4)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    seen = []
    for drawn_epochs in (1, epochs):
        if form == "torch":
            data = Watched()
            drawn = class_balanced(data, COUNTS, epochs=drawn_epochs)
            data.read.clear()
            loader = torch.utils.data.DataLoader(drawn, batch_size=size)
            model.fit(
                loader,
                epochs=epochs,
                steps_per_epoch=steps if drawn_epochs > 1 else None,
                shuffle=False,
                verbose=0,
            )
            read = data.read
        else:
            numbers = np.arange(len(LABELS), dtype="float32")[:, None]
            x, _ = class_balanced((numbers, LABELS), COUNTS, epochs=drawn_epochs)
            read = set(x[:, 0].astype(int).tolist())
        seen.append(len(read & set(frequent.tolist())))
    assert seen[0] < seen[1] <= len(frequent)
