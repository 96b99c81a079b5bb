"""Results of each class under its name, as Keras's callbacks take them."""

import csv

import keras
import numpy as np
import pytest
from metric_oracles import average_precision, recall, to_float

import keras_ccar
from keras_ccar.metrics import AveragePrecision, PerClassRecall

NAMES = ["fine", "crack", "rust"]
# What each form of labels needs: columns, arguments, names.
FORMS = {
    "classes": (3, {"num_classes": 3}, NAMES),
    "column": (1, {"num_classes": 2, "from_logits": True}, ["no", "yes"]),
    "labels": (3, {"num_classes": 3, "multi_label": True, "from_logits": True}, NAMES),
}
EVERY_FORM = pytest.mark.parametrize("form", list(FORMS))


def data_of(form, size=80):
    rng = np.random.default_rng(5)
    if form == "labels":
        labels = rng.integers(0, 2, (size, 3))
        x = rng.normal(size=(size, 4)) + labels[:, [0, 1, 2, 0]]
    else:
        labels = rng.integers(0, 3 if form == "classes" else 2, size)
        x = rng.normal(size=(size, 4)) + labels[:, None]
    return x.astype("float32"), labels


def expected_recalls(form, labels, logits):
    """The recall of each name, from rows, in float64."""
    if form == "classes":
        return recall(labels, logits, np.ones(len(labels)))
    says = logits > 0
    if form == "labels":
        return [says[labels[:, k] == 1, k].mean() for k in range(3)]
    return [(~says[labels == 0, 0]).mean(), says[labels == 1, 0].mean()]


def compiled(form, eagerly=False, **arguments):
    columns, own, names = FORMS[form]
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(columns)])
    metrics = [PerClassRecall(**own, class_names=names, **arguments)]
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    if form == "classes":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=metrics, run_eagerly=eagerly)
    return model


def scalar_tags(folder):
    import tensorflow as tf

    found = set()
    for file in folder.glob("events.out.*"):
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            found |= {value.tag for value in event.summary.value}
    return found


@pytest.mark.slow
@EVERY_FORM
@pytest.mark.parametrize("eagerly", [False, True])
def test_callbacks_take_the_recall_of_each_class(form, eagerly, tmp_path):
    x, labels = data_of(form)
    names = FORMS[form][2]
    keys = [f"recall_{name}" for name in names]
    monitored = f"val_{keys[1]}"
    best = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor=monitored, mode="max", save_best_only=True
    )
    model = compiled(form, eagerly)
    history = model.fit(
        x,
        labels,
        validation_data=(x, labels),
        epochs=3,
        batch_size=16,
        verbose=0,
        callbacks=[
            best,
            keras.callbacks.EarlyStopping(monitor=monitored, mode="max", patience=3),
            keras.callbacks.TensorBoard(tmp_path / "logs", write_graph=False),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        ],
    ).history
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    for key in [*keys, *(f"val_{key}" for key in keys)]:
        np.testing.assert_allclose([float(row[key]) for row in rows], history[key])
    logits = model.predict(x, verbose=0)
    for key, value in zip(keys, expected_recalls(form, labels, logits), strict=True):
        assert history[f"val_{key}"][-1] == pytest.approx(value, rel=1e-5)
        assert f"epoch_{key}" in scalar_tags(tmp_path / "logs" / "train")
        assert f"epoch_{key}" in scalar_tags(tmp_path / "logs" / "validation")
    # The checkpoint is that of the best epoch, and measures the same again.
    loaded = keras.saving.load_model(tmp_path / "best.keras")
    again = loaded.evaluate(x, labels, verbose=0, return_dict=True)
    assert again[keys[1]] == pytest.approx(max(history[monitored]), rel=1e-5)


def test_average_precision_of_each_class():
    x, labels = data_of("labels")
    metric = AveragePrecision(
        3, average=None, multi_label=True, from_logits=True, class_names=NAMES
    )
    found = to_float(metric(labels, x[:, :3]))
    assert list(found) == [f"average_precision_{name}" for name in NAMES]
    for k, value in enumerate(found.values()):
        expected = average_precision(labels[:, k] == 1, x[:, k], np.ones(len(x)))
        assert value == pytest.approx(expected, abs=5e-3)


def test_names_of_the_mean_are_refused():
    with pytest.raises(ValueError, match=r"`class_names` .* Pass `average=None`"):
        AveragePrecision(3, class_names=NAMES)


@pytest.mark.parametrize("metric", [PerClassRecall, AveragePrecision])
def test_a_name_of_its_own_is_the_prefix(metric):
    options = {"average": None} if metric is AveragePrecision else {}
    named = metric(3, class_names=NAMES, name="head", **options)
    assert list(named.result()) == ["head_fine", "head_crack", "head_rust"]
    restored = type(named).from_config(named.get_config())
    assert list(restored.result()) == list(named.result())


@pytest.mark.parametrize(
    "make",
    [
        lambda: PerClassRecall(3, class_names=NAMES, name=None),
        lambda: keras_ccar.ShotAccuracy([500, 50, 5], name=None),
    ],
)
def test_metrics_that_keras_names_do_not_overwrite_each_other(make):
    first, second = make().result(), make().result()
    assert not set(first) & set(second)


@pytest.mark.parametrize("metric", [PerClassRecall, AveragePrecision])
def test_a_config_without_class_names_is_a_vector(metric):
    """As files of earlier versions have it."""
    options = {"average": None} if metric is AveragePrecision else {}
    config = metric(3, **options).get_config()
    del config["class_names"]
    assert np.shape(to_float(metric.from_config(config).result())) == (3,)


def test_outputs_with_the_same_class_names_are_warned_of():
    inputs = keras.Input((4,))
    heads = {name: keras.layers.Dense(3, name=name)(inputs) for name in ("left", "up")}
    model = keras.Model(inputs, heads)
    loss = keras_ccar.CCARLoss([20, 8, 4], from_logits=True)
    model.compile(
        "sgd",
        {"left": loss, "up": keras_ccar.CCARLoss([20, 8, 4], from_logits=True)},
        metrics={name: [PerClassRecall(3, class_names=NAMES)] for name in heads},
    )
    labels = np.repeat([0, 1, 2], [20, 8, 4])
    told = r"'recall_fine', .*PerClassRecall\(\.\.\., name='up'\) writes 'up_rust'"
    with pytest.warns(UserWarning, match=told):
        model.fit(
            np.ones((32, 4)),
            {"left": labels, "up": labels},
            verbose=0,
            callbacks=[keras_ccar.CCARCallback()],
        )


def test_one_label_may_have_two_names():
    arguments = {"num_classes": 1, "multi_label": True}
    for names in (["fraud"], ["honest", "fraud"]):
        metric = PerClassRecall(**arguments, class_names=names)
        found = to_float(
            metric(np.array([[1], [1], [0]]), np.array([[0.9], [0.1], [0]]))
        )
        assert found == {"recall_fraud": 0.5}


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"]])
def test_another_number_of_names(names):
    told = rf"Received {len(names)} for 2 classes: 'a'.*that of no first"
    with pytest.raises(ValueError, match=told):
        PerClassRecall(2, class_names=names)
