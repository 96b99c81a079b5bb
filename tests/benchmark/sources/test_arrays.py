"""Arrays in a file, by the names that are documented."""

import numpy as np
import pytest

from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import count_data, read_data

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
