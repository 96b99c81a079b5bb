"""Numbers that float32 does not hold keep their differences."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from keras_ccar import serving
from keras_ccar.benchmark.sources.arrays.array_source import ArrayReading
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import read_data
from keras_ccar.benchmark.sources.saved_readings import load_reading
from keras_ccar.files import read_json
from keras_ccar.inputs.lost_digits import loses_digits, mean_and_deviation

RNG = np.random.default_rng(0)
N = 200
STEPS = RNG.integers(0, 600, N)
# Of each kind, numbers that lose what tells them apart as float32.
LARGE = {
    "seconds": 1_700_000_000 + STEPS,
    "milliseconds": 1_700_000_000_000 + 1000.0 * STEPS,
    "ids": 2**24 + 10**6 + STEPS,
    "whole": 8_000_000 + STEPS,
    "cents": 123_456_789.25 + STEPS / 100,
    "negative": -1e9 + STEPS,
}
HELD = {
    "small": STEPS,
    "normal": RNG.normal(3, 2, N),
    "amounts": RNG.lognormal(8, 2, N).round(2),
    "years of seconds": 1_700_000_000 + RNG.integers(0, 10**9, N),
    "constant": np.full(N, 1.7e9),
}


def scaled(values, train):
    """In plain float64."""
    values, train = (np.asarray(each, "float64") for each in (values, train))
    return (values - train.mean(axis=0)) / train.std(axis=0)


@pytest.mark.parametrize("name", [*LARGE, *HELD])
def test_which_numbers_lose_digits(name):
    values = {**LARGE, **HELD}[name]
    assert loses_digits(values) == (name in LARGE)
    assert loses_digits(np.stack([values, STEPS], axis=1)).tolist() == [
        name in LARGE,
        False,
    ]


def test_numbers_beyond_float32():
    values = RNG.normal(size=N)
    for factor in (1e300, 1e-300):
        assert loses_digits(values * factor)
        mean, deviation = mean_and_deviation(values * factor)
        np.testing.assert_allclose(mean, values.mean() * factor)
        np.testing.assert_allclose(deviation, values.std() * factor)


def table():
    rows = pd.DataFrame({**LARGE, "small": STEPS, "far": 1e300 * RNG.normal(size=N)})
    return rows.assign(colour=["red", "blue"] * 100, kind=RNG.permutation(N) % 4 // 3)


def read_table(tmp_path, rows, suffix=".csv", **options):
    path = tmp_path / f"t{suffix}"
    rows.to_csv(path, index=False) if suffix == ".csv" else rows.to_parquet(path)
    options = {"keep": (*LARGE, "far"), **options}
    return read_data(path, SourceOptions(label=("kind",), **options))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_are_scaled_before_they_become_float32(tmp_path, suffix):
    rows = table().drop(columns="colour")
    other = rows.sample(frac=1, random_state=1)
    for name in ("validation", "test"):
        other.to_csv(tmp_path / f"{name}.csv")
    parts = {name: tmp_path / f"{name}.csv" for name in ("validation", "test")}
    data = read_table(tmp_path, rows, suffix, **parts)
    # Keras sorts them by name.
    numbers = sorted([*LARGE, "small", "far"])
    near = [name != "far" for name in numbers]
    columns = [name for name in numbers if name != "far"]
    for (x, _), values in ((data.train, rows), (data.validation, other)):
        expected = scaled(values[columns], rows[columns])
        np.testing.assert_allclose(x[:, near], expected, atol=1e-5)
    assert np.isfinite(data.train[0]).all()
    assert data.wide == tuple(sorted([*LARGE, "far"]))
    (note,) = [note for note in data.notes if "float32 does not hold" in note]
    assert ", ".join(data.wide) in note
    # As it is read for `predict`.
    data.reading.save(tmp_path)
    found = load_reading(tmp_path).read(tmp_path / f"t{suffix}", []).inputs
    np.testing.assert_array_equal(found, data.train[0])


@pytest.mark.tensorflow_only
def test_an_exported_table_keeps_the_digits(tmp_path):
    rows = table()
    rows.loc[3, ["seconds", "small"]] = np.nan
    data = read_table(tmp_path, rows)
    network = data.build_model()
    whole = data.make_whole(network)
    folder = serving.export(whole, tmp_path / "served", example=data.example)
    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    encoder = data.reading.encoder
    sent = {name: tf.constant(values) for name, values in encoder.example(rows).items()}
    assert sent["seconds"].dtype == "float64"
    assert sent["small"].dtype == "float32"
    answer = serve(**sent)["probabilities"].numpy()
    logits = network.predict(encoder.encode(rows), verbose=0)
    np.testing.assert_allclose(answer, keras.ops.sigmoid(logits), atol=1e-6)
    # The answers differ where only what float32 loses does.
    moved = {**sent, "seconds": sent["seconds"] + 60}
    assert (abs(serve(**moved)["probabilities"].numpy() - answer) > 1e-5).mean() > 0.9


Y = RNG.permutation(N) % 4 // 3
FEATURES = np.stack([*LARGE.values(), STEPS], axis=1)


def read_arrays(tmp_path, options=None, **content):
    np.savez(tmp_path / "t.npz", y=Y, **content)
    return read_data(tmp_path / "t.npz", options or SourceOptions())


def images(shape):
    """The last channel is a time, where there are channels."""
    values = RNG.integers(0, 255, (N, *shape)).astype("float64")
    if len(shape) == 2:
        return 1.7e9 + values
    values[..., -1] += 1.7e9
    return values


@pytest.mark.parametrize("dtype", ["float64", "int64"])
@pytest.mark.parametrize("shape", [None, (8, 8), (8, 8, 2), (8, 8, 1)])
def test_arrays_lose_offsets_before_they_become_float32(tmp_path, dtype, shape):
    x = (FEATURES if shape is None else images(shape)).astype(dtype)
    given = {"x_val": x[::-1], "y_val": Y[::-1]}
    data = read_arrays(tmp_path, x=x, **given)
    assert data.train[0].dtype == "float32"
    axes = tuple(range(x.ndim - (x.ndim != 3)))
    axes = (0,) if shape is None else axes
    exact = x.astype("float64")
    expected = exact - exact.mean(axis=axes)
    found = np.asarray(data.train[0], "float64")
    np.testing.assert_allclose(found - found.mean(axis=axes), expected, atol=1e-2)
    np.testing.assert_array_equal(data.validation[0], data.train[0][::-1])
    assert data.wide == ("x",)
    (note,) = [note for note in data.notes if "float32 does not hold" in note]
    assert ("of its last axis" in note) == (shape in (None, (8, 8, 2)))
    # As it is read for `predict`.
    data.reading.save(tmp_path)
    reading, notes = load_reading(tmp_path), []
    found = reading.read(tmp_path / "t.npz", notes).inputs
    np.testing.assert_array_equal(found, data.train[0])
    assert notes == []
    np.savez(tmp_path / "new.npz", x=x.astype("float32"))
    reading.read(tmp_path / "new.npz", notes)
    assert notes[0].startswith("Warning: `x` of ")
    assert "is float32, which does not hold" in notes[0]


@pytest.mark.tensorflow_only
@pytest.mark.parametrize("shape", [None, (8, 8), (8, 8, 2)])
def test_exported_arrays_keep_the_digits(tmp_path, shape):
    x = FEATURES if shape is None else images(shape)
    data = read_arrays(tmp_path, x=x, x_val=x, y_val=Y)
    network = data.build_model()
    folder = serving.export(data.make_whole(network), tmp_path / "served")
    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    ((name, spec),) = serve.structured_input_signature[1].items()
    assert (name, spec.dtype) == (network.inputs[0].name, "float64")
    answer = serve(**{name: tf.constant(x)})["probabilities"].numpy()
    logits = network.predict(data.train[0], verbose=0)
    np.testing.assert_allclose(answer, keras.ops.sigmoid(logits), atol=1e-5)


@pytest.mark.parametrize(
    "x",
    [
        FEATURES[:, -1:],
        RNG.normal(size=(N, 3)),
        FEATURES.astype("float32"),
        RNG.integers(0, 65536, (N, 8, 8)),
        RNG.integers(0, 256, (N, 8, 8)).astype("uint8"),
    ],
)
def test_arrays_that_float32_holds_are_as_they_were(tmp_path, x):
    data = read_arrays(tmp_path, x=x, x_val=x, y_val=Y)
    expected = x if x.dtype == "uint8" else x.astype("float32")
    np.testing.assert_array_equal(data.train[0], expected)
    assert data.train[0].dtype == expected.dtype
    assert data.wide == ()
    network = data.build_model()
    assert data.make_whole(network) is network
    assert "float32" not in " ".join(data.notes)


def test_a_reading_of_arrays_without_offsets(tmp_path):
    """Earlier comparisons wrote none."""
    data = read_arrays(tmp_path, x=FEATURES[:, -1:])
    data.reading.save(tmp_path)
    content = read_json(tmp_path / "reading.json")
    del content["offsets"]
    found = ArrayReading.load(tmp_path, content).read(tmp_path / "t.npz", []).inputs
    np.testing.assert_array_equal(found, FEATURES[:, -1:].astype("float32"))
