import keras
import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score

from keras_ccar import datasets
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import get_method
from keras_ccar.benchmark.spec.recipe_book import get_recipe
from keras_ccar.benchmark.training.evaluation import Evaluation
from keras_ccar.benchmark.training.loop import train_and_evaluate
from keras_ccar.benchmark.training.standardiser import Standardiser
from keras_ccar.frequencies import shot_groups


@pytest.fixture(scope="module")
def data():
    return datasets.load("digits-lt")


def test_measures_equal_those_of_scikit_learn(data):
    keras.utils.set_random_seed(4)
    images, labels = data.test_arrays
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
    )
    logits = model.predict(Standardiser.of(data)(images), verbose=0)
    guesses = logits.argmax(axis=1)
    recalls = 100 * recall_score(labels, guesses, average=None)
    exponentials = np.exp(logits.astype("float64"))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    confidence = probabilities.max(axis=1)
    bins = np.ceil(confidence * 15)
    calibration = sum(
        (bins == index).mean()
        * abs(
            (guesses == labels)[bins == index].mean() - confidence[bins == index].mean()
        )
        for index in np.unique(bins)
    )

    measured = Evaluation(model, data, get_recipe("digits-lt")).measure()
    assert measured["top1"] == pytest.approx(100 * (guesses == labels).mean())
    assert measured["balanced"] == pytest.approx(
        100 * balanced_accuracy_score(labels, guesses), abs=1e-4
    )
    for group, classes in shot_groups(data.class_counts).items():
        assert measured[group] == pytest.approx(recalls[classes].mean(), abs=1e-4)
    assert measured["per_class_accuracy"] == pytest.approx(recalls, abs=1e-4)
    assert measured["ece"] == pytest.approx(100 * calibration, abs=1e-3)


def test_a_curve_is_what_a_shorter_training_ends_with(data):
    recipe = get_recipe("digits-lt").with_settings(
        epochs=3, batch_size=100, schedule="constant", warmup_epochs=0
    )

    def train(epochs):
        return train_and_evaluate(
            data,
            recipe.with_settings(epochs=epochs),
            get_method("ccar"),
            LossOptions(),
            0,
        )

    groups = ("balanced", "many", "medium", "few")
    assert train(3)["history"]["test"] == [
        {"epoch": epochs, **{group: train(epochs)[group] for group in groups}}
        for epochs in (1, 2)
    ]


@pytest.mark.parametrize(
    ("epochs", "due"),
    [
        (1, []),
        (3, [1, 2]),
        (15, [2, 4, 6, 8, 10, 12, 14]),
        (200, list(range(20, 200, 20))),
    ],
)
def test_a_curve_has_at_most_ten_points(data, epochs, due):
    evaluation = Evaluation(
        None, data, get_recipe("digits-lt").with_settings(epochs=epochs)
    )
    assert [epoch for epoch in range(1, epochs + 1) if evaluation.is_due(epoch)] == due
