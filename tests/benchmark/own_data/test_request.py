"""Wrong requests are refused before anything is trained, with what to do."""

import re
import warnings

import keras
import numpy as np
import pytest
from own_data import answers, classes, compare, network, tags
from rich.console import Console

import keras_ccar
from keras_ccar.benchmark.own_data.request import OwnRequest

X, Y = classes()
DAMAGED = X.copy()
DAMAGED[3, 1], DAMAGED[40, 2] = np.nan, -np.inf


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 7

    def __getitem__(self, at):
        part = slice(at * 10, at * 10 + 10)
        return DAMAGED[part], Y[part]


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)

    def call(self, inputs):
        return self.dense(inputs)


@pytest.mark.parametrize(
    ("budget", "seconds"),
    [(90, 90), ("90", 90), ("90s", 90), ("10m", 600), ("1.5 min", 90), ("2h", 7200)],
)
def test_budgets(budget, seconds):
    request = OwnRequest(network(), classes(), classes(1), budget=budget)
    assert request.budget == seconds


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": "soon"}, "`budget` must be seconds above 0"),
        ({"budget": 0}, "`budget`"),
        ({"build_model": None}, "`build_model` must be a function"),
        ({"build_model": lambda: 3}, "`build_model` must be .* It returned 3"),
        ({"build_model": lambda a, b: 3}, "`build_model`"),
        ({"build_model": network(5)}, "`train` must have an example of every class"),
        ({"build_model": network(2)}, "`train` must have labels from 0 to 1"),
        ({"build_model": network(1, "softmax")}, "one column behind a softmax"),
        ({"build_model": lambda loss: network()()}, "`optimizer` must be left out"),
        ({"train": (X, Y[:-1])}, "`train` must be arrays of one length"),
        ({"train": (X[:0], Y[:0])}, "`train` must be"),
        ({"train": (X,)}, "`train` must be"),
        ({"train": (X, Y.astype(str))}, "`train`.*numpy.unique"),
        ({"train": (X[:, :3], Y)}, "`build_model` must return a model that takes"),
        ({"train": iter([(X, Y)])}, "`train`.*pass a function"),
        ({"train": lambda: iter([(X, Y)])}, "`train`.*let it return a tf.data"),
        ({"train": [(X[0], Y[0])]}, "`train`"),
        ({"validation": classes()}, "`validation` must be data that were held out"),
        ({"validation": (X, Y + 1)}, "`validation` must have labels from 0 to 2"),
        ({"train": (X, Y + 1)}, r"numbered from 1 to 3, number them from 0: pass `lab"),
        ({"train": (X, Y - 1)}, r"Number the classes from 0, and give the model an"),
        ({"build_model": network()()}, "`build_model` must be a function"),
        (
            {"build_model": Subclassed()},
            "`build_model` must be a function",
        ),
        (
            {"train": ([DAMAGED, X], Y)},
            r"`train` must have inputs without NaN.*2 of 70 ex.*position 3.*nan_to_num",
        ),
        ({"validation": (DAMAGED, Y)}, r"`validation` must have inputs without NaN"),
        ({"test": (DAMAGED, Y)}, r"`test` must have inputs without NaN"),
        (
            {"test": Batches()},
            r"`test` must have inputs without NaN.*2 of 70 examples.*position 3",
        ),
        (
            {"validation": (X + 1, Y, np.linspace(0.5, 2, 70))},
            r"`validation` must have sample weights of 0 and 1.*from 0.5 to 2. Leave",
        ),
        ({"train": (X, Y, DAMAGED[:, 2])}, r"`train` must have sample weights without"),
        ({"test": 3}, "`test` must be"),
        ({"losses": {}}, "`losses` must be a dict"),
        ({"losses": {"ce": "no such loss"}}, "`losses` must be a dict"),
        ({"losses": {"ce": lambda counts: 3}}, "`losses` must be a dict"),
        ({"class_counts": [1, 2]}, "`class_counts` must be 3 entries"),
        (
            {"class_counts": [[1, 2]] * 3, "build_model": network(3, "softmax")},
            "counts",
        ),
        ({"class_names": ["a", "b"]}, "`class_names` must have one name for each of"),
        ({"metric": "f1"}, "`metric` must be one of 'top1'"),
        ({"metric": "cost"}, "`metric` must be one of"),
        ({"optimizer": "adamm"}, "`optimizer` must be"),
        ({"metrics": "accuracy"}, "`metrics` must be"),
        ({"metrics": ["no such metric"]}, "`metrics` must be"),
        ({"callbacks": keras.callbacks.Callback()}, "`callbacks` must be"),
        ({"callbacks": lambda: 3}, "`callbacks` must be"),
        ({"seeds": 0}, "`seeds` must be a whole number >= 1"),
        ({"epochs": 1.5}, "`epochs` must be"),
        ({"batch_size": 0}, "`batch_size` must be"),
        ({"output": ""}, "`output` must be a path"),
    ],
)
def test_wrong_arguments(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        compare(
            **{"folder": tmp_path, **changes}
            if "output" not in changes
            else {"folder": changes["output"], **changes}
        )
    assert not (tmp_path / "runs").exists()


def test_labels_of_another_kind(tmp_path):
    with pytest.raises(ValueError, match="`train` must have the answers 0, no, and 1"):
        compare(
            tmp_path,
            build_model=network(1, "sigmoid"),
            train=classes(),
            validation=answers(1),
            losses=None,
        )
    x, unknown = tags()[0], tags()[1].copy()
    unknown[0, 0] = -1
    with pytest.raises(ValueError, match=r"Received: \[-1.*left out by `ignore_value`"):
        compare(
            tmp_path,
            build_model=network(unknown.shape[1], "sigmoid"),
            train=(x, unknown),
            validation=tags(),
            losses=None,
        )
    rare = tags()[1].copy()
    rare[:, 2] = 0
    with pytest.raises(ValueError, match=r"both answers of every label.*none for 2"):
        compare(
            tmp_path,
            build_model=network(3, "sigmoid"),
            train=(tags()[0], rare),
            validation=tags(1),
            losses=None,
        )


def test_one_validation_example_of_a_label_fails_thresholds_alone(tmp_path):
    x, labels = answers(1)
    keep = np.concatenate([np.flatnonzero(labels == 0), np.flatnonzero(labels)[:1]])
    _, failed = compare(
        tmp_path,
        build_model=network(1),
        train=answers(),
        validation=(x[keep], labels[keep]),
        losses={"ce": keras.losses.BinaryCrossentropy(from_logits=True)},
        seeds=1,
        epochs=1,
    )
    (run,) = failed
    assert run["method"] == "ce+thresholds"
    assert "`validation` must have two examples or more of yes" in run["error"]


def test_a_metric_that_the_test_data_cannot_tell_is_refused_before_training(tmp_path):
    x, labels = answers(2)
    with pytest.raises(ValueError, match=r"`metric` .* `test` can tell.*of no, of wh"):
        compare(
            tmp_path,
            build_model=network(1),
            train=answers(),
            validation=answers(1),
            test=(x[labels == 1], labels[labels == 1]),
            metric="average_precision",
            losses=None,
        )
    assert not (tmp_path / "runs").exists()


def test_thresholds_of_labels_without_a_no_stay_a_half(tmp_path):
    x, labels = tags(1)
    labels = labels.copy()
    labels[:, 0] = 1
    comparison, failed = compare(
        tmp_path,
        build_model=network(labels.shape[1], "sigmoid"),
        train=tags(),
        validation=(x, labels),
        losses={"ce": "binary_crossentropy"},
        seeds=1,
        epochs=1,
    )
    assert not failed
    (run,) = comparison.finished_runs("ce+thresholds")
    first, *others = run["chosen"]["thresholds"]
    assert first == 0.5
    assert 0.5 not in others


PROBABILITIES = keras.losses.SparseCategoricalCrossentropy()
LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"losses": {"ce": "sparse_categorical_crossentropy"}}, "logits (no activ"),
        ({"losses": {"ce": PROBABILITIES}}, "pass `from_logits=True` to the loss"),
        (
            {"losses": {"ce": PROBABILITIES}, "build_model": lambda: Subclassed()},
            "output is logits, which the loss 'ce'",
        ),
        (
            {"losses": {"ce": LOGITS}, "build_model": network(3, "softmax")},
            "probabilities (softmax), which the loss 'ce'",
        ),
        (
            {
                "losses": {"a": "binary_crossentropy"},
                "build_model": network(1),
                "train": answers(),
                "validation": answers(1),
            },
            "use `keras.losses.BinaryCrossentropy(from_logits=True)`",
        ),
        (
            {"losses": {"own": lambda counts: keras_ccar.CCARLoss(counts)}},
            "which the loss 'own' in `losses` does not expect",
        ),
    ],
)
def test_warns_of_a_loss_for_another_output(changes, message, tmp_path):
    arguments = {"build_model": network(), "train": classes(), "validation": classes(1)}
    request = OwnRequest(**{**arguments, "output": tmp_path, **changes})
    with pytest.warns(UserWarning, match=re.escape(message)) as caught:
        request.build_plan(Console(quiet=True))
    assert sum("expect: " in str(warning.message) for warning in caught) == 1


def test_warns_of_no_loss_that_fits(tmp_path):
    for activation, losses in (
        (None, {"ce": LOGITS, "own": lambda counts: lambda y, p: p[:, 0]}),
        ("softmax", {"ce": PROBABILITIES}),
        (None, None),
    ):
        OwnRequest(
            network(3, activation), classes(), classes(1), losses=losses
        ).build_plan(Console(quiet=True))


@pytest.mark.parametrize(
    ("loss", "right"),
    [
        ("sparse_categorical_crossentropy", "keras.losses.BinaryCrossentropy"),
        (keras.losses.categorical_crossentropy, "keras.losses.BinaryCrossentropy"),
        ("categorical_focal_crossentropy", "keras.losses.BinaryFocalCrossentropy"),
        (lambda counts: keras_ccar.CCARLoss(counts), "BinaryCCARLoss"),
    ],
)
@pytest.mark.parametrize("activation", ["sigmoid", None])
def test_refuses_losses_of_classes_on_one_column(loss, right, activation, tmp_path):
    message = f"Received: 'mine', a loss of classes .* Use `{right}`, or end the model"
    with pytest.raises(ValueError, match=message):
        compare(
            tmp_path,
            build_model=network(1, activation),
            train=answers(),
            validation=answers(1),
            test=None,
            losses={"mine": loss},
        )


@pytest.mark.parametrize("loss", ["categorical_crossentropy"])
def test_warns_of_losses_of_classes_on_several_labels(loss, tmp_path):
    with pytest.warns(UserWarning, match="yes-or-no labels, which the loss 'mine' .* "):
        compare(
            tmp_path,
            build_model=network(3, "sigmoid"),
            train=tags(),
            validation=tags(1),
            test=None,
            losses={"mine": loss},
            epochs=1,
            seeds=1,
        )


def test_warns_once_where_yes_is_the_frequent_answer(tmp_path):
    x, y = answers()
    with pytest.warns(UserWarning, match=r"81\.1% of the labels of `train`") as caught:
        compare(
            tmp_path,
            build_model=network(1, "sigmoid"),
            train=(x[:74], 1 - y[:74]),
            validation=answers(1),
            losses=["ce"],
            seeds=1,
            epochs=1,
        )
    assert sum("Yes (1) is" in str(warning.message) for warning in caught) == 1
    assert caught[0].filename.endswith(".py")


def many_tags(seed=0):
    """Features, and labels of which 60, 90 and 500 of 600 are yes."""
    y = (np.arange(600)[:, None] < [60, 90, 500]).astype("float32")
    x = np.random.default_rng(seed).normal(size=(600, 6)).astype("float32")
    return x, y


OTHERS_PLACE = "`class_counts` seem to have yes and no in each other's place, for"


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([[60, 540], [90, 510], [500, 100]], f"{OTHERS_PLACE} labels 0, 1, 2. "),
        ([[540, 60], [90, 510], [100, 500]], f"{OTHERS_PLACE} label 1. .* 0.85 of the"),
        ([[540, 60], [510, 90], [100, 500]], ""),
        ([[300, 300], [300, 300], [300, 300]], ""),  # of balanced draws
    ],
)
@pytest.mark.parametrize("weight", [None, 1.0])
def test_swapped_counts_of_several_labels(counts, told, weight, tmp_path):
    train = many_tags()
    if weight:
        train = (*train, np.full(600, weight, "float32"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compare(
            tmp_path,
            build_model=network(3, "sigmoid"),
            train=train,
            validation=many_tags(1),
            losses=["ce"],
            seeds=1,
            epochs=1,
            class_counts=counts,
        )
    found = [str(w.message) for w in caught if "other's place" in str(w.message)]
    assert len(found) == bool(told)
    if told:
        assert re.search(f"{told}.*but in `train` it is 0.1", found[0])


@pytest.mark.parametrize("counts", [[10, 90], [90, 10]])
def test_swapped_counts_of_one_label(counts, tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compare(
            tmp_path,
            build_model=network(1),
            train=answers(0, 10, 90),
            validation=answers(1, 10, 90),
            losses=["ce"],
            seeds=1,
            epochs=1,
            class_counts=counts,
        )
    found = [str(w.message) for w in caught if "other's place" in str(w.message)]
    if counts == [90, 10]:
        assert found == []
        return
    (message,) = found
    assert message.startswith(f"{OTHERS_PLACE} label 0. By them 0.9 of the answers to")
    assert "but in `train` it is 0.1. The counts are `[no, yes]`" in message
    assert message.endswith("returns them.")


def test_names_as_labels_of_one_column(tmp_path):
    x, y = answers()
    names = np.where(y == 1, "fraud", "ok")
    advice = r"`\(numpy.asarray\(labels\) == 'fraud'\).astype\(int\)`"
    with pytest.raises(ValueError, match=advice):
        compare(tmp_path, build_model=network(1), train=(x, names))
