"""Examples with several yes-or-no labels are balanced by their rarest one."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from keras_ccar.datasets import (
    class_balanced,
    count_classes,
    elements,
    progressively_balanced,
    square_root_balanced,
)

tf = pytest.importorskip("tensorflow")
torch = pytest.importorskip("torch")

TAGS = (np.random.default_rng(0).random((400, 4)) < [0.5, 0.2, 0.05, 0.02]).astype(int)
COUNTS = count_classes(TAGS, multi_label=True)


def groups_of(tags):
    """The rarest label of each example, one by one; K for none."""
    positives = [sum(column) for column in zip(*tags, strict=True)]
    groups = []
    for row in tags:
        rarest = len(row)
        for label, value in enumerate(row):
            if value == 1 and (
                rarest == len(row) or positives[label] < positives[rarest]
            ):
                rarest = label
        groups.append(rarest)
    return np.array(groups)


def data_sets():
    numbers = np.arange(400)
    tensors = torch.utils.data.TensorDataset(torch.tensor(numbers), torch.tensor(TAGS))
    return {
        "tf.data": tf.data.Dataset.from_tensor_slices((numbers, TAGS)),
        "booleans": tf.data.Dataset.from_tensor_slices((numbers, TAGS.astype(bool))),
        "floats": tf.data.Dataset.from_tensor_slices((numbers, TAGS.astype("float32"))),
        "arrays": (numbers, TAGS),
        "torch": tensors,
    }


def numbers_in(drawn):
    if isinstance(drawn, tuple):
        return np.asarray(drawn[0])
    if isinstance(drawn, torch.utils.data.Subset):
        return np.array(drawn.indices)
    return np.array([int(x) for x, _ in drawn])


@pytest.mark.slow
@pytest.mark.parametrize("name", data_sets())
def test_every_group_gets_its_share(name):
    data, group = data_sets()[name], groups_of(TAGS)
    sizes = np.bincount(group, minlength=5)
    shares = {
        class_balanced: np.ones(5) / 5,
        square_root_balanced: np.sqrt(sizes) / np.sqrt(sizes).sum(),
    }
    for sampler, share in shares.items():
        numbers = numbers_in(sampler(data, COUNTS, examples_per_epoch=200))
        found = np.bincount(group[numbers], minlength=5)
        assert np.abs(found - 200 * share).max() < 1
    numbers = numbers_in(progressively_balanced(data, COUNTS, epochs=2))
    assert np.bincount(group[numbers[:400]], minlength=5).shape == (5,)
    assert len(numbers) == 800


@pytest.mark.slow
def test_the_stream_and_the_arrays_have_one_law():
    group = groups_of(TAGS)
    for sampler in (class_balanced, square_root_balanced):
        found = [
            np.bincount(group[numbers_in(sampler(data, COUNTS))], minlength=5).tolist()
            for data in data_sets().values()
        ]
        assert found == [found[0]] * len(found)


@settings(max_examples=25)
@given(
    hnp.arrays(
        "int64",
        st.tuples(st.integers(2, 40), st.integers(1, 5)),
        elements=st.integers(0, 1),
    )
)
def test_groups_are_those_of_a_loop(tags):
    counts = count_classes(tags, multi_label=True)
    group = groups_of(tags)
    numbers, _ = class_balanced((np.arange(len(tags)), tags), counts)
    found = np.bincount(group[numbers], minlength=tags.shape[1] + 1)
    sizes = np.bincount(group, minlength=tags.shape[1] + 1)
    share = (sizes > 0) / (sizes > 0).sum()
    assert np.abs(found - len(tags) * share).max() < 1


@pytest.mark.parametrize("shape", [(20,), (20, 1)])
def test_one_label(shape):
    labels = np.repeat([0, 1], [15, 5]).reshape(shape)
    counts = count_classes(labels, multi_label=True)
    dataset = tf.data.Dataset.from_tensor_slices((np.arange(20), labels))
    for data in (dataset, (np.arange(20), labels)):
        numbers = numbers_in(class_balanced(data, counts))
        assert (numbers >= 15).sum() == 10


def test_counts_of_something_else():
    counts = COUNTS.copy()
    counts[2] += [-1, 1]
    for name in ("tf.data", "arrays", "torch"):
        dataset = data_sets()[name]
        with pytest.raises(ValueError, match="fewer examples of label 2") as error:
            class_balanced(dataset, counts)
        call = str(error.value).split("count it with `")[1].split("`")[0]
        variables = {"count_classes": count_classes, "dataset": dataset}
        assert eval(call, variables).tolist() == COUNTS.tolist()


@pytest.mark.parametrize("row", [[0, 1, 0], [0, 0, 0]], ids=["tag", "none"])
def test_a_stream_without_an_end(row, monkeypatch):
    monkeypatch.setattr(elements, "MOST_ELEMENTS", 4096)

    def endless():
        return itertools.repeat((0, row))

    signature = (tf.TensorSpec((), "int64"), tf.TensorSpec((3,), "int64"))
    dataset = tf.data.Dataset.from_generator(endless, output_signature=signature)
    counts = [[90, 10], [90, 10], [90, 10]]
    message = "more examples of label 1 than" if any(row) else r"4,096 .*dataset\.take"
    with pytest.raises(ValueError, match=message):
        class_balanced(dataset, counts)


def test_unknown_targets_are_named():
    tags = TAGS.copy()
    tags[3] = -1
    numbers = np.arange(400)
    dataset = tf.data.Dataset.from_tensor_slices((numbers, tags))
    for data in (dataset, (numbers, tags)):
        with pytest.raises(ValueError, match=r"must be 0 or 1..*-1") as error:
            class_balanced(data, COUNTS)
        label_of = eval(str(error.value).split("`label_of=")[-1].split("`")[0])
        counts = count_classes(data, multi_label=True, label_of=label_of)
        assert len(numbers_in(class_balanced(data, counts, label_of=label_of))) == 400


def test_several_tags_without_a_word_are_refused():
    positives = TAGS.sum(0)
    stream = class_balanced(data_sets()["tf.data"], positives)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"shape \(K, 2\)"):
        list(stream)
    with pytest.raises(ValueError, match=r"shape \(K, 2\)") as error:
        class_balanced(data_sets()["arrays"], positives)
    dataset = data_sets()["arrays"]
    call = str(error.value).split("`class_counts=")[1].split("`")[0]
    variables = {"count_classes": count_classes, "dataset": dataset}
    class_balanced(dataset, eval(call, variables))


def test_the_shape_of_the_labels():
    for name in ("tf.data", "arrays", "torch"):
        with pytest.raises(ValueError, match=r"\(3, 2\) needs .* shape \(3,\).*\(4,\)"):
            class_balanced(data_sets()[name], COUNTS[:3])
