"""The networks that are trained on the user's own files."""

import keras
import numpy as np
import pandas as pd
import pytest

from keras_ccar.benchmark.sources import networks
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import read_data

RNG = np.random.default_rng(0)


def scaled(build, x):
    model = build()
    (layer,) = (la for la in model.layers if isinstance(la, keras.layers.Normalization))
    values = keras.Model(model.inputs, layer.output).predict(x, verbose=0)
    return np.asarray(values, "float64")


def test_what_training_rows_lack_is_left_out(tmp_path):
    rows = pd.DataFrame(
        {
            "a": RNG.normal(size=300),
            "colour": RNG.choice(["red", "blue"], 300),
            "note": [f"some words about {i}" for i in range(300)],
            "y": RNG.permutation(np.repeat([0, 1], [240, 60])),
        }
    )
    rows.to_csv(tmp_path / "train.csv", index=False)
    others = rows.assign(colour="green", note="nothing of this was said there")
    others.to_csv(tmp_path / "held.csv", index=False)
    options = SourceOptions(label=("y",), validation=tmp_path / "held.csv")
    data = read_data(tmp_path / "train.csv", options)
    (x, _), (unknown, _) = data.train, data.validation
    # As if nothing had stood there.
    blank = np.where(np.ptp(x, axis=0) == 0, x[0], unknown)
    assert (blank != unknown).any()
    np.testing.assert_allclose(
        scaled(data.build_model, unknown), scaled(data.build_model, blank), atol=1e-6
    )
    assert abs(scaled(data.build_model, unknown)).max() < 20


@pytest.mark.parametrize("rows", [50, 20_001])
def test_columns_are_scaled_by_all_their_rows(rows):
    x = RNG.normal([5, -3], [0.1, 40], (rows, 2))
    # A word of one row.
    x = np.column_stack([x, np.arange(rows) == 7]).astype("float32")
    found = scaled(networks.dense_maker(x, 3, False), x)
    expected = (x - x.mean(0, dtype="float64")) / x.std(0, dtype="float64")
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_constant_channel_of_images_is_zero():
    images = RNG.integers(0, 255, (20, 8, 8, 3)).astype("uint8")
    images[..., 2] = 7
    other = images.copy()
    other[..., 2] = 200
    build = networks.convnet_maker(images, 3, False)
    found = scaled(build, other)
    assert abs(found[..., 2]).max() < 1e-9
    np.testing.assert_allclose(found, scaled(build, images), atol=1e-9)
    assert found[..., :2].std() == pytest.approx(1, abs=0.01)
