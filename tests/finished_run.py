"""A finished run of a benchmark, as its record is written and read."""

import dataclasses

import numpy as np

from keras_ccar.benchmark.runner.planned_run import Run
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import METHODS
from keras_ccar.benchmark.spec.recipe_book import get_recipe
from keras_ccar.datasets import from_arrays

EPOCHS, CLASSES = 60, 100
_RNG = np.random.default_rng(0)

DATA = from_arrays(
    (_RNG.random((2 * CLASSES, 2, 2, 1)), np.arange(2 * CLASSES) % CLASSES)
)
RUN = Run(
    METHODS["ccar"],
    3,
    DATA,
    dataclasses.replace(get_recipe("digits-lt"), epochs=EPOCHS),
    LossOptions(),
    identity={"method": "ccar", "seed": 3},
)
OUTCOME = {
    "status": "finished",
    "top1": 50.0,
    "balanced": 100 / 3,
    "few": None,
    "mean_weight": 0.1 + 0.2,
    "per_class_accuracy": _RNG.random(CLASSES).tolist(),
    "history": {
        "loss": [1e-30, 2.0, 3],
        "count": {"Ω": [1, 2]},
        "confidence": _RNG.random((EPOCHS, CLASSES)).tolist(),
        "test": [{"epoch": EPOCHS, "balanced": 43.25}],
    },
}
