"""Measures what a head on features costs: 30 epochs, compilation included.

The features are random numbers in the size of CIFAR-100-LT at imbalance 100: 10,847
times 1,280, with 100 classes, in batches of 256. The first head of a process is
compiled; the second finds its program ready. Processor time is that of all cores.

Each backend measures itself: `KERAS_BACKEND=jax python benchmarks/head_speed.py`.
"""

import time
from pathlib import Path

import keras
import numpy as np

import keras_ccar
from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.benchmark.training.head_loop import Head, shuffled_order, train_heads
from keras_ccar.files import read_json, write_json

RESULTS = Path(__file__).parent / "results" / "pretrained" / "head_speed.json"
COUNTS = [int(500 * 100 ** (-index / 99)) for index in range(100)]
EPOCHS, BATCH_SIZE, WIDTH = 30, 256, 1280


def measure(loss):
    """Returns seconds, by the clock and of the processor, of two heads in turn."""
    labels = np.repeat(np.arange(len(COUNTS)), COUNTS)
    generator = np.random.default_rng(0)
    features = generator.normal(size=(len(labels), WIDTH)).astype("float32")
    found = {}
    for name in ("compiled", "again"):
        clock, processor = time.perf_counter(), time.process_time()
        order = shuffled_order(len(labels), EPOCHS, BATCH_SIZE, seed=0)
        train_heads(features, labels, len(COUNTS), [Head(loss, 0.03)], order)
        found[name] = {
            "seconds": round(time.perf_counter() - clock, 2),
            "processor_seconds": round(time.process_time() - processor, 2),
        }
    return found


def main():
    results = read_json(RESULTS) if RESULTS.exists() else {}
    backend = keras.backend.backend()
    results[backend] = {
        "command": f"KERAS_BACKEND={backend} python benchmarks/head_speed.py",
        "losses": {
            "cross-entropy": measure(
                keras_ccar.LongTailedCrossentropy(COUNTS, from_logits=True)
            ),
            "CCAR + logit adjustment": measure(
                keras_ccar.CCARLoss(
                    COUNTS,
                    adjustment=keras_ccar.adjustments.LogitAdjustment(1.0),
                    normalize=True,
                    from_logits=True,
                )
            ),
        },
        "environment": current_environment(),
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    write_json(RESULTS, results)
    print(backend, results[backend]["losses"])


if __name__ == "__main__":
    main()
