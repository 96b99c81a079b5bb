"""A linear probe of balanced CIFAR-100 on the features of the study.

It checks the converted network and the training of heads against published linear
probes: cross-entropy on all 50,000 training images, the learning rate and the weight
decay chosen on a fifth of them, accuracy on the 10,000 test images, over three seeds.

Needs `pip install -e '.[features]'`, and the images `TFDS_DATA_DIR`.
"""

import argparse
from pathlib import Path

import numpy as np
from image_features import load_features
from pretrained_heads import (
    CONFIGURATION,
    FOLDER,
    TUNING_SEED,
    Trainer,
    measures,
    standardised,
    tune,
)
from pretrained_methods import METHODS

from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.files import write_json

RESULTS = FOLDER / "linear_probe.json"
COMMAND = "python benchmarks/linear_probe.py"
SEEDS = 3


def probe(train, test, seeds=SEEDS):
    """Returns what was tried and chosen, and the accuracy of each seed.

    Args:
        train: features and labels to fit and to choose on.
        test: those to measure on.
        seeds: number of seeds.
    """
    (x, y), (test_x, test_y) = train, test
    method = METHODS["ce"]
    num_classes = int(y.max()) + 1
    tuned = tune([method], train, num_classes)[method.name]
    x, test_x = standardised(x, test_x)
    trainer = Trainer(x, y, num_classes)
    accuracies = []
    for seed in range(seeds):
        (head,) = trainer.train([(method, *tuned["best"])], seed)
        accuracies.append(measures(head, test_x, test_y, {})["balanced"])
    return {**tuned, "accuracies": accuracies, "accuracy": float(np.mean(accuracies))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULTS, help="file to write")
    output = parser.parse_args().output
    train, test, data = load_features(imbalance_factor=1)
    environment = current_environment()
    found = probe(train, test)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_json(
        output,
        {
            "command": COMMAND,
            "configuration": {
                "data": "all of CIFAR-100",
                "digest": data.digest,
                "tuning_seed": TUNING_SEED,
                **{n: value for n, value in CONFIGURATION.items() if n != "taus"},
            },
            **found,
            "environment": environment,
        },
    )
    print(f"Accuracy {found['accuracy']:.2f} %: {output}")


if __name__ == "__main__":
    main()
