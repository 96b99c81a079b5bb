import keras
import matplotlib.axes
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from keras_ccar.layers import TemperatureScaling
from keras_ccar.metrics import ExpectedCalibrationError
from keras_ccar.posthoc.by_class.groups import read_groups
from keras_ccar.posthoc.calibration.temperatures import calibrate


def softmax(z):
    powers = np.exp(z - z.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def log_loss(z, y):
    """The mean over the examples, or the answers that are given."""
    if y.ndim == 1:
        return -np.mean([np.log(row[k]) for row, k in zip(softmax(z), y, strict=True)])
    # The logarithms of the sigmoid of z and of -z.
    return np.nanmean(y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))


def calibration_error(confidence, hits, bins=15):
    error = 0.0
    for b in range(bins):
        inside = (confidence > b / bins) & (confidence <= (b + 1) / bins)
        if inside.any():
            gap = hits[inside].mean() - confidence[inside].mean()
            error += inside.mean() * abs(gap)
    return error


def classes(temperature, num=400, num_classes=4, seed=0):
    """Logits that are `temperature` times those that the labels are drawn from."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(num, num_classes)) * 2
    labels = [rng.choice(num_classes, p=row) for row in softmax(z)]
    return z * temperature, np.array(labels)


def answers(temperature, num=400, num_labels=3, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(num, num_labels)) * 2 - 1
    return z * temperature, (rng.random(z.shape) < sigmoid(z)).astype("float64")


@pytest.mark.parametrize("make", [classes, answers])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_best_temperature_of_a_grid(make, temperature):
    z, y = make(temperature)
    found = calibrate(z, y)
    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 3000))
    losses = [log_loss(z / t, y) for t in grid]
    assert found.temperature == pytest.approx(grid[np.argmin(losses)], rel=3e-3)
    assert found.temperature == pytest.approx(temperature, rel=0.25)
    assert log_loss(z / found.temperature, y) <= min(losses)
    row = found.curve.iloc[0]
    assert row["scope"] == "all"
    assert row["temperature"] == found.temperature
    assert row["log_loss_before"] == pytest.approx(log_loss(z, y))
    assert row["log_loss_after"] == pytest.approx(log_loss(z / found.temperature, y))
    assert row["examples"] == y.size
    for side, t in (("before", 1), ("after", found.temperature)):
        if make is classes:
            p = softmax(z / t)
            expected = calibration_error(p.max(-1), p.argmax(-1) == y)
        else:
            expected = calibration_error(sigmoid(z / t).ravel(), y.ravel())
        assert row[f"calibration_error_{side}"] == pytest.approx(expected)
        metric = ExpectedCalibrationError(from_logits=True, multi_label=make is answers)
        metric.update_state(y, z / t)
        assert float(metric.result()) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("make", [classes, answers])
def test_probabilities_and_logits_agree(make):
    z, y = make(3.0)
    p = softmax(z) if make is classes else sigmoid(z)
    found = calibrate(p, y, from_logits=False)
    assert found.temperature == pytest.approx(calibrate(z, y).temperature, rel=1e-5)
    assert found.layer.from_logits is False
    assert found.layer.multi_label is (make is answers)
    scaled = keras.ops.convert_to_numpy(found.layer(p))
    logits = z / found.temperature
    expected = softmax(logits) if make is classes else sigmoid(logits)
    np.testing.assert_allclose(scaled, expected, rtol=1e-3, atol=1e-6)


def objective(z, y, by_column, parts, common, shrinkage):
    """What groups and classes are fitted by."""
    away = [np.log(by_column[parts == g][0] / common) for g in range(parts.max() + 1)]
    return log_loss(z / by_column, y) * y.size + shrinkage / 2 * np.square(away).sum()


@pytest.mark.parametrize("make", [classes, answers])
@pytest.mark.parametrize("by", ["group", "class"])
@pytest.mark.parametrize("shrinkage", [0, 10.0, 1e9])
def test_groups_and_classes_are_at_the_minimum(make, by, shrinkage):
    z, y = make(2.0)
    z = z * np.linspace(0.7, 1.5, z.shape[1])
    counts = [500, 50, 5, 4][: z.shape[1]]
    size = {"num_examples": 1000} if make is answers else {}
    found = calibrate(z, y, counts, by, shrinkage, **size)
    common = calibrate(z, y).temperature
    assert found.curve["temperature"][0] == pytest.approx(common)
    parts = np.arange(len(counts)) if by == "class" else np.array([0, 1, 2, 2])
    parts = parts[: len(counts)]
    if by == "group":
        assert list(found.curve["scope"]) == ["all", "many", "medium", "few"]
    else:
        assert list(found.curve["scope"]) == ["all", *range(len(counts))]
    by_group = [found.temperature[parts == g] for g in range(parts.max() + 1)]
    assert all((part == part[0]).all() for part in by_group)
    np.testing.assert_allclose(
        found.curve["temperature"][1:], [part[0] for part in by_group]
    )
    if shrinkage == 1e9:
        np.testing.assert_allclose(found.temperature, common, rtol=1e-4)
    else:
        assert np.ptp(found.temperature) > 0.1
    arguments = (parts, common, shrinkage)
    best = objective(z, y, found.temperature, *arguments)
    assert best <= objective(z, y, np.full(len(counts), common), *arguments)
    for g in range(parts.max() + 1):
        for factor in (0.99, 1.01):
            moved = np.where(parts == g, factor, 1) * found.temperature
            assert objective(z, y, moved, *arguments) > best


def test_labels_are_problems_of_their_own():
    z, y = answers(2.0)
    y[:50, 0] = np.nan
    found = calibrate(z, y, by="class", shrinkage=0, ignore_value=np.nan)
    alone = [
        calibrate(z[:, k : k + 1], y[:, k], ignore_value=np.nan).temperature
        for k in range(3)
    ]
    np.testing.assert_allclose(found.temperature, alone, rtol=1e-4)
    assert list(found.curve["examples"]) == [1150, 350, 400, 400]
    row = found.curve.iloc[1]
    kept = ~np.isnan(y[:, 0])
    expected = log_loss(z[kept, :1] / alone[0], y[kept, :1])
    assert row["log_loss_after"] == pytest.approx(expected, rel=1e-6)
    confidence = sigmoid(z[kept, 0])
    expected = calibration_error(confidence, y[kept, 0])
    assert row["calibration_error_before"] == pytest.approx(expected)


def test_rows_of_classes():
    z, y = classes(2.0)
    found = calibrate(z, y, [9, 5, 4, 1], "group", groups="terciles")
    members = read_groups("terciles", [9, 5, 4, 1])
    assert [found.curve["scope"][k] for k in (1, 2, 3)] == list(members)
    for k, columns in enumerate(members.values()):
        row = found.curve.iloc[k + 1]
        is_of = columns[y]
        assert row["examples"] == is_of.sum()
        scaled = z / found.temperature
        assert row["log_loss_after"] == pytest.approx(log_loss(scaled[is_of], y[is_of]))
        p = softmax(scaled)
        said = columns[p.argmax(-1)]
        expected = calibration_error(p[said].max(-1), p[said].argmax(-1) == y[said])
        assert row["calibration_error_after"] == pytest.approx(expected)


def test_classes_without_examples_take_the_common_temperature():
    z, y = classes(2.0)
    z, y = z[y != 3], y[y != 3]
    with pytest.warns(UserWarning, match="lacks examples of class 3, which take the"):
        found = calibrate(z, y, by="class")
    common = calibrate(z, y).temperature
    assert found.temperature[3] == pytest.approx(common)
    assert abs(found.temperature[:3] - common).min() > 1e-3
    assert np.isnan(found.curve["log_loss_before"].iloc[4])
    with pytest.warns(UserWarning, match="lacks examples of class 3"):
        calibrate(z, y, [500, 50, 50, 5], "group")
    # Warnings are errors, and here it does not matter.
    calibrate(z, y, [500, 50, 50, 5])
    calibrate(z, y, [500, 50, 5, 5], "group")
    z, y = answers(2.0)
    y[:, 1] = 0
    with pytest.warns(UserWarning, match="of both yes and no of label 1"):
        found = calibrate(z, y, by="class")
    assert found.temperature[1] == pytest.approx(calibrate(z, y).temperature)


def test_no_best_temperature():
    z = 2 * np.eye(3)[[0, 1, 2, 2]]
    with pytest.warns(UserWarning, match=r"is 0.001, the end of what is tried"):
        assert calibrate(z, np.array([0, 1, 2, 2])).temperature == pytest.approx(1e-3)
    with pytest.warns(UserWarning, match=r"is 1000, the end of what is tried"):
        assert calibrate(-z, np.array([0, 1, 2, 2])).temperature == pytest.approx(1e3)
    assert calibrate(np.ones((4, 3)) * 2, np.array([0, 1, 2, 2])).temperature == 1


def test_an_overconfident_model():
    """The error on data that neither training nor calibration has seen."""
    data = load_digits()
    x = data.data / 16
    x += np.random.default_rng(0).normal(size=x.shape) * 0.6
    half, rest = slice(0, 500), slice(500, 1100)
    fitted = LogisticRegression(C=1e4, max_iter=3000).fit(x[half], data.target[half])
    inputs = keras.Input((64,))
    model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(inputs))
    model.set_weights([fitted.coef_.T, fitted.intercept_])
    validation = (x[rest], data.target[rest])
    found = calibrate(model, validation, batch_size=100, train=(x[half], None))
    assert found.temperature > 1.5
    whole = keras.Sequential([model, found.layer])
    x, y = x[1100:], data.target[1100:]
    errors = []
    for predicted in (model.predict(x, verbose=0), whole.predict(x, verbose=0)):
        hits = predicted.argmax(-1) == y
        errors.append(calibration_error(predicted.max(-1), hits))
    assert errors[1] <= errors[0] / 2
    with pytest.raises(ValueError, match="`validation` must hold no example that"):
        calibrate(model, validation, train=validation)


@pytest.mark.parametrize("activation", [None, "softmax", "sigmoid"])
@pytest.mark.parametrize("by", ["all", "class"])
def test_the_layer_is_saved(tmp_path, activation, by):
    z, y = answers(3.0) if activation == "sigmoid" else classes(3.0)
    dense = keras.layers.Dense(z.shape[1], activation, kernel_initializer="identity")
    model = keras.Sequential([keras.Input((z.shape[1],)), dense])
    found = calibrate(model, (z.astype("float32"), y), by=by)
    whole = keras.Sequential([model, found.layer])
    whole.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    result = loaded.predict(z, verbose=0).astype("float64")
    if activation == "softmax":
        z = np.log(softmax(z))
    z = z / found.temperature
    kinds = {None: lambda z: z, "softmax": softmax, "sigmoid": sigmoid}
    np.testing.assert_allclose(result, kinds[activation](z), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("make", [classes, answers])
def test_text_and_picture(make):
    found = calibrate(*make(3.0), by="class")
    assert isinstance(found.layer, TemperatureScaling)
    assert repr(found).startswith("<Calibrated: temperature of each class: ")
    assert "of the validation data: log loss" in found.describe()
    assert "temperature for all classes: " in calibrate(*make(3.0)).describe()
    (axes,) = found.figure().axes
    assert isinstance(axes, matplotlib.axes.Axes)
    assert axes.get_ylabel() == ("Accuracy" if make is classes else "Share of yes")
    before = axes.lines[1]
    assert len(before.get_xdata()) > 3
    assert "data:image/" in found._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "shot"}, "`by` must|by="),
        ({"shrinkage": -1}, "`shrinkage` must be a finite number >= 0"),
        ({"groups": "quarters"}, "`groups` must be"),
        ({"by": "group"}, '`class_counts` must be given with by="group"'),
        ({"num_examples": 9}, "`class_counts` must be given with `num_examples`"),
        ({"class_counts": [1, 2]}, "`class_counts` must"),
        ({"validation": np.zeros(400) + 9}, "`validation` must have labels from 0"),
        ({"from_logits": "no"}, "`from_logits` must be True or False"),
        ({"from_logits": False}, "`model` must hold probabilities"),
        ({"model": np.zeros((0, 4)), "validation": []}, "must hold examples|one label"),
        ({"model": np.full((400, 4), np.nan)}, "`model` must be finite"),
        ({"train": np.zeros(3)}, "`train` must be None"),
    ],
)
def test_bad_arguments(arguments, message):
    z, y = classes(2.0)
    with pytest.raises(ValueError, match=message):
        calibrate(**{"model": z, "validation": y, **arguments})
