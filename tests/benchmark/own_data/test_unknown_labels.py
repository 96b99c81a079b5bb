"""Comparisons on data of which some labels are not known."""

import keras
import numpy as np
import pytest
from own_data import answers, classes, compare, network, tags, without_some
from sklearn import metrics

import keras_ccar
from keras_ccar.benchmark.own_data.unknown_labels import UnknownLabels

NAN = float("nan")
CASES = {
    "classes": (classes, network(3), {"ignore_class": -1}),
    "void": (classes, network(3), {"ignore_class": 255}),
    "answers": (answers, network(1), {"ignore_value": -1}),
    "answers, NaN": (answers, network(1), {"ignore_value": NAN}),
    "tags": (tags, network(3), {"ignore_value": -1}),
    "tags, NaN": (tags, network(3), {"ignore_value": NAN}),
}


def parts(case):
    data, build_model, unknown = CASES[case]
    (value,) = unknown.values()
    given = {
        name: without_some(data(seed), value)
        for seed, name in enumerate(("train", "validation", "test"))
    }
    return {"build_model": build_model, **given, **unknown}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_figures_are_those_of_what_is_known(case, tmp_path):
    given = parts(case)
    comparison, failed = compare(tmp_path, **given, losses=["ce", "ccar+la"], seeds=1)
    assert failed == []
    x, labels = given["test"]
    (unknown,) = CASES[case][2].values()
    known = ~np.isnan(labels) if unknown != unknown else labels != unknown
    answered = given["train"][1]
    if case.startswith("tags"):
        numbers = (answered == 1).sum(axis=0).tolist()
    else:
        numbers = [int((answered == number).sum()) for number in range(3)]
    assert comparison.dataset["class_counts"] == [n for n in numbers if n]
    for run in comparison.finished_runs("ce") + comparison.finished_runs("ccar+la"):
        logits = comparison.model(run["method"], run["seed"]).predict(x, verbose=0)
        if labels.ndim == 1 and logits.shape[1] > 1:
            answered = logits.argmax(axis=1)
            expected = metrics.balanced_accuracy_score(labels[known], answered[known])
            assert run["balanced"] == pytest.approx(100 * expected, abs=1e-3)
            continue
        columns = labels.reshape(logits.shape).T
        of_known = known.reshape(logits.shape).T
        expected = [
            metrics.average_precision_score(label[is_known], score[is_known])
            for label, score, is_known in zip(columns, logits.T, of_known, strict=True)
        ]
        assert run["average_precision"] == pytest.approx(
            100 * np.mean(expected), abs=1e-2
        )


@pytest.mark.slow
def test_masks_of_places(tmp_path):
    """A label for each place, some of which are of no class."""
    rng = np.random.default_rng(0)
    labels = rng.choice(3, (24, 4, 4), p=[0.6, 0.3, 0.1])
    x = (rng.normal(size=(24, 4, 4, 3)) + 2 * np.eye(3)[labels]).astype("float32")
    labels[:, 0] = 255
    given = {
        "build_model": lambda: keras.Sequential(
            [keras.Input((4, 4, 3)), keras.layers.Dense(3)]
        ),
        **{
            name: (x[at::3], labels[at::3]) for at, name in enumerate(["train", "test"])
        },
        "validation": (x[2::3], labels[2::3]),
        "ignore_class": 255,
    }
    comparison, failed = compare(tmp_path, **given, losses=["ce", "la"], seeds=1)
    assert failed == []
    counted = labels[::3][:, 1:]
    assert comparison.dataset["counts"] == np.bincount(counted.ravel()).tolist()


class Batches(keras.utils.PyDataset):
    """Twenty examples at a time."""

    def __init__(self, x, labels):
        super().__init__()
        self.arrays = x, labels

    def __len__(self):
        return len(self.arrays[0]) // 20

    def __getitem__(self, index):
        return tuple(part[index * 20 : (index + 1) * 20] for part in self.arrays)


@pytest.mark.slow
def test_batches_with_unknown_answers(tmp_path):
    given = parts("tags, NaN")
    labels = given["train"][1]
    given.update(train=Batches(*given["train"]))
    comparison, failed = compare(tmp_path, **given, losses=["ce"], seeds=1)
    assert failed == []
    expected = [int((column == 1).sum()) for column in labels.T]
    assert comparison.dataset["class_counts"] == expected


UNTOLD = {
    "own": (
        "classes",
        lambda counts: keras_ccar.CCARLoss(counts, from_logits=True),
        "Pass `ignore_class=-1` to it",
        lambda counts: keras_ccar.CCARLoss(counts, from_logits=True, ignore_class=-1),
    ),
    "sparse": (
        "classes",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "Pass `ignore_class=-1` to it",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1),
    ),
    "binary": (
        "tags",
        keras.losses.BinaryCrossentropy(from_logits=True),
        "Use `keras_ccar.BinaryLongTailedCrossentropy(None, ignore_value=-1, "
        "from_logits=True)`",
        keras_ccar.BinaryLongTailedCrossentropy(
            None, ignore_value=-1, from_logits=True
        ),
    ),
    "NaN": (
        "tags, NaN",
        lambda counts: keras_ccar.BinaryCCARLoss(
            counts, from_logits=True, ignore_value=-1
        ),
        'Pass `ignore_value=float("nan")` to it',
        lambda counts: keras_ccar.BinaryCCARLoss(
            counts, from_logits=True, ignore_value=NAN
        ),
    ),
}


@pytest.mark.parametrize("name", UNTOLD)
def test_a_loss_that_was_not_told_is_refused(name, tmp_path):
    case, loss, advice, told = UNTOLD[name]
    given = {**parts(case), "seeds": 1, "epochs": 1}
    with pytest.raises(ValueError, match="would learn from them") as error:
        compare(tmp_path, **given, losses={"mine": loss})
    assert advice in str(error.value)
    _, failed = compare(tmp_path, **given, losses={"mine": told})
    assert failed == []


class OfKeras(keras.losses.BinaryCrossentropy):
    """Does what Keras does."""


class Masked(keras.losses.Loss):
    """Leaves unknown labels out by itself."""

    def call(self, y_true, y_pred):
        losses = keras.ops.square(y_pred - y_true)
        return keras.ops.where(y_true >= 0, losses, keras.ops.zeros_like(losses))


@pytest.mark.parametrize(
    ("loss", "advice"),
    [
        ("binary_crossentropy", "Use `keras_ccar.BinaryLongTailed"),
        (keras.losses.binary_crossentropy, "Use `keras_ccar.BinaryLongTailed"),
        (OfKeras(from_logits=True), "Use `keras_ccar.BinaryLongTailed"),
        (
            keras_ccar.WeightedSum(
                [
                    (1.0, keras.losses.BinaryCrossentropy(from_logits=True)),
                    (1.0, keras_ccar.BinaryFocalLoss(ignore_value=-1)),
                ]
            ),
            "Use `keras_ccar.BinaryLongTailed",
        ),
        (
            keras_ccar.WeightedSum([(1.0, keras_ccar.BinaryFocalLoss())]),
            "Pass `ignore_value=-1` to it",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:The model:UserWarning")
def test_known_losses_are_looked_into(loss, advice, tmp_path):
    given = {**parts("tags"), "seeds": 1, "epochs": 1}
    with pytest.raises(ValueError, match="would learn from them") as error:
        compare(tmp_path, **given, losses={"mine": loss})
    assert advice in str(error.value)


@pytest.mark.parametrize("loss", [Masked(), Masked().call], ids=["object", "function"])
def test_a_loss_of_the_user_is_warned_of(loss, tmp_path):
    given = {**parts("tags"), "seeds": 1, "epochs": 1}
    with pytest.warns(UserWarning, match="your own. It must leave out unknown"):
        _, failed = compare(tmp_path, **given, losses={"mine": loss})
    assert failed == []


@pytest.mark.filterwarnings("ignore:`losses` has:UserWarning")
def test_a_loss_of_the_user_that_learns_from_nan_is_told_why(tmp_path):
    def loss(y_true, y_pred):
        return keras.ops.square(y_pred - y_true)

    given = {**parts("tags, NaN"), "seeds": 1, "epochs": 1}
    _, failed = compare(tmp_path, **given, losses={"mine": loss})
    errors = {run["method"]: run["error"] for run in failed}
    assert "leave the unknown labels, which are NaN, out" in errors["mine"]


@pytest.mark.parametrize(
    ("metric", "advice"),
    [
        (keras.metrics.AUC(multi_label=True), "Leave it out, or use a metric of"),
        ("binary_accuracy", "Leave it out, or use a metric of"),
        (
            keras_ccar.BalancedAccuracy(multi_label=True, num_classes=3),
            "Pass `ignore_value=-1` to it",
        ),
    ],
)
def test_a_metric_that_was_not_told_is_refused(metric, advice, tmp_path):
    given = {**parts("tags"), "losses": ["ce"], "seeds": 1, "epochs": 1}
    with pytest.raises(ValueError, match="would count them") as error:
        compare(tmp_path, **given, metrics=[metric])
    assert advice in str(error.value)


def test_a_metric_that_was_told_is_a_column(tmp_path):
    told = keras_ccar.BalancedAccuracy(
        multi_label=True,
        num_classes=3,
        ignore_value=-1,
        from_logits=True,
        name="mine",
    )
    given = {**parts("tags"), "losses": ["ce"], "seeds": 1, "epochs": 1}
    comparison, failed = compare(tmp_path, **given, metrics=[told])
    assert failed == []
    (run,) = comparison.finished_runs("ce")
    assert run["user_metrics"]["mine"] == pytest.approx(run["balanced"] / 100, abs=1e-4)


@pytest.mark.slow
def test_a_label_without_a_yes_has_no_part_in_the_figures(tmp_path):
    """As if it were not known: that it is never answered is no success."""
    figures = []
    for at, value in enumerate((0, -1)):
        given = parts("tags")
        _, labels = given["test"]
        labels[labels[:, 2] != -1, 2] = value
        comparison, failed = compare(
            tmp_path / str(at), **given, losses=["ce", "la"], seeds=1, epochs=4
        )
        assert failed == []
        assert ("no example of" in comparison.dataset["few_examples"]) == (not at) or at
        columns = ("average_precision", "balanced", "recall", "precision", "f1")
        figures.append(
            {
                run["method"]: [run[column] for column in (*columns, "gmean")]
                for run in comparison.run_entries
            }
        )
    assert figures[0] == figures[1]
    assert "ce+thresholds" in figures[0]


@pytest.mark.slow
def test_weights_of_answers_say_what_is_unknown(tmp_path):
    figures = []
    for at, is_weighted in enumerate((False, True)):
        given = parts("tags")
        for name in ("validation", "test") if is_weighted else ():
            x, labels = given[name]
            given[name] = (x, labels, (labels != -1).astype("float32"))
        comparison, failed = compare(
            tmp_path / str(at), **given, losses=["ce"], seeds=1
        )
        assert failed == []
        (run,) = comparison.finished_runs("ce")
        figures.append({**run["splits"]["test"], **run["splits"]["validation"]})
    assert figures[0] == figures[1]
    given["validation"] = (*given["validation"][:2], np.ones((7, 3)))
    with pytest.raises(ValueError, match="`validation` must"):
        compare(tmp_path / "wrong", **given, losses=["ce"])


@pytest.mark.parametrize(
    ("case", "change", "words"),
    [
        ("classes", {"ignore_value": -1}, "Pass it as `ignore_class`"),
        ("tags", {"ignore_class": -1}, "Pass it as `ignore_value`"),
        ("classes", {"ignore_class": 2}, "none of the 3 classes"),
        ("classes", {"ignore_class": 1.5}, "`ignore_class` must be"),
        ("tags", {"ignore_value": 0.5}, "`ignore_value` must not be a target"),
        ("classes", {}, "left out by `ignore_class`"),
        ("tags", {}, "left out by `ignore_value`"),
    ],
)
def test_what_does_not_fit_is_refused(case, change, words, tmp_path):
    given = {**parts(case), "ignore_class": None, "ignore_value": None, **change}
    with pytest.raises(ValueError, match=words):
        compare(tmp_path, **given, losses=["ce"])


@pytest.mark.parametrize("case", ["classes", "tags, NaN"])
def test_nothing_known_is_refused(case, tmp_path):
    given = parts(case)
    (value,) = CASES[case][2].values()
    x, labels = given["validation"]
    given["validation"] = (x, np.full_like(labels, value))
    with pytest.raises(ValueError, match="`validation` must have examples"):
        compare(tmp_path, **given, losses=["ce"])


def test_sums_of_weights_are_those_of_what_is_known(tmp_path):
    x, labels = without_some(classes(), -1)
    weights = np.where(labels == 2, 3.0, 1.0)
    given = {**parts("classes"), "train": (x, labels, weights)}
    comparison, _ = compare(tmp_path, **given, losses=["ce"], seeds=1, epochs=1)
    numbers = np.bincount(labels[labels >= 0]).tolist()
    assert comparison.dataset["counts"] == [*numbers[:2], 3.0 * numbers[2]]
    assert comparison.dataset["class_counts"] == numbers


def test_results_without_unknown_labels_keep_their_identity():
    assert UnknownLabels().as_code(True) == UnknownLabels().as_code(False) == ""
    assert UnknownLabels().arguments(True) == UnknownLabels().arguments(False) == {}
