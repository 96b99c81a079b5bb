"""The same examples in any form give the same training, where the order is the same."""

import io

import keras
import numpy as np
import pytest
from own_data import LOSSES, classes, compare, measured, network
from rich.console import Console

from keras_ccar.benchmark.own_data.checks.shared_examples import describe_shared
from keras_ccar.benchmark.own_data.data import OwnData
from keras_ccar.benchmark.own_data.request import OwnRequest, run_own
from keras_ccar.benchmark.own_data.training.seeded_arrays import SeededArrays

X, Y = classes()


class Batches(keras.utils.PyDataset):
    """Batches in a fixed order."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    @property
    def num_batches(self):
        return -(-len(self.y) // 16)

    def __getitem__(self, index):
        part = slice(16 * index, 16 * index + 16)
        return self.x[part], self.y[part]


def tf_data(x, y):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(16)


def data_loader(x, y):
    torch = pytest.importorskip("torch")
    examples = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y))
    return torch.utils.data.DataLoader(examples, batch_size=16)


def made_by_a_function(x, y):
    return lambda: Batches(x, y)


FORMS = [Batches, tf_data, data_loader, made_by_a_function]


@pytest.mark.slow
def test_batches_of_any_library_give_the_same(tmp_path):
    results = []
    for form in FORMS:
        comparison, failed = compare(
            tmp_path / form.__name__,
            train=form(X, Y),
            validation=form(*classes(1)),
            seeds=1,
        )
        assert failed == []
        results.append([run["splits"] for run in comparison.run_entries])
    assert results[1:] == results[:-1]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_read_of_batches(form):
    data = OwnData("train", form(X, Y), 32)
    np.testing.assert_array_equal(data.labels, Y)
    assert data.num_batches == 5
    assert not data.is_in_memory
    assert data.first_inputs.shape == (1, 6)


@pytest.mark.parametrize(
    "given",
    [
        (X, Y),
        [X, Y],
        (X.tolist(), Y.tolist()),
        (X, Y, np.ones(70)),
        lambda: (X, Y),
        ({"x": X, "again": X}, Y),
        ([X, X], Y),
    ],
)
def test_arrays(given):
    data = OwnData("train", given, 32)
    assert data.is_in_memory
    np.testing.assert_array_equal(data.labels, Y)
    assert data.num_batches == 3
    sizes = [len(batch[1]) for batch in map(data.batches(0).__getitem__, range(3))]
    assert sizes == [32, 32, 6]


def test_tables():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X)
    data = OwnData("train", (table, pandas.Series(Y)), 32)
    np.testing.assert_array_equal(data.open()[0], X)


def test_seed_and_epoch_decide_the_order():
    def order(seed, epoch):
        batches = SeededArrays((np.arange(20), np.arange(20)), 8, seed)
        batches.begin_epoch(epoch)
        return [value for step in range(3) for value in batches[step][1]]

    orders = [order(*case) for case in ((0, 0), (0, 1), (1, 0))]
    assert order(0, 0) == orders[0]
    assert len({tuple(found) for found in orders}) == 3
    assert all(sorted(found) == list(range(20)) for found in orders)


def test_a_function_may_take_the_seed():
    seen = []

    def make(seed):
        seen.append(seed)
        return Batches(X, Y)

    data = OwnData("train", make, 32)
    data.batches(3)
    assert seen == [0, 0, 3]  # read, looked at again, trained on


def test_digests_tell_data_apart():
    one = OwnData("train", (X, Y), 32).digest()
    assert OwnData("train", (X.copy(), Y.copy()), 8).digest() == one
    assert OwnData("train", (X + 1, Y), 32).digest() != one
    assert OwnData("train", (X, (Y + 1) % 3), 32).digest() != one


@pytest.mark.parametrize("form", FORMS)
def test_digests_tell_batches_apart(form):
    one = OwnData("train", form(X, Y), 32).digest()
    order = np.random.default_rng(0).permutation(len(Y))
    other = X.copy()
    other[-1, -1] += 1
    assert OwnData("train", form(X[order], Y[order]), 32).digest() == one
    assert OwnData("train", form(other, Y), 32).digest() != one
    assert OwnData("train", form(X, np.roll(Y, 1)), 32).digest() != one


class Augmented(Batches):
    """Batches whose inputs change from one reading to the next."""

    random = np.random.default_rng(0)

    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        return x + self.random.normal(size=x.shape).astype("float32"), y


def test_inputs_that_change_are_known_by_their_labels():
    data = OwnData("train", Augmented(X, Y), 32)
    assert data.hashes is None
    assert OwnData("train", Augmented(X, Y), 32).digest() == data.digest()
    assert OwnData("train", Augmented(X, Y[::-1]), 32).digest() == data.digest()
    assert OwnData("train", Augmented(X, (Y + 1) % 3), 32).digest() != data.digest()


@pytest.mark.parametrize("form", [lambda x, y: (x, y), *FORMS])
def test_examples_in_two_parts_are_counted(form):
    x, y = classes(1)
    x[[3, 5]] = X[[7, 7]]
    train = OwnData("train", form(X, Y), 32)
    splits = {"train": train, "validation": OwnData("validation", form(x, y), 32)}
    test_x, test_y = classes(2)
    test_x[0], test_x[1] = X[0], x[0]
    splits["test"] = OwnData("test", (test_x, test_y), 32)
    assert (
        "2 of 70 validation examples in train, "
        "2 of 70 test examples in train or validation."
    ) in describe_shared(splits)
    apart = {"train": train, "validation": OwnData("validation", classes(3), 32)}
    assert describe_shared(apart) == ""


@pytest.mark.slow
def test_examples_in_two_parts_are_reported(tmp_path):
    x, y = classes(1)
    x[3] = X[7]
    printed = Console(record=True, width=200, file=io.StringIO())
    request = OwnRequest(
        network(), (X, Y), (x, y), losses=LOSSES, seeds=1, epochs=1, output=tmp_path
    )
    run_own(request, printed)
    sentence = "in two parts of the data: 1 of 70 validation examples in train."
    assert printed.export_text().count(sentence) == 1
    assert (tmp_path / "report.html").read_text("utf-8").count(sentence) == 1


def test_several_inputs(tmp_path):
    def build():
        inputs = [keras.Input((6,), name=name) for name in ("left", "right")]
        joined = keras.layers.Concatenate()(inputs)
        return keras.Model(inputs, keras.layers.Dense(3)(joined))

    comparison, failed = compare(
        tmp_path,
        build_model=build,
        train=([X, -X], Y),
        validation=([classes(1)[0], -classes(1)[0]], Y),
        seeds=1,
        epochs=1,
    )
    assert [run["error"] for run in failed] == []
    assert len(comparison.finished) == 5


def test_one_hot_labels_give_the_same_as_integers(tmp_path):
    loss = {"ce": keras.losses.CategoricalCrossentropy(from_logits=True)}
    rows = np.eye(3, dtype="float32")
    hot, _ = compare(
        tmp_path / "hot",
        train=(X, rows[Y]),
        validation=(classes(1)[0], rows[Y]),
        losses=loss,
        seeds=1,
    )
    loss = {"ce": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}
    integers, _ = compare(tmp_path / "integers", losses=loss, seeds=1)
    assert hot.dataset["class_counts"] == integers.dataset["class_counts"]
    for run, same in zip(measured(hot), measured(integers), strict=True):
        assert run["balanced"] == pytest.approx(same["balanced"], abs=5)


def test_a_subclassed_model(tmp_path):
    class Network(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, inputs):
            return self.dense(inputs)

    comparison, failed = compare(tmp_path, build_model=lambda: Network(), seeds=1)
    assert failed == []
    assert comparison.finished["method"].tolist() == ["ce", "ccar", "ce+tau"]


def test_softmax_and_logits_give_the_same_kind(tmp_path):
    losses = {"ce": keras.losses.SparseCategoricalCrossentropy()}
    comparison, failed = compare(
        tmp_path, build_model=network(3, "softmax"), losses=losses, seeds=1
    )
    assert failed == []
    assert comparison.dataset["kind"] == "softmax"
