"""Labels of any kind become numbers; with two classes it is said which one is yes."""

import numpy as np
import pandas as pd
import pytest

from keras_ccar.benchmark.sources.labels.coding import (
    LabelCoding,
    find_classes,
    read_labels,
    shown,
)
from keras_ccar.benchmark.sources.labels.labelled import label_examples
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import read_data


@pytest.mark.parametrize(
    ("no", "yes"),
    [
        *(("0", "1"), ("no", "yes"), ("No", "Yes"), ("False", "TRUE"), ("-1", "1")),
        *(("00", "01"), ("0.0", "1")),
    ],
)
@pytest.mark.parametrize("rare", [0, 1])
def test_answers_that_say_yes_are_yes_however_rare(no, yes, rare):
    texts = [no, yes] + [(yes, no)[rare]] * 5
    coding = find_classes(texts, "`y`")
    assert (coding.kind, coding.class_names, coding.note) == ("binary", (no, yes), "")
    assert coding.encode([yes, no, yes], "`y`").tolist() == [1, 0, 1]


@pytest.mark.parametrize("rare", ["cat", "owl"])
def test_of_two_other_classes_the_rare_one_is_yes_and_it_is_said(rare):
    (common,) = {"cat", "owl"} - {rare}
    coding = find_classes([rare, common, common], "`y`")
    assert coding.class_names == (common, rare)
    assert f"{rare!r}, the rarer one, is yes" in coding.note


def test_numbers_are_in_the_order_of_their_values():
    coding = find_classes(["10", "9", "a", "-1"], "`y`")
    assert coding.class_names == ("-1", "9", "10", "a")
    assert coding.kind == "softmax"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", "a"], "two classes or more"),
        (["0.1", "0.25", "7"], "numbers with fractions, such as '0.1', '0.25'"),
        (["0.10", "0.1", "1e-3", "7.0"], "numbers with fractions, such as '1e-3'"),
    ],
)
def test_labels_that_are_no_classes(texts, message):
    with pytest.raises(ValueError, match=message):
        find_classes(texts, "`y`")


def test_unknown_labels_are_named():
    coding = find_classes(["a", "b", "c"], "`y`")
    with pytest.raises(
        ValueError, match=r"The test data has labels .* lacks: 'd', 'e'"
    ):
        coding.encode(["a", "e", "d"], "The test data")


@pytest.mark.parametrize(
    ("names", "given", "numbers"),
    [
        (("1", "2", "3"), ["1.0", "3", "2.0"], [0, 2, 1]),
        (("1", "2", "XL"), ["1.0", "XL", "2"], [0, 2, 1]),
        (("1.0", "2", "XL"), ["1", "XL", "2.0"], [0, 2, 1]),
        (("1", "1.0", "XL"), ["1.0", "1"], [1, 0]),
        (("True", "maybe", "no"), ["true", "no"], [0, 2]),
    ],
)
def test_whole_numbers_of_another_file_may_be_written_otherwise(names, given, numbers):
    assert LabelCoding("softmax", names).encode(given, "test").tolist() == numbers


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("01", "02", "10"), "1"),
        (("1", "2", "10"), "01"),
        (("1", "2", "100"), "1e2"),
        (("1", "1.0", "XL"), "1.00"),
        (("12345678901234567", "2", "3"), "12345678901234568"),
    ],
)
def test_other_numbers_of_another_file_are_unknown(names, text):
    with pytest.raises(ValueError, match=f"training data lacks: '{text}'"):
        LabelCoding("softmax", names).encode([text, names[0]], "test")


def test_a_class_with_one_example_is_left_out_and_named():
    notes = []
    labelled = label_examples(["a", "b", "c", "a", "c", "d", "d"], "`y`", notes)
    assert labelled.coding.class_names == ("a", "c", "d")
    assert labelled.kept.tolist() == [0, 2, 3, 4, 5, 6]
    assert labelled.labels.tolist() == [0, 1, 0, 1, 2, 2]
    assert labelled.counts.tolist() == [2, 2, 2]
    (note,) = notes
    assert note.startswith("1 of 4 classes have one example")
    assert note.endswith("left out: 'b'.")


def test_nothing_but_single_examples():
    with pytest.raises(ValueError, match="Received: 3 classes, 2 of which have one"):
        label_examples(["a", "a", "b", "c"], "`y`", [])


def test_many_names_are_cut():
    assert shown([str(i) for i in range(1007)]) == (
        "'0', '1', '2', '3', '4' and 1,002 more"
    )


def test_labels_that_look_alike_are_named_and_stay_apart():
    notes = []
    texts = read_labels(["Yes", "YES", "no", "yes ", "yes", 1, 1.0] * 2, notes)
    labelled = label_examples([*texts, "N o"], "`y`", notes)
    assert labelled.coding.class_names == ("1", "YES", "Yes", "no", "yes")
    spaces, alike, *_ = notes
    assert spaces.endswith("spaces around them are the same class: 'yes', 'yes '.")
    assert (
        "in how a number is written, 'N o', 'no', 'YES', 'Yes', 'yes', are classes"
        in alike
    )
    assert "\n" not in alike
    notes = []
    label_examples(["01", "1", "1e2", "100", "3"] * 2, "`y`", notes)
    assert "how a number is written, '01', '1', '100', '1e2', are classes" in notes[0]
    notes = []
    label_examples(read_labels(["yes", "no", "1", 2], notes) * 2, "`y`", notes)
    assert notes == []


@pytest.mark.parametrize(
    "names", [("false", "true"), ("0", "1"), ("No", "Yes"), ("-1", "1")]
)
@pytest.mark.parametrize("given", [("0", "1"), ("False", "TRUE"), ("n", "y"), "NY"])
def test_answers_of_another_file_may_be_written_otherwise(names, given):
    coding = LabelCoding("binary", names)
    texts = [given[1], given[0], given[1]]
    assert coding.encode(texts, "test").tolist() == [1, 0, 1]
    assert coding.encode([given[1]], "test").tolist() == [1]


def test_other_texts_are_no_answers():
    for names, texts in (
        (("0", "1"), ["-1", "0", "1"]),
        (("0", "1"), ["-1", "1"]),
        (("no", "yes"), ["maybe", "yes"]),
        (("well", "sick"), ["no", "yes"]),
    ):
        with pytest.raises(ValueError, match="labels that the training data lacks"):
            LabelCoding("binary", names).encode(texts, "test")


def test_classes_with_too_few_examples_for_all_parts(tmp_path):
    rows = pd.DataFrame({"x": np.arange(35) % 11, "kind": "ok"})
    rows.loc[:9, "kind"], rows.loc[10:11, "kind"], rows.loc[12, "kind"] = "a", "b", "c"
    rows.to_csv(tmp_path / "t.csv", index=False)
    y = rows["kind"].to_numpy(str)
    np.savez(tmp_path / "t.npz", x=np.arange(35.0)[:, None], y=y)
    for name, label in (("t.csv", ("kind",)), ("t.npz", ())):
        for share in (0.2, 0.001):
            held_out = {"validation": share, "test": share}
            data = read_data(tmp_path / name, SourceOptions(label=label, **held_out))
            assert set(data.class_names) == {"a", "ok"}
            assert (
                "2 of 4 classes have under 3 examples, too few for one in the training "
                "data and in each part that is held out. They are left out: 'b', 'c'."
            ) in data.notes
        data = read_data(tmp_path / name, SourceOptions(label=label))
        assert set(data.class_names) == {"a", "b", "ok"}


def test_texts_of_arrays_are_shown_as_texts():
    assert shown(np.array(["ok", "it's"])) == "'ok', \"it's\""
    notes = []
    read_labels(np.array(["ok", "ok "]), notes)
    assert "np.str_" not in notes[0]
