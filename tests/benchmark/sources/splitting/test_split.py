"""Every class is in every part, or an error names the classes that are too small."""

import numpy as np
import pytest

from keras_ccar.benchmark.sources.labels.coding import LabelCoding
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.splitting.split import (
    check_same_classes,
    split_examples,
)

RNG = np.random.default_rng(0)
COUNTS = (200, 31, 5, 3)
LABELS = RNG.permutation(np.repeat(range(4), COUNTS))
KEYS = [f"{i}.png" for i in range(len(LABELS))]
NAMES = ("cat", "dog", "owl", "eel")


def split(labels=LABELS, names=NAMES, keys=KEYS, shares=(0.2,), seed=0):
    """The parts, one after the other: training, validation, test."""
    named = dict(zip(("validation", "test"), shares, strict=False))
    parts = split_examples(labels, names, keys, named, seed)
    assert list(parts) == ["train", *named]
    return list(parts.values())


@pytest.mark.parametrize("shares", [(0.2,), (0.2, 0.3), (0.01,), (0.45, 0.1)])
def test_the_parts_have_their_share_of_every_class(shares):
    parts = split(shares=shares)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(LABELS)))
    counted = [np.bincount(LABELS[part], minlength=4) for part in parts]
    for share, counts in zip(shares, counted[1:], strict=True):
        assert counts.tolist() == [max(1, round(share * n)) for n in COUNTS]
    assert counted[0].min() >= 1


def test_seed_and_keys_decide_and_the_order_does_not():
    again = np.array([KEYS.index(key) for key in RNG.permutation(KEYS)])
    moved = split(LABELS[again], keys=[KEYS[i] for i in again])
    assert sorted(again[moved[1]].tolist()) == split()[1].tolist()
    assert split(seed=1)[1].tolist() != split()[1].tolist()


def test_classes_that_are_too_small_are_named():
    with pytest.raises(ValueError, match=r"validation, test\. .*: owl \(2\)\. Add"):
        split(np.array([0] * 9 + [1] * 9 + [2] * 2), shares=(0.1, 0.1), keys=KEYS[:20])


def test_every_label_has_both_answers_in_every_part():
    labels = (RNG.random((300, 3)) < [0.5, 0.1, 0.02]).astype("int64")
    keys = [str(i) for i in range(300)]
    parts = split(labels, NAMES[:3], keys, (0.2, 0.2))
    for part in parts:
        assert {0, 1} == set(labels[part].ravel())
        assert (labels[part].sum(axis=0) >= 1).all()
    rare = labels[:, 2].sum()
    assert labels[parts[1]][:, 2].sum() == max(1, round(0.2 * rare))
    labels[:, 1] = 0
    labels[:2, 1] = 1
    with pytest.raises(ValueError, match=r"These lack some: dog \(2 yes\)"):
        split(labels, NAMES[:3], keys, (0.2, 0.2))


def checked(labels, kind="labels", part="test", names=NAMES[:3]):
    """The notes on a part that was given."""
    notes = []
    coding = LabelCoding(kind, names)
    check_same_classes(np.array(labels), coding, "`y`", part, notes)
    return notes


def test_a_part_that_was_given_must_have_every_class():
    assert not checked([0, 1, 2], "softmax")
    with pytest.raises(ValueError, match=r"`y` must .* It lacks 'dog', 'eel'"):
        checked([0, 2, 2], "softmax", names=NAMES)
    with pytest.raises(ValueError, match="It lacks 'owl'"):
        checked([[1, 1, 0]])
    with pytest.raises(ValueError, match=r"It lacks 'dog'\."):
        checked([0, 0], "binary", names=NAMES[:2])
    assert not checked(1 - np.eye(3, dtype="int64"))
    assert not checked([0, 1], "binary", names=NAMES[:2])


@pytest.mark.parametrize(
    ("kind", "labels", "names", "shown", "part"),
    [
        ("labels", [[1, 1, 0], [0, 1, 1]], NAMES[:3], "'dog'", "validation"),
        ("labels", [[1, 1, 0], [0, 1, 1]], NAMES[:3], "'dog'", "test"),
        ("labels", [[1, 1], [1, 1]], NAMES[:2], "'cat', 'dog'", "test"),
        ("binary", [1, 1], NAMES[:2], "'dog'", "test"),
    ],
)
def test_a_part_in_which_all_have_a_label_is_read(kind, labels, names, shown, part):
    (note,) = checked(labels, kind, part, names)
    assert note.startswith(f"Warning: All examples of `y` have {shown}. What is meas")


@pytest.mark.parametrize(
    ("kind", "labels"), [("labels", [[1, 1], [1, 1]]), ("binary", [1, 1])]
)
def test_validation_data_without_any_no_choose_nothing(kind, labels):
    with pytest.raises(ValueError, match=r"All .* 'dog', and valid.* by `--test`"):
        checked(labels, kind, "validation", NAMES[:2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation": 1.0}, "`validation` must be a share"),
        ({"validation": 0.6, "test": 0.4}, "something to train on"),
        ({"seed": -1}, "`seed`"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        SourceOptions(**options)
