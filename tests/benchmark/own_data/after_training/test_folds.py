"""What is measured on an example does not depend on its own label."""

import numpy as np
import pytest

from keras_ccar.benchmark.own_data.after_training.folds import cross_fit, folds


@pytest.mark.parametrize("counts", [(40, 20, 10), (3, 3), (5, 1, 1), (2, 1), (1, 1)])
def test_every_example_is_measured_once_and_apart(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    seen = []
    for chosen_on, measured_on in folds(labels, 0):
        assert not set(chosen_on) & set(measured_on)
        assert len(chosen_on) + len(measured_on) == len(labels)
        seen += list(measured_on)
        dealt = np.bincount(labels[measured_on], minlength=len(counts))
        share = len(measured_on) / len(labels)
        assert (np.abs(dealt - share * np.array(counts)) <= 1).all()
    assert sorted(seen) == list(range(len(labels)))


def test_number_of_folds():
    assert len(list(folds(np.repeat([0, 1], [50, 7]), 0))) == 5
    assert len(list(folds(np.repeat([0, 1], [50, 3]), 0))) == 3
    assert len(list(folds(np.repeat([0, 1], [50, 1]), 0))) == 2


def test_one_example_cannot_be_both():
    with pytest.raises(ValueError, match="`validation` must have two examples"):
        list(folds(np.array([0]), 0))


def test_the_deal_depends_on_the_seed_alone():
    labels = np.repeat([0, 1], [20, 10])
    first, same, other = (
        [part.tolist() for part, _ in folds(labels, seed)] for seed in (0, 0, 1)
    )
    assert first == same
    assert first != other


def test_a_choice_that_remembers_its_examples_gains_nothing():
    """Thresholds on noise look good where they were chosen, and not elsewhere."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    noise = rng.random(400)

    def choose(rows):
        return dict(zip(noise[rows], labels[rows], strict=True))

    def apply(known, rows):
        return np.array([known.get(value, 0) for value in noise[rows]])

    everything = np.arange(400)
    assert (apply(choose(everything), everything) == labels).all()
    fair = cross_fit(labels, 0, choose, apply)
    assert (fair == 0).all()
