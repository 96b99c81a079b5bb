"""Sample weights of training data count: their sums are the class counts of losses."""

import numpy as np
import pytest
import tensorflow as tf
from own_data import answers, classes, compare, network, tags

import keras_ccar
from keras_ccar.benchmark.own_data.planning.weighted_counts import (
    example_weights,
    weigh_counts,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(7,), (7, 1)])
def test_sums_of_weights_of_classes(shape):
    labels, weights = RNG.integers(0, 3, 7), RNG.random(7) * 5
    found = weigh_counts(labels, example_weights(weights.reshape(shape), (7, 3)), 3)
    expected = [
        sum(w for w, y in zip(weights, labels, strict=True) if y == k) for k in range(3)
    ]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("shape", [(9,), (9, 1), (9, 2)])
def test_sums_of_weights_of_labels(shape):
    labels = RNG.integers(0, 2, (9, 2)).astype("float64")
    weights = 1 + RNG.random(shape) * 5
    found = weigh_counts(labels, example_weights(weights, (9, 2)), 2)
    rows = np.broadcast_to(weights.reshape(9, -1), (9, 2))
    for k in range(2):
        for answer in range(2):
            expected = sum(rows[i, k] for i in range(9) if labels[i, k] == answer)
            assert found[k][answer] == pytest.approx(expected)


def test_weights_of_pixels_and_of_images():
    shape, labels = (4, 2, 3, 5), RNG.integers(0, 5, 24)
    pixels = 1 + RNG.random((4, 2, 3))
    np.testing.assert_allclose(example_weights(pixels, shape), pixels.reshape(-1))
    images = np.array([1.0, 2, 3, 4])
    np.testing.assert_allclose(example_weights(images, shape), np.repeat(images, 6))
    assert len(weigh_counts(labels, example_weights(images, shape), 5)) == 5


def test_equal_weights_change_nothing():
    assert example_weights(None, (4, 3)) is None
    assert example_weights(np.full(4, 0.25), (4, 3)) is None


def test_wrong_weights():
    with pytest.raises(ValueError, match=r"weight for each label, of shape \(4,\)"):
        example_weights(np.arange(3.0), (4, 3))
    with pytest.raises(ValueError, match="at least 0"):
        weigh_counts(np.array([0, 1]), np.array([-1.0, 2]), 2)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1 / 75])
def test_small_sums_suit_losses_of_numbers_of_examples(scale):
    labels = np.repeat([0, 1, 2], [50, 20, 5])
    weights = scale * np.linspace(0.5, 1.5, 75)
    found = weigh_counts(labels, weights, 3)
    keras_ccar.ClassBalancedLoss(found)
    sums = np.bincount(labels, weights=weights)
    np.testing.assert_allclose(np.array(found) / sum(found), sums / sums.sum())
    of_one = weigh_counts((labels[:, None] == 2) * 1.0, weights, 1)
    assert len(of_one) == 2
    keras_ccar.BinaryClassBalancedLoss(of_one)


def losses_of(folder, data, units, activation, **changes):
    seen = {}

    def spy(counts):
        seen["counts"] = np.array(counts)
        if units == 3 and activation is None:
            return keras_ccar.LogitAdjustedLoss(counts, from_logits=True)
        return keras_ccar.BinaryLogitAdjustedLoss(counts)

    comparison, failed = compare(
        folder,
        build_model=network(units, activation),
        train=data,
        losses={"la": spy},
        seeds=1,
        epochs=1,
        **changes,
    )
    assert not failed
    return seen["counts"], comparison


@pytest.mark.slow
def test_a_comparison_counts_with_the_weights(tmp_path):
    x, y = answers()
    weights = np.where(y == 1, 1.0, 10.0)
    held_out = {"validation": answers(1)}
    counts, comparison = losses_of(
        tmp_path / "a", (x, y, weights), 1, "sigmoid", **held_out
    )
    assert counts.tolist() == [600, 15]
    # The report has numbers of examples, and says what losses count.
    assert comparison.dataset["class_counts"] == [60, 15]
    assert comparison.dataset["counts"] == [600, 15]
    assert "losses and corrections count the sums" in comparison.dataset["description"]
    assert "15 to 600" in comparison.dataset["description"]
    batches = tf.data.Dataset.from_tensor_slices((x, y[:, None], weights)).batch(16)
    counts, _ = losses_of(tmp_path / "b", batches, 1, "sigmoid", **held_out)
    assert counts.tolist() == [600, 15]
    equal = (x, y, np.full(len(y), 3.0))
    counts, comparison = losses_of(tmp_path / "c", equal, 1, "sigmoid", **held_out)
    assert counts.tolist() == [60, 15]
    assert "sample weights" not in comparison.dataset["description"]
    given = {"class_counts": [50, 25], **held_out}
    counts, _ = losses_of(tmp_path / "d", (x, y, weights), 1, "sigmoid", **given)
    assert counts.tolist() == [50, 25]


@pytest.mark.slow
def test_classes_and_several_labels(tmp_path):
    x, y = classes()
    weights = np.array([0.5, 2.0, 3.0])[y]
    counts, comparison = losses_of(tmp_path / "a", (x, y, weights), 3, None)
    assert counts.tolist() == [20, 40, 30]
    groups = {run["method"]: run.get("many") for run in comparison.run_entries}
    plain = losses_of(tmp_path / "p", (x, y), 3, None)[1]
    assert comparison.dataset["class_counts"] == plain.dataset["class_counts"]
    assert groups.keys() == {"la", "la+tau", "la+tau-norm", "la+crt"}
    x, y = tags()
    weights = RNG.random(len(y)) + 0.5
    counts, _ = losses_of(
        tmp_path / "b", (x, y, weights), 3, "sigmoid", validation=tags(1)
    )
    for k in range(3):
        yes = weights[y[:, k] == 1].sum()
        np.testing.assert_allclose(counts[k], [weights.sum() - yes, yes], rtol=1e-6)


def test_classes_without_weight(tmp_path):
    x, y = classes()
    with pytest.raises(ValueError, match=r"every class with a weight above 0.*for 2"):
        losses_of(tmp_path, (x, y, (y != 2) * 1.0), 3, None)
