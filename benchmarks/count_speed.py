"""Time to count the classes of CIFAR-100, with and without decoding its images.

Needs CIFAR-100 as prepared by tensorflow-datasets, in `TFDS_DATA_DIR` or its default
folder. Writes `benchmarks/results/count_speed.json`.
"""

import json
import time
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.datasets import count_classes
from keras_ccar.datasets.loaders.prepared import tfds_builder
from keras_ccar.files import write_json

ROUNDS = 3
RESULTS = Path(__file__).parent / "results" / "count_speed.json"


def decode_each_image(builder):
    """Counts in the obvious way: a loop over decoded examples."""
    counts = np.zeros(100, "int64")
    for _, label in builder.as_dataset(
        split="train", as_supervised=True
    ).as_numpy_iterator():
        counts[label] += 1
    return counts


def decode_in_batches(builder):
    """Counts examples that are decoded in parallel and in batches."""
    dataset = builder.as_dataset(split="train", as_supervised=True)
    return count_classes(dataset.batch(1024))


def main():
    builder = tfds_builder("cifar100")
    ways = {
        "count_classes(builder)": count_classes,
        "decoding loop": decode_each_image,
        "decoding in batches": decode_in_batches,
    }
    seconds = {way: [] for way in ways}
    for _ in range(ROUNDS):  # in turns, so that other load affects all ways equally
        for way, count in ways.items():
            start = time.perf_counter()
            counts = count(builder)
            seconds[way].append(round(time.perf_counter() - start, 3))
            assert counts.tolist() == [500] * 100
    best = {way: min(times) for way, times in seconds.items()}
    result = {
        "images": 50_000,
        "seconds": seconds,
        "times_as_fast": {
            way: round(best[way] / best["count_classes(builder)"], 1)
            for way in list(ways)[1:]
        },
        "command": "python benchmarks/count_speed.py",
        "environment": current_environment(),
        "tensorflow_datasets": tfds.__version__,
    }
    write_json(RESULTS, result)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
