import csv
import math

import keras
import numpy as np
import oracles
import pytest
from keras import ops

import keras_ccar
from keras_ccar.adjustments import LogitAdjustment

BACKEND = keras.backend.backend()
COUNTS = [150, 40, 20, 10, 5]
NUM_CLASSES = len(COUNTS)
FEATURES = 8
BATCH = 32  # 225 samples: the last batch is partial
LEARNING_RATE = 0.5
EPOCHS = 3

COMPILE_OPTIONS = {
    "tensorflow": [
        {},
        {"run_eagerly": True},
        {"jit_compile": False},
        {"jit_compile": True},
        {"steps_per_execution": 3},
    ],
    "jax": [{}, {"run_eagerly": True}, {"steps_per_execution": 3}],
    "torch": [{}],
}[BACKEND]


def samples(shape=(225,), seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(NUM_CLASSES), COUNTS))
    labels = np.resize(labels, shape)
    centres = rng.normal(size=(NUM_CLASSES, FEATURES))
    x = centres[labels] + rng.normal(size=(*shape, FEATURES))
    return x.astype("float32"), labels


def classifier(loss=None, masked=False, **options):
    layers = [keras.layers.Masking()] if masked else []
    shape = (None, FEATURES) if masked else (FEATURES,)
    model = keras.Sequential(
        [keras.Input(shape), *layers, keras.layers.Dense(NUM_CLASSES)]
    )
    loss = loss or keras_ccar.CCARLoss(COUNTS, from_logits=True)
    model.compile(keras.optimizers.SGD(LEARNING_RATE), loss, **options)
    return model


def oracle(model, x, labels, sample_weight=None, is_unmasked=None, **arguments):
    if sample_weight is None:
        sample_weight = np.ones(labels.shape)
    if is_unmasked is None:
        is_unmasked = np.ones(labels.shape, bool)
    arrays = (x, labels, sample_weight, is_unmasked)
    batches = [
        tuple(array[start : start + BATCH] for array in arrays)
        for start in range(0, len(x), BATCH)
    ]
    kernel, bias = (ops.convert_to_numpy(w) for w in model.layers[-1].weights)
    return oracles.train_linear_classifier(
        batches, kernel, bias, COUNTS, LEARNING_RATE, EPOCHS, **arguments
    )


def train(model, callback, x, labels, **arguments):
    arguments = {"epochs": EPOCHS, "callbacks": [callback], **arguments}
    return model.fit(x, labels, batch_size=BATCH, shuffle=False, verbose=0, **arguments)


def assert_same_history(callback, expected):
    assert len(callback.history) == len(expected)
    for actual, epoch in zip(callback.history, expected, strict=True):
        assert actual.keys() == epoch.keys()
        np.testing.assert_array_equal(actual["count"], epoch["count"])
        for name in epoch:
            np.testing.assert_allclose(
                actual[name], epoch[name], rtol=2e-5, atol=1e-7, err_msg=name
            )


class EvaluateInBetween(keras.callbacks.Callback):
    """What users do to watch another data set."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.evaluate(*samples(seed=epoch + 9), verbose=0)


@pytest.mark.parametrize("options", COMPILE_OPTIONS, ids=str)
@pytest.mark.parametrize("validated", [False, True])
def test_statistics_equal_naive_pass(options, validated):
    x, labels = samples()
    model = classifier(**options)
    expected, kernel = oracle(model, x, labels)
    callback = keras_ccar.CCARCallback()
    arguments = {}
    if validated:
        model.evaluate(x, labels, verbose=0)  # traced before the callback is there
        arguments["validation_data"] = samples(seed=1)
        arguments["callbacks"] = [EvaluateInBetween(), callback]
    train(model, callback, x, labels, **arguments)
    assert_same_history(callback, expected)
    np.testing.assert_allclose(
        ops.convert_to_numpy(model.layers[-1].kernel), kernel, rtol=1e-3, atol=1e-5
    )
    model.evaluate(x, labels, verbose=0)
    model.predict(x, verbose=0)
    np.testing.assert_equal(callback.statistics(), callback.history[-1])


def test_samples_of_weight_0_are_not_counted():
    x, labels = samples()
    weights = np.random.default_rng(3).choice([0.0, 0.5, 2.0], len(labels))
    model = classifier()
    expected, _ = oracle(model, x, labels, weights)
    callback = keras_ccar.CCARCallback()
    train(model, callback, x, labels, sample_weight=weights)
    assert_same_history(callback, expected)
    assert expected[0]["count"].sum() == np.count_nonzero(weights)


def test_ignored_samples_are_not_counted():
    x, labels = samples()
    ignored = np.random.default_rng(3).uniform(size=len(labels)) < 0.3
    loss = keras_ccar.CCARLoss(COUNTS, from_logits=True, ignore_class=255)
    model = classifier(loss)
    expected, _ = oracle(model, x, labels, is_unmasked=~ignored)
    callback = keras_ccar.CCARCallback()
    train(model, callback, x, np.where(ignored, 255, labels))
    assert_same_history(callback, expected)


def test_masked_steps_are_not_counted():
    x, labels = samples((90, 6))
    is_unmasked = np.random.default_rng(3).uniform(size=labels.shape) < 0.7
    x[~is_unmasked] = 0
    model = classifier(masked=True)
    expected, _ = oracle(model, x, labels, is_unmasked=is_unmasked)
    callback = keras_ccar.CCARCallback()
    train(model, callback, x, labels)
    assert_same_history(callback, expected)
    assert expected[0]["count"].sum() == is_unmasked.sum()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_distributions_count_for_their_share(smoothing):
    x, labels = samples()
    mixed = (
        0.25 * np.eye(NUM_CLASSES)[labels] + 0.75 * np.eye(NUM_CLASSES)[labels[::-1]]
    )
    loss = keras_ccar.CCARLoss(COUNTS, from_logits=True, label_smoothing=smoothing)
    model = classifier(loss)
    kernel, bias = (ops.convert_to_numpy(w) for w in model.layers[-1].weights)
    callback = keras_ccar.CCARCallback()
    model.fit(x, mixed, batch_size=len(x), epochs=1, callbacks=[callback], verbose=0)
    p = oracles.softmax(x.astype("float64") @ kernel + bias)
    f = np.broadcast_to(np.array(COUNTS) / sum(COUNTS), p.shape)
    weight = oracles.ccar_weight(p, f)
    statistics = callback.statistics()
    share = mixed.sum(axis=0)
    np.testing.assert_allclose(statistics["count"], share, rtol=1e-6)
    for name, values in (
        ("mean_confidence", p),
        ("mean_weight", weight),
        ("below_pivot", p < 0.75),
    ):
        expected = (mixed * values).sum(axis=0) / share
        np.testing.assert_allclose(statistics[name], expected, rtol=1e-5)


TRACES = []


@keras.saving.register_keras_serializable(package="tests")
def counting(p_t, f_c):
    TRACES.append(1)
    return keras_ccar.weightings.ccar_weight(p_t, f_c)


@pytest.mark.parametrize("options", COMPILE_OPTIONS, ids=str)
@pytest.mark.parametrize(("momentum", "start_epoch"), [(0.5, 0), (0.9, 1), (0.0, 0)])
def test_updated_frequency_changes_next_epoch_without_tracing(
    options, momentum, start_epoch
):
    TRACES.clear()
    x, labels = samples()
    x, labels = x[:160], labels[labels != 1][:160]  # other frequencies than COUNTS
    model = classifier(
        keras_ccar.CCARLoss(COUNTS, form=counting, from_logits=True), **options
    )
    expected, _ = oracle(model, x, labels, momentum=momentum, start_epoch=start_epoch)
    callback = keras_ccar.CCARCallback(
        update_frequencies=True, momentum=momentum, start_epoch=start_epoch
    )

    class TracesByEpoch(keras.callbacks.Callback):
        seen = ()

        def on_epoch_end(self, epoch, logs=None):
            self.seen += (len(TRACES),)

    tracing = TracesByEpoch()
    train(model, callback, x, labels, callbacks=[callback, tracing])
    assert_same_history(callback, expected)
    assert not np.allclose(expected[0]["frequency"], expected[-1]["frequency"])
    if BACKEND != "torch" and not options.get("run_eagerly"):
        assert tracing.seen == (tracing.seen[0],) * EPOCHS


def test_updated_frequency_reaches_evaluation_and_configuration():
    x, labels = samples()
    model = classifier()
    model.evaluate(x, labels, verbose=0)
    callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.0)
    train(model, callback, x[labels > 1], labels[labels > 1])
    seen = np.array([0, 0, 20, 10, 5])
    logits = model.predict(x, verbose=0)
    f = seen / seen.sum()
    loss, _ = oracles.loss_and_gradient(
        labels, logits, f, lambda p, f: oracles.ccar_weight(p, f)
    )
    np.testing.assert_allclose(
        model.evaluate(x, labels, verbose=0), loss.mean(), rtol=1e-5
    )
    copy = keras_ccar.CCARLoss.from_config(model.loss.get_config())
    np.testing.assert_allclose(
        ops.convert_to_numpy(copy(labels, logits)), loss.mean(), rtol=1e-5
    )


def test_logs_reach_history_and_csv(tmp_path):
    x, labels = samples()
    model = classifier()
    expected, _ = oracle(model, x, labels)
    callback = keras_ccar.CCARCallback()
    csv_logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = train(
        model,
        callback,
        x,
        labels,
        callbacks=[callback, csv_logger],
        validation_data=samples(seed=1),
    ).history
    groups = {"": [0, 1, 2, 3, 4], "_many": [0], "_medium": [1, 2], "_few": [3, 4]}
    for quantity in ("confidence", "weight"):
        for suffix, members in groups.items():
            means = [
                np.average(
                    epoch[f"mean_{quantity}"][members], weights=epoch["count"][members]
                )
                for epoch in expected
            ]
            name = f"ccar_{quantity}{suffix}"
            np.testing.assert_allclose(history[name], means, rtol=2e-5)
    assert not any(name.startswith("val_ccar") for name in history)
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [float(row["ccar_weight_few"]) for row in rows] == history["ccar_weight_few"]


def test_csv_logger_has_nan_for_groups_without_samples(tmp_path):
    x, labels = samples()
    is_seen = labels < 3
    callback = keras_ccar.CCARCallback()
    csv_logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = train(
        classifier(),
        callback,
        x[is_seen],
        labels[is_seen],
        callbacks=[callback, csv_logger],
        epochs=2,
    ).history
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    for name in ("ccar_confidence", "ccar_weight_many", "ccar_weight_medium"):
        assert [float(row[name]) for row in rows] == history[name]
    assert math.isnan(float(rows[0]["ccar_weight_few"]))


def test_groups_stay_those_of_training_counts_when_frequencies_move():
    x, labels = samples()
    model = classifier()
    callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.0)
    history = train(model, callback, x[labels == 4], labels[labels == 4]).history
    assert np.isnan(history["ccar_confidence_many"]).all()
    assert np.isfinite(history["ccar_confidence_few"]).all()


def test_several_outputs():
    x, labels = samples()
    inputs = keras.Input((FEATURES,))
    outputs = {
        "species": keras.layers.Dense(NUM_CLASSES, name="species")(inputs),
        "genus": keras.layers.Dense(2, name="genus")(inputs),
        "plain": keras.layers.Dense(2, name="plain")(inputs),
    }
    model = keras.Model(inputs, outputs)
    model.compile(
        "sgd",
        loss={
            "species": keras_ccar.CCARLoss(COUNTS, from_logits=True),
            "genus": keras_ccar.CCARLoss([190, 35], from_logits=True),
            "plain": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        },
    )
    genus = (labels > 1).astype(int)
    targets = {"species": labels, "genus": genus, "plain": genus}
    callback = keras_ccar.CCARCallback()
    history = train(model, callback, x, targets).history
    statistics = callback.statistics()
    assert statistics.keys() == {"species", "genus"}
    assert statistics["species"]["count"].tolist() == COUNTS
    assert statistics["genus"]["count"].tolist() == [190, 35]
    assert "genus_ccar_weight_many" in history


def test_callback_joins_a_training_that_is_under_way():
    x, labels = samples()
    model = classifier()
    model.fit(x, labels, batch_size=BATCH, shuffle=False, verbose=0)
    expected, _ = oracle(model, x, labels)
    callback = keras_ccar.CCARCallback()
    train(model, callback, x, labels)
    assert_same_history(callback, expected)


def test_second_fit_and_second_compile_go_on():
    x, labels = samples()
    model = classifier()
    callback = keras_ccar.CCARCallback()
    train(model, callback, x, labels, epochs=1)
    train_function = id(model.train_function)
    train(model, callback, x, labels, epochs=1)
    assert id(model.train_function) == train_function
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS, from_logits=True, strength=0))
    train(model, callback, x, labels, epochs=1)
    assert len(callback.history) == 3
    for epoch in callback.history:
        assert epoch["count"].tolist() == COUNTS
    assert (callback.statistics()["mean_weight"] == 1).all()


def test_statistics_in_mid_epoch():
    x, labels = samples()
    counts = []
    callback = keras_ccar.CCARCallback()

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            counts.append(callback.statistics()["count"].sum())

    train(classifier(), callback, x, labels, callbacks=[callback, Watch()], epochs=1)
    assert counts == [32, 64, 96, 128, 160, 192, 224, 225]


def test_class_names_label_the_statistics():
    x, labels = samples()
    names = list("abcde")
    callback = keras_ccar.CCARCallback(class_names=names)
    train(classifier(), callback, x, labels, epochs=1)
    assert callback.statistics()["class_name"] == names


def test_loss_is_pure_without_callback():
    x, labels = samples()
    model = classifier()
    model.fit(x, labels, verbose=0)
    assert model.loss.statistics is None
    assert [metric.name for metric in model.metrics] == ["loss"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"momentum": 1.5}, "`momentum`"),
        ({"momentum": -0.1}, "`momentum`"),
        ({"start_epoch": -1}, "`start_epoch`"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        keras_ccar.CCARCallback(**arguments)


def test_model_without_a_loss_of_ours():
    model = classifier(keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(ValueError, match=r"`CCARCallback` needs .*CCARLoss"):
        train(model, keras_ccar.CCARCallback(), *samples())


def test_wrong_number_of_class_names():
    callback = keras_ccar.CCARCallback(class_names=["a", "b"])
    with pytest.raises(ValueError, match=r"`class_names` .*2 names.*5 classes"):
        train(classifier(), callback, *samples())


def test_statistics_before_training():
    with pytest.raises(RuntimeError, match="before training"):
        keras_ccar.CCARCallback().statistics()


def test_class_counts_of_another_model():
    model = classifier(keras_ccar.CCARLoss([3, 2, 1], from_logits=True))
    with pytest.raises(ValueError, match="`class_counts` must have one entry"):
        train(model, keras_ccar.CCARCallback(), *samples())


def dense(activation=None):
    return [keras.layers.Dense(NUM_CLASSES, activation=activation)]


OUTPUTS = {
    "dense_softmax": ("softmax", lambda: dense("softmax")),
    "softmax_layer": ("softmax", lambda: [*dense(), keras.layers.Softmax()]),
    "activation_layer": (
        "softmax",
        lambda: [*dense(), keras.layers.Activation("softmax")],
    ),
    "reshaped": (
        "softmax",
        lambda: [*dense("softmax"), keras.layers.Reshape((NUM_CLASSES,))],
    ),
    "nested": ("softmax", lambda: [keras.Sequential(dense("softmax"))]),
    "linear_activation": (
        "softmax",
        lambda: [*dense("softmax"), keras.layers.Activation("linear")],
    ),
    "dense_linear": ("linear", lambda: dense()),
    "sigmoid": ("sigmoid", lambda: dense("sigmoid")),
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.filterwarnings("ignore:You are saving|invalid value:RuntimeWarning")
def test_warns_when_activation_and_loss_disagree(output, from_logits):
    activation, layers = OUTPUTS[output]
    model = keras.Sequential([keras.Input((FEATURES,)), *layers()])
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS, from_logits=from_logits))
    callback = keras_ccar.CCARCallback()
    callback.set_model(model)
    if from_logits == (activation == "linear"):
        callback.on_train_begin()  # a warning would be an error
        return
    mend = "pass `from_logits=True`" if activation == "linear" else "remove"
    with pytest.warns(UserWarning, match=mend):
        callback.on_train_begin()


def test_logit_adjustment_follows_the_frequency():
    x, labels = samples()
    loss = keras_ccar.CCARLoss(
        COUNTS, adjustment=LogitAdjustment(), from_logits=True, strength=0
    )
    model = classifier(loss)
    callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)
    train(model, callback, x[labels < 2], labels[labels < 2], epochs=1)
    f = 0.5 * np.array(COUNTS) / 225 + 0.5 * np.array([150, 40, 0, 0, 0]) / 190
    expected, _ = oracles.loss_and_gradient(
        labels, model.predict(x, verbose=0), f, tau=1.0
    )
    np.testing.assert_allclose(
        model.evaluate(x, labels, verbose=0), expected.mean(), rtol=1e-5
    )


def test_new_counts_take_effect_when_compiled_again():
    x, labels = samples()
    model = classifier()
    callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)
    train(model, callback, x[:64], labels[:64])
    counts = COUNTS[::-1]
    model.compile("sgd", keras_ccar.CCARLoss(counts, from_logits=True))
    callback = keras_ccar.CCARCallback()
    history = train(model, callback, x, labels, epochs=1).history
    frequency = np.array(counts) / sum(counts)
    np.testing.assert_allclose(callback.statistics()["frequency"], frequency, rtol=1e-6)
    many = callback.statistics()["mean_weight"][4]
    np.testing.assert_allclose(history["ccar_weight_many"], many, rtol=1e-6)


def test_joins_after_deferred_reweighting_alone():
    x, labels = samples()
    model = classifier()
    train(model, keras_ccar.DeferredReweighting(5), x, labels, epochs=1)
    callback = keras_ccar.CCARCallback()
    train(model, callback, x, labels, epochs=1)
    statistics = callback.statistics()
    assert statistics["count"].tolist() == COUNTS
    assert (statistics["mean_weight"] != 1).all()


@pytest.mark.parametrize("is_built", [False, True])
def test_subclassed_models(is_built):
    class Classifier(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(NUM_CLASSES)

        def call(self, inputs):
            return self.dense(inputs)

    x, labels = samples()
    model = Classifier()
    if is_built:
        model(x)
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS, from_logits=True))
    callback = keras_ccar.CCARCallback()
    train(model, callback, x, labels, epochs=2)
    assert [e["count"].tolist() for e in callback.history] == [COUNTS] * 2


@pytest.mark.parametrize("one_hot", [False, True])
def test_column_of_sample_weights(one_hot):
    x, labels = samples()
    weights = np.random.default_rng(3).choice([0.0, 1.0], len(labels))
    model = classifier()
    expected, _ = oracle(model, x, labels, weights)
    y = np.eye(NUM_CLASSES)[labels] if one_hot else labels
    callback = keras_ccar.CCARCallback()
    train(model, callback, x, y, sample_weight=weights[:, None])
    assert_same_history(callback, expected)


def test_mask_and_ignored_class_together():
    x, labels = samples((90, 6))
    rng = np.random.default_rng(3)
    is_unmasked = rng.uniform(size=labels.shape) < 0.7
    is_ignored = rng.uniform(size=labels.shape) < 0.3
    x[~is_unmasked] = 0
    y = np.where(is_ignored, 255, labels)
    losses = []
    for loss in (
        keras_ccar.CCARLoss(COUNTS, strength=0, from_logits=True, ignore_class=255),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255),
    ):
        keras.utils.set_random_seed(0)
        model = classifier(loss, masked=True)
        losses.append(model.fit(x, y, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    model = classifier(
        keras_ccar.CCARLoss(COUNTS, from_logits=True, ignore_class=255), masked=True
    )
    callback = keras_ccar.CCARCallback()
    train(model, callback, x, y, epochs=1)
    counted = labels[is_unmasked & ~is_ignored]
    expected = np.bincount(counted, minlength=NUM_CLASSES).tolist()
    assert callback.statistics()["count"].tolist() == expected


def test_interrupted_training_goes_on_with_its_frequencies(tmp_path):
    x, labels = samples()
    x, labels = x[:96], labels[:96]

    def fit(model, callbacks):
        callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)
        keras.utils.set_random_seed(1)
        train(model, callback, x, labels, epochs=4, callbacks=[callback, *callbacks])
        return callback.history[-1]

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    expected = fit(classifier(), [])
    keras.utils.set_random_seed(0)
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit(classifier(), [backup, Interrupt()])
    actual = fit(classifier(), [keras.callbacks.BackupAndRestore(tmp_path)])
    np.testing.assert_allclose(actual["frequency"], expected["frequency"], rtol=1e-6)


def test_loads_after_a_class_was_never_seen(tmp_path):
    x, labels = samples()
    loss = keras_ccar.CCARLoss(COUNTS, adjustment=LogitAdjustment(), from_logits=True)
    model = classifier(loss)
    callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.0)
    train(model, callback, x[labels != 3], labels[labels != 3])
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    assert copy.loss.class_counts == COUNTS
    np.testing.assert_allclose(
        copy.evaluate(x, labels, verbose=0),
        model.evaluate(x, labels, verbose=0),
        rtol=1e-6,
    )


def test_warns_of_a_second_correction():
    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(NUM_CLASSES),
            keras_ccar.LogitCorrection(COUNTS),
        ]
    )
    model.compile("sgd", keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True))
    callback = keras_ccar.CCARCallback()
    callback.set_model(model)
    with pytest.warns(UserWarning, match="the prior is applied twice"):
        callback.on_train_begin()


def test_heads_without_counts_are_left_alone():
    x, labels = samples()
    inputs = keras.Input((FEATURES,))
    outputs = {n: keras.layers.Dense(NUM_CLASSES, name=n)(inputs) for n in ("a", "b")}
    model = keras.Model(inputs, outputs)
    model.compile(
        "sgd",
        loss={
            "a": keras_ccar.CCARLoss(COUNTS, from_logits=True),
            "b": keras_ccar.FocalLoss(from_logits=True),
        },
    )
    callback = keras_ccar.CCARCallback()
    train(model, callback, x, {"a": labels, "b": labels}, epochs=1)
    assert callback.statistics()["a"]["count"].tolist() == COUNTS
