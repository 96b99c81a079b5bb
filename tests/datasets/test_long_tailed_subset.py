import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ccar.datasets import long_tailed_counts, long_tailed_indices, subset_digest


def labelled_images(per_class=(20, 20, 20), shape=(3, 3, 1), seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(per_class)), per_class))
    images = rng.integers(0, 256, (len(labels), *shape), dtype="uint8")
    return images, labels


@pytest.mark.parametrize(
    ("num_classes", "head_count", "imbalance_factor", "published"),
    [
        (100, 500, 10, 19573),
        (100, 500, 50, 12608),
        (100, 500, 100, 10847),
        (100, 500, 200, 9502),
        (10, 5000, 100, 12406),
    ],
)
def test_totals_equal_the_published_ones(
    num_classes, head_count, imbalance_factor, published
):
    counts = long_tailed_counts(num_classes, head_count, imbalance_factor)
    assert counts.sum() == published
    assert counts[0] == head_count


@given(
    st.integers(2, 1000),
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.sampled_from(["exponential", "step", "pareto"]),
)
def test_counts_fall_from_head_to_exactly_the_tail(num_classes, tail, factor, profile):
    # head / factor is whole, so rounding errors would show as tail - 1.
    counts = long_tailed_counts(num_classes, tail * factor, factor, profile)
    assert counts.shape == (num_classes,)
    assert (counts[0], counts[-1]) == (tail * factor, tail)
    assert (np.diff(counts) <= 0).all()


def test_step_profile():
    assert long_tailed_counts(5, 50, 10, "step").tolist() == [50, 50, 5, 5, 5]


def test_pareto_profile_is_a_power_law():
    counts = long_tailed_counts(1000, 10**9, 100, "pareto")
    # A power law in 1 + c i: its -1/6 powers lie on a line.
    line = counts.astype(float) ** (-1 / 6)
    np.testing.assert_allclose(np.diff(line), np.diff(line).mean(), rtol=1e-3)


@settings(max_examples=30)
@given(st.randoms(use_true_random=False), st.integers(0, 5))
def test_subset_does_not_depend_on_the_order(random, seed):
    images, labels = labelled_images()
    order = list(range(len(labels)))
    random.shuffle(order)
    chosen = long_tailed_indices(images, labels, 10, seed)
    again = long_tailed_indices(images[order], labels[order], 10, seed)
    np.testing.assert_array_equal(images[order][again], images[chosen])
    np.testing.assert_array_equal(labels[order][again], labels[chosen])
    digest = subset_digest(images[chosen], labels[chosen])
    assert subset_digest(images[order][again], labels[order][again]) == digest


def test_subset_of_equal_images_does_not_depend_on_the_order():
    images, labels = labelled_images()
    images[1::2] = images[::2]  # also across classes
    chosen = long_tailed_indices(images, labels, 5)
    order = np.random.default_rng(1).permutation(len(labels))
    again = long_tailed_indices(images[order], labels[order], 5)
    np.testing.assert_array_equal(images[order][again], images[chosen])
    np.testing.assert_array_equal(labels[order][again], labels[chosen])


def test_subset_has_the_counts_and_no_example_twice():
    images, labels = labelled_images((50, 40, 60))
    chosen = long_tailed_indices(images, labels, 10)
    assert len(set(chosen)) == len(chosen)
    expected = long_tailed_counts(3, 40, 10)
    np.testing.assert_array_equal(np.bincount(labels[chosen]), expected)


def test_a_smaller_subset_is_part_of_a_larger_one():
    images, labels = labelled_images()
    large = set(long_tailed_indices(images, labels, 2))
    assert set(long_tailed_indices(images, labels, 10)) < large


def test_another_seed_chooses_others():
    images, labels = labelled_images()
    chosen = [set(long_tailed_indices(images, labels, 10, seed)) for seed in range(5)]
    assert len(set(map(frozenset, chosen))) == 5


def test_images_may_differ_in_shape():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (4, 3 + i % 5, 3), dtype="uint8") for i in range(30)]
    chosen = long_tailed_indices(images, np.arange(30) % 3, 5)
    assert np.bincount(chosen % 3).tolist() == [10, 4, 2]


def test_choice_is_pinned():
    """The same examples in every release, or recorded digests lose their meaning."""
    images = np.arange(90, dtype="uint8").reshape(30, 3, 1)
    labels = np.arange(30) % 3
    chosen = long_tailed_indices(images, labels, 10)
    assert chosen.tolist() == PINNED_INDICES
    assert subset_digest(images, labels) == PINNED_DIGEST


PINNED_INDICES = [2, 22, 25, 18, 21, 10, 6, 12, 9, 15, 0, 24, 3, 27]
PINNED_DIGEST = "09982da2561f654c2951323997649093ce316fa1bcf453f0f05bd2f675fedc5f"


def test_cao_selection_equals_the_published_code():
    images, labels = labelled_images((500, 500, 500))
    state = np.random.get_state()
    try:
        # The lines of LDAM-DRW's `gen_imbalanced_data`, global seed and all.
        np.random.seed(0)
        expected = []
        for label, count in enumerate([500, 50, 5]):
            of_class = np.where(labels == label)[0]
            np.random.shuffle(of_class)
            expected.extend(of_class[:count])
    finally:
        np.random.set_state(state)
    chosen = long_tailed_indices(images, labels, 100, selection="cao")
    assert chosen.tolist() == expected


def test_cao_selection_leaves_the_global_generator_alone():
    images, labels = labelled_images()
    before = np.random.get_state()[1].copy()
    long_tailed_indices(images, labels, 10, selection="cao")
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "`num_classes` .* >= 2"),
        ({"num_classes": 2.5}, "`num_classes` .* whole number"),
        ({"head_count": 0}, "`head_count` .* >= 1"),
        (
            {"imbalance_factor": 0.5},
            r">= 1.* 0\.5: pass its inverse, 2\.",
        ),
        ({"imbalance_factor": float("nan")}, "`imbalance_factor` .* finite"),
        ({"imbalance_factor": 101}, "=101 .* to at most 100"),
        ({"profile": "linear"}, "'exponential', 'step', 'pareto'.*'linear'"),
    ],
)
def test_invalid_counts(arguments, message):
    arguments = {
        "num_classes": 3,
        "head_count": 100,
        "imbalance_factor": 10,
        **arguments,
    }
    with pytest.raises(ValueError, match=message):
        long_tailed_counts(**arguments)


@pytest.mark.parametrize(
    ("labels", "arguments", "message"),
    [
        (np.zeros(59), {}, r"`labels` .*\(60,\).*\(59,\)"),
        (np.full(60, 0.5), {}, "whole numbers"),
        (np.full(60, -1), {}, "whole numbers >= 0"),
        (np.arange(60) % 3 * 2, {}, r"none of \[1, 3\]"),
        (np.arange(60) % 3, {"head_count": 21}, "Class 0 has 20 .* 21 are asked"),
        (np.arange(60) % 3, {"seed": -1}, "`seed`"),
        (np.arange(60) % 3, {"selection": "best"}, "'hash', 'cao'.*'best'"),
    ],
)
def test_invalid_subsets(labels, arguments, message):
    images, _ = labelled_images()
    with pytest.raises(ValueError, match=message):
        long_tailed_indices(images, labels, 10, **arguments)
