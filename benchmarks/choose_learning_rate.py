"""Chooses the learning rate of the digits recipe, for cross-entropy.

It is chosen on validation images from the training pool, so the test set plays no part.
Writes `benchmarks/results/digits_learning_rate.json`.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
from rich.progress import track

from keras_ccar import datasets
from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import METHODS
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.benchmark.training.loop import train_and_evaluate
from keras_ccar.files import write_json

LEARNING_RATES = (0.02, 0.05, 0.1, 0.2)
SEEDS = range(6)
RESULTS = Path(__file__).parent / "results" / "digits_learning_rate.json"


def main():
    data = datasets.load("digits-lt", validation=True)
    recipe = RECIPES["digits"]
    accuracies = {rate: [] for rate in LEARNING_RATES}
    plan = [(rate, seed) for seed in SEEDS for rate in LEARNING_RATES]
    for rate, seed in track(plan, "Training"):
        outcome = train_and_evaluate(
            data,
            recipe.with_settings(learning_rate=rate),
            METHODS["ce"],
            LossOptions(),
            seed,
        )
        accuracies[rate].append(outcome["balanced"])
    means = {rate: float(np.mean(values)) for rate, values in accuracies.items()}
    result = {
        "chosen": max(means, key=means.get),
        "rows": [
            {
                "learning_rate": rate,
                "validation_balanced": round(means[rate], 2),
                "seeds": len(SEEDS),
            }
            for rate in LEARNING_RATES
        ],
        "by_seed": accuracies,
        "validation_images": len(data.test_arrays[1]),
        "training_images": len(data.train_arrays[1]),
        "digest": data.digest,
        "recipe": dataclasses.asdict(recipe),
        "command": "python benchmarks/choose_learning_rate.py",
        "environment": current_environment(),
    }
    write_json(RESULTS, result)
    print(json.dumps(result["rows"], indent=1))


if __name__ == "__main__":
    main()
