"""Results of comparisons that were never run, as input for reports."""

import dataclasses

import keras
import numpy as np

from keras_ccar import CCARLoss
from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.spec.loss_options import LossOptions, shown_loss_options
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.datasets import long_tailed_counts
from keras_ccar.files import to_json

TITLES = {
    "ce": "cross-entropy",
    "focal": "focal loss",
    "cb": "class-balanced weights",
    "inverse": "inverse frequency",
    "ldam": "LDAM",
    "ldam-drw": "LDAM-DRW",
    "bs": "Balanced Softmax",
    "la": "logit adjustment",
    "la-posthoc": "post hoc logit adjustment",
    "ccar": "CCAR",
    "ccar+la": "CCAR + logit adjustment",
    "ccar+bs": "CCAR + Balanced Softmax",
    "ccar+ldam": "CCAR + LDAM",
    "ce×c": "cross-entropy × CCAR's mean weight",
    "la×c": "logit adjustment × the mean weight of CCAR + logit adjustment",
    "ce×c(t)": "cross-entropy × CCAR's mean weight of each epoch",
    "la×c(t)": "logit adjustment × the mean weight of CCAR + logit adjustment of each "
    "epoch",
    "ce-tuned": "cross-entropy, tuned learning rate",
}
SOME = {"ce": [38.0, 38.5, 39.0], "bs": [43.0, 43.4, 44.1], "ccar": [38.1, 39, 39.2]}
VARIANTS = ("ccar[strength=2]", "ccar[form=power]", "ccar[strength=3,normalize]")


def made_under_recipe(name, balanced=None, **changes):
    """Returns results under a recipe as it stands, but for the changes."""
    settings = to_json(dataclasses.asdict(RECIPES[name]))
    del settings["name"]
    return made_results(balanced or SOME, recipe=name, **{**settings, **changes})


def made_with_many_methods():
    names = (*TITLES, *VARIANTS)
    return made_results(
        {name: [30 + at, 31 + 1.1 * at, 29 + at] for at, name in enumerate(names)},
        epochs=5,
    )


def made_results(balanced, recipe="plain", imbalance_factor=100.0, **changes):
    """Returns the `Comparison` that runs on CIFAR-100-LT would give.

    Args:
        balanced: balanced accuracies over seeds by name of the method, None for a
            run that failed.
        recipe: name of the recipe.
        imbalance_factor: of the data.
        **changes: to the settings of the recipe.
    """
    counts = long_tailed_counts(100, 500, imbalance_factor)
    random = np.random.default_rng(0)
    epochs = changes.get("epochs", 200)
    return Comparison(
        command="keras-ccar compare cifar100-lt",
        dataset={
            "name": "cifar100-lt",
            "imbalance_factor": imbalance_factor,
            "seed": 0,
            "digest": "d" * 64,
            "class_names": [f"class {label}" for label in range(100)],
            "class_counts": counts.tolist(),
        },
        recipe={
            "name": recipe,
            "source": "somewhere",
            "model": "resnet32",
            "epochs": epochs,
            "batch_size": 128,
            "learning_rate": 0.1,
            "schedule": "steps",
            "momentum": 0.9,
            "weight_decay": 2e-4,
            **changes,
        },
        options=shown_loss_options(LossOptions()),
        methods=[
            {
                "name": name,
                "title": TITLES.get(name, name),
                "loss": keras.saving.serialize_keras_object(CCARLoss(counts.tolist())),
            }
            for name in balanced
        ],
        seeds=list(range(max(map(len, balanced.values())))),
        environment={
            "backend": "tensorflow",
            "commit": "c" * 40,
            "versions": {"keras": "3"},
            "hardware": {"processor": "one", "cores": 2, "accelerators": []},
        },
        run_entries=[
            _run(name, seed, value, epochs, random)
            for name, values in balanced.items()
            for seed, value in enumerate(values)
        ],
    )


def _run(method, seed, value, epochs, random):
    run = {"method": method, "seed": seed}
    if value is None:
        return {**run, "status": "failed", "error": "FloatingPointError: a NaN"}
    classes = np.clip(
        value + np.linspace(40, -40, 100) + random.normal(0, 6, 100), 0, 100
    )
    speed = 3 + seed + random.uniform(0, 4)
    rise = 1 - np.exp(-np.arange(1, epochs + 1) / epochs * speed)
    confidence = rise[:, None] * np.linspace(0.95, 0.6, 100)
    return {
        **run,
        "status": "finished",
        "top1": value,
        "balanced": value,
        "many": value + 20,
        "medium": value,
        "few": value - 20,
        "ece": 20.0,
        "mean_weight": 1.0,
        "seconds": 2.0,
        "per_class_accuracy": classes.tolist(),
        "history": {
            "confidence": confidence.tolist(),
            "test": [
                {
                    "epoch": epochs // 2,
                    "balanced": value + 1,
                    "many": value + 21,
                    "medium": value + 1,
                    "few": value - 19,
                }
            ],
        },
    }
