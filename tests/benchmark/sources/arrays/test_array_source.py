"""Arrays in a file, by the names that are documented."""

import numpy as np
import pytest

from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import count_data, read_data
from keras_ccar.benchmark.sources.saved_readings import load_reading

RNG = np.random.default_rng(0)
Y = np.repeat([3, 5, 9], [30, 15, 5])
X = RNG.normal(size=(50, 4))


def read(tmp_path, options=None, **content):
    np.savez(tmp_path / "mine.npz", **content)
    return read_data(tmp_path / "mine.npz", options or SourceOptions())


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((4,), "float64"), ((9, 7), "uint8"), ((8, 8, 3), "uint8"), ((8, 8, 1), "int32")],
)
def test_features_and_images(tmp_path, shape, dtype):
    x = RNG.integers(0, 200, (50, *shape)).astype(dtype)
    data = read(tmp_path, x=x, y=Y)
    assert (data.name, data.class_names) == ("mine", ("3", "5", "9"))
    assert data.train[0].shape == (40, *shape)
    assert data.train[0].dtype == ("uint8" if dtype == "uint8" else "float32")
    assert np.bincount(data.train[1]).tolist() == [24, 12, 4]
    model = data.build_model()
    outputs = model.predict(data.train[0], verbose=0)
    assert outputs.shape == (40, 3)
    assert np.isfinite(outputs).all()


@pytest.mark.parametrize("suffix", ["_val", "_valid", "_validation"])
@pytest.mark.parametrize("first", ["", "_train"])
def test_parts_that_are_given(tmp_path, first, suffix):
    content = {
        f"x{first}": X,
        f"y{first}": Y,
        f"x{suffix}": X[::2],
        f"y{suffix}": Y[::2],
    }
    data = read(tmp_path, x_test=X[::3], y_test=Y[::3], **content)
    assert [len(part[1]) for part in (data.train, data.validation, data.test)] == [
        50,
        25,
        17,
    ]
    np.testing.assert_array_equal(data.validation[0], X[::2].astype("float32"))


def test_labels_in_columns(tmp_path):
    one_hot = np.eye(3)[np.unique(Y, return_inverse=True)[1]]
    assert read(tmp_path, x=X, y=one_hot).kind == "softmax"
    several = (RNG.random((50, 3)) < 0.4).astype("int64")
    data = read(tmp_path, x=X, y=several)
    assert data.kind == "labels"
    assert data.build_model().output_shape == (None, 3)
    labelled, _ = count_data(tmp_path / "mine.npz", SourceOptions())
    assert labelled.counts.tolist() == several.sum(axis=0).tolist()


def test_a_test_share(tmp_path):
    data = read(tmp_path, SourceOptions(test=0.2), x=X, y=Y)
    assert [len(part[1]) for part in (data.train, data.validation, data.test)] == [
        30,
        10,
        10,
    ]


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_part_in_another_file(tmp_path, part):
    other = tmp_path / "other.npz"
    np.savez(other, x=X[::-1], y=Y[::-1])
    data = read(tmp_path, SourceOptions(**{part: other}), x=X, y=Y)
    np.testing.assert_array_equal(getattr(data, part)[0], X[::-1].astype("float32"))
    assert len(data.train[0]) == (50 if part == "validation" else 40)
    name = {"validation": "val", "test": "test"}[part]
    twice = {"x": X, "y": Y, f"x_{name}": X, f"y_{name}": Y}
    with pytest.raises(ValueError, match=f"`--{part} .*other.npz` names data that"):
        read(tmp_path, SourceOptions(**{part: other}), **twice)


def test_a_test_share_beside_validation_arrays(tmp_path):
    content = {"x": X, "y": Y, "x_val": X, "y_val": Y}
    data = read(tmp_path, SourceOptions(test=0.2), **content)
    assert [len(data.train[1]), len(data.test[1])] == [40, 10]
    np.testing.assert_array_equal(data.validation[0], X.astype("float32"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": X}, "must hold `x` and `y`"),
        ({"x": X}, "of one length each"),
        ({"x": X, "y": Y[:9]}, "of one length each"),
        ({"x": X[:, 0], "y": Y}, r"must be features \(N, D\) or images"),
        ({"x": X.astype(str), "y": Y}, "must hold numbers"),
        ({"x": np.where(X > 2, np.nan, X), "y": Y}, "examples with NaN or infinite"),
        ({"x": X, "y": Y, "x_val": X[:9], "y_val": Y[:9]}, "It lacks '5', '9'"),
        ({"x": X, "y": Y, "x_val": X[:, :2], "y_val": Y}, "inputs of shape"),
        ({"x": X, "y": RNG.normal(size=(50, 2))}, "zeros and ones"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, **content)


def test_files_that_hold_no_arrays(tmp_path):
    path = tmp_path / "mine.npz"
    for content in (b"", b"nothing", b"PK\x03\x04"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="must hold arrays of numbers or texts"):
            read_data(path, SourceOptions())
    np.savez(path, x=np.array([{}, None], object), y=[0, 1])
    with pytest.raises(ValueError, match="must hold arrays of numbers or texts"):
        read_data(path, SourceOptions())


def test_options_of_other_kinds_of_data(tmp_path):
    for options in ({"label": ("a",)}, {"backbone": "resnet"}):
        with pytest.raises(ValueError, match="is for"):
            read(tmp_path, SourceOptions(**options), x=X, y=Y)


ONE_HOT = np.eye(3, dtype="int64")[np.unique(Y, return_inverse=True)[1]]


@pytest.mark.parametrize("part", ["val", "test"])
@pytest.mark.parametrize("row", [[0, 0, 0], [1, 1, 0]])
def test_rows_of_a_part_without_a_single_1(tmp_path, part, row):
    """The largest of them would be the first class."""
    other = ONE_HOT.copy()
    other[[7, 9]] = row
    content = {f"x_{part}": X, f"y_{part}": other}
    with pytest.raises(ValueError, match=r"single 1 in each row.*: 2 rows.*row 7"):
        read(tmp_path, x=X, y=ONE_HOT, **content)
    other = ONE_HOT.copy()
    other[3] = row
    data = read(tmp_path, x=X, y=other)
    assert data.kind == "labels"
    assert "Warning: 1 of 50 rows of `y`" in " ".join(data.notes)


@pytest.mark.parametrize(
    "answers",
    [np.where(Y == 9, np.nan, Y), np.where(Y == 9, "", Y.astype(str))],
    ids=["nan", "empty"],
)
def test_examples_without_a_label(tmp_path, answers):
    data = read(tmp_path, x=X, y=answers)
    assert data.class_names == ("3", "5")
    assert "5 of 50 examples of" in data.notes[0]
    assert len(data.train[1]) + len(data.validation[1]) == 45
    with pytest.raises(ValueError, match=r"a label for each example.*: 5 without"):
        read(tmp_path, x=X, y=Y, x_test=X, y_test=answers)


def test_unknown_answers(tmp_path):
    answers = np.stack([Y == 3, Y != 9], axis=1).astype("float32")
    answers[:4, 0], answers[3:6, 1] = np.nan, np.nan
    part = {"x_test": X[3:], "y_test": answers[3:]}
    data = read(tmp_path, x=X, y=answers, **part)
    assert data.kind == "labels"
    assert data.has_unknown
    assert "1 of 50 examples of" in data.notes[0]
    (note,) = [note for note in data.notes if "answers in `y` in" in note]
    assert note.startswith("5 of 98 answers in ")
    assert note.endswith("are not known and do not count: 3 of 0, 2 of 1.")
    kept = np.concatenate([data.train[1], data.validation[1]])
    assert (kept == -1).sum(axis=0).tolist() == [3, 2]
    expected = np.where(np.isnan(answers[3:]), -1, answers[3:])
    np.testing.assert_array_equal(data.test[1], expected)


@pytest.mark.parametrize("factor", [1 / 255, 257, 1000])
@pytest.mark.parametrize("kind", ["features", "images"])
def test_another_scale_is_warned_of(tmp_path, factor, kind):
    x = RNG.integers(0, 256, (50, 4) if kind == "features" else (50, 8, 8))
    notes = read(tmp_path, x=x, y=Y, x_test=x * factor, y_test=Y).notes
    (warning,) = [note for note in notes if note.startswith("Warning")]
    assert "`x` of the test part seems to be on another scale" in warning
    reading = read(tmp_path, x=x, y=Y).reading
    reading.save(tmp_path)
    for content, count in ((x * factor, 1), (x, 0), (x[:1], 0), (x * 0, 0)):
        np.savez(tmp_path / "new.npz", x=content)
        notes = []
        load_reading(tmp_path).read(tmp_path / "new.npz", notes)
        assert len(notes) == count


def test_one_feature_of_another_scale(tmp_path):
    other = X.copy()
    other[:, 2] *= 1000
    notes = read(tmp_path, x=X, y=Y, x_val=other, y_val=Y).notes
    assert "than the training data in column 2: it has values" in notes[-1]


def test_the_part_of_another_file_is_the_one_that_is_asked_for(tmp_path):
    parts = {"x_train": X, "y_train": Y, "x_test": X[::5] + 1, "y_test": Y[::5]}
    np.savez(tmp_path / "two.npz", **parts)
    options = SourceOptions(test=tmp_path / "two.npz")
    data = read(tmp_path, options, x=X, y=Y)
    np.testing.assert_array_equal(data.test[0], (X[::5] + 1).astype("float32"))
    np.savez(tmp_path / "two.npz", x=X[::5], y=Y[::5])
    assert len(read(tmp_path, options, x=X, y=Y).test[1]) == 10


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X * 1e39, "finite, also as float32"),
        (X + 1j, "must hold numbers. Received: complex"),
    ],
)
def test_numbers_that_float32_does_not_hold(tmp_path, x, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, x=x, y=Y)


@pytest.mark.parametrize("kind", ["binary", "labels"])
def test_a_part_in_which_all_have_a_label(tmp_path, kind):
    y = (np.arange(50) % 4 == 0).astype("int64")
    if kind == "labels":
        y = np.stack([y, np.arange(50) % 2], axis=1)
        y[:3] = 1
    is_yes = y.reshape(50, -1)[:, 0] == 1
    given = {"x_test": X[is_yes], "y_test": y[is_yes]}
    data = read(tmp_path, x=X, y=y, **given)
    np.testing.assert_array_equal(data.test[1], y[is_yes])
    name = "1" if kind == "binary" else "0"
    (note,) = [note for note in data.notes if "All examples" in note]
    assert note.startswith("Warning: All examples of the test part of ")
    assert f"have '{name}'. What is measured" in note
