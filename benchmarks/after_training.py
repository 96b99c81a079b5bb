"""What helps after training, on CIFAR-100-LT with features of a pretrained network.

A linear classifier is trained on the features, by cross-entropy and by Balanced
Softmax. What is done afterwards to the cross-entropy model, `keras_ccar.posthoc`, is
measured beside it. Learning rates, τ, temperatures and quantiles are chosen on training
images that were held out: the training images are divided into five folds, and each
fold is predicted by a classifier that was trained on the other four. The classifiers
that are measured are trained on all training images. The test images are used for the
numbers alone.

Each seed is written as it ends into `benchmarks/results/after-training/`; started
again, the script goes on where it stopped. `--sets` measures only the prediction sets
again, with the learning rates that were chosen. The features need `pip install -e
'.[features]'`.
"""

import argparse
import importlib.metadata
import sys
import time
from functools import partial

import keras
import numpy as np
from after_training_page import COMMAND, PEER, PLAIN, RESULTS, write_page
from image_features import IMBALANCE_FACTOR, SIZE, load_features
from keras import ops
from rich.progress import track
from sklearn.metrics import recall_score
from sklearn.model_selection import StratifiedKFold

import keras_ccar
from keras_ccar import posthoc
from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.files import read_json, write_json
from keras_ccar.frequencies import shot_groups

SEEDS = range(3)
CONFIGURATION = {
    "data": "CIFAR-100-LT",
    "imbalance_factor": IMBALANCE_FACTOR,
    "features": "EfficientNet-Lite0, ImageNet",
    "image_size": SIZE,
    "folds": 5,
    "learning_rates": [0.01, 0.03, 0.1, 0.3],
    "optimizer": "SGD, momentum 0.9, cosine",
    "weight_decay": 5e-4,
    "batch_size": 256,
    "epochs": 30,
    "second_stage_epochs": 10,
    "norm_taus": [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0],
    "coverage": 0.9,
}


def folds(labels, seed):
    """Returns the examples to fit and those held out, a pair for each fold."""
    division = StratifiedKFold(CONFIGURATION["folds"], shuffle=True, random_state=seed)
    return list(division.split(labels, labels))


def train(x, y, loss, learning_rate, seed):
    """Returns a linear classifier on standardised features."""
    keras.utils.set_random_seed(seed)
    normalization = keras.layers.Normalization()
    normalization.adapt(x)
    inputs = keras.Input(x.shape[1:])
    logits = keras.layers.Dense(100, name="logits")(normalization(inputs))
    model = keras.Model(inputs, logits)
    batch_size, epochs = CONFIGURATION["batch_size"], CONFIGURATION["epochs"]
    steps = epochs * -(-len(x) // batch_size)
    optimizer = keras.optimizers.SGD(
        keras.optimizers.schedules.CosineDecay(learning_rate, steps),
        momentum=0.9,
        weight_decay=CONFIGURATION["weight_decay"],
    )
    model.compile(optimizer, loss)
    model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0)
    return model


def predicted(model, x):
    return model.predict(x, batch_size=1000, verbose=0)


def balanced_accuracy(logits, labels):
    return 100 * recall_score(labels, logits.argmax(axis=1), average="macro")


def measures(logits, labels, groups):
    recalls = 100 * recall_score(labels, logits.argmax(axis=1), average=None)
    return {
        "balanced": recalls.mean(),
        **{name: recalls[members].mean() for name, members in groups.items()},
    }


def models_of(rate, fit, counts, seed):
    """Returns the models of one learning rate by method and the τ of `tau-norm`."""
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    balanced = keras_ccar.BalancedSoftmaxLoss(counts, from_logits=True)
    model = train(*fit, plain, rate, seed)
    epochs = CONFIGURATION["second_stage_epochs"]
    retrain = partial(
        posthoc.retrain_classifier, model, fit, counts, epochs=epochs, seed=seed
    )
    return {
        (PLAIN, None): model,
        ("cRT", None): retrain("crt"),
        ("LWS", None): retrain("lws"),
        **{
            ("τ-norm", tau): retrain("tau-norm", tau=tau)
            for tau in CONFIGURATION["norm_taus"]
        },
        (PEER, None): train(*fit, balanced, rate, seed),
    }


def held_out_logits(x, y, seed, num_classes):
    """Returns logits of held-out examples by learning rate, method and τ."""
    found = {}
    for fit, held_out in folds(y, seed):
        counts = np.bincount(y[fit], minlength=num_classes)
        for rate in CONFIGURATION["learning_rates"]:
            models = models_of(rate, (x[fit], y[fit]), counts, seed)
            for name, model in models.items():
                logits = found.setdefault(
                    (rate, *name), np.empty((len(y), num_classes), "float32")
                )
                logits[held_out] = predicted(model, x[held_out])
    return found


def run_seed(seed, train_data, test, num_classes):
    """Returns what one seed gives: methods, calibration, prediction sets."""
    start = time.perf_counter()
    x, y = train_data
    test_x, test_y = test
    counts = np.bincount(y, minlength=num_classes)
    groups = shot_groups(counts)
    held_out = held_out_logits(x, y, seed, num_classes)
    # By method: the score on held-out examples, the learning rate, τ.
    best = {}
    corrections = {}
    for (rate, method, tau), logits in held_out.items():
        tried = {method: (logits, tau)}
        if method == PLAIN:
            tuned = posthoc.tune_logit_correction(logits, y, counts)
            corrections[rate] = tuned
            tried["τ chosen"] = (ops.convert_to_numpy(tuned.layer(logits)), tuned.tau)
            one = keras_ccar.LogitCorrection(counts, from_logits=True)
            tried["τ = 1"] = (ops.convert_to_numpy(one(logits)), 1.0)
        for name, (candidate, chosen_tau) in tried.items():
            score = balanced_accuracy(candidate, y)
            best[name] = max(best.get(name, (-1.0,)), (score, rate, chosen_tau))
    rates = {rate for _, rate, _ in best.values()}
    models = {rate: models_of(rate, train_data, counts, seed) for rate in rates}
    rows = []
    for name, (score, rate, tau) in best.items():
        of_rate = models[rate]
        if name.startswith("τ ") and name != "τ-norm":
            layer = keras_ccar.LogitCorrection(counts, tau, from_logits=True)
            model = posthoc.chain(of_rate[PLAIN, None], layer)
        else:
            model = of_rate[name, tau]
        found = measures(predicted(model, test_x), test_y, groups)
        rows.append(
            {
                "seed": seed,
                "method": name,
                "learning_rate": rate,
                "tau": tau,
                "held_out": round(float(score), 3),
                **{key: round(float(value), 3) for key, value in found.items()},
            }
        )
    _, rate, tau = best["τ chosen"]
    model, logits = models[rate][PLAIN, None], held_out[rate, PLAIN, None]
    return {
        "seed": seed,
        "rows": rows,
        "regret": regret(model, test, counts, tau),
        "calibration": calibration(model, logits, y, test, counts),
        **run_sets(seed, rate, train_data, test, num_classes),
        "seconds": round(time.perf_counter() - start, 1),
        "commit": current_environment()["commit"],
    }


def regret(model, test, counts, tau):
    """How far the τ that was chosen is from the best one on the test images."""
    on_test = posthoc.tune_logit_correction(model, test, counts, resamples=2).curve
    scores = on_test.set_index("tau")["score"]
    return {
        "chosen": tau,
        "best_on_test": float(scores.idxmax()),
        "points": round(100 * float(scores.max() - scores[tau]), 3),
    }


def calibration(model, logits, labels, test, counts):
    """Calibration error on the test images, which are balanced, before and after."""
    found = posthoc.calibrate(logits, labels, counts)
    correction = keras_ccar.LogitCorrection(counts, tau=1.0)
    errors = {}
    for name, layers in {
        "before": [correction],
        "after": [found, correction],
    }.items():
        report = posthoc.evaluate_classes(
            posthoc.chain(model, *layers), test, counts, resamples=2
        )
        error = report.totals.loc["calibration_error", "value"]
        errors[name] = round(100 * float(error), 3)
    return {"temperature": round(found.temperature, 4), **errors}


def run_sets(seed, rate, train_data, test, num_classes):
    """Returns what one seed gives of prediction sets, for one learning rate."""
    x, y = train_data
    test_x, test_y = test
    groups = shot_groups(np.bincount(y, minlength=num_classes))
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    by_fold = []
    for fit, held_out in folds(y, seed):
        model = train(x[fit], y[fit], plain, rate, seed)
        calibration = predicted(model, x[held_out]), y[held_out]
        by_fold.append((calibration, predicted(model, test_x)))
    return {
        "coverage": coverage(by_fold, test_y, groups, seed),
        "coverage_commit": current_environment()["commit"],
    }


def coverage(by_fold, test_labels, groups, seed):
    """Coverage by group, and how many classes sets hold: means over the folds.

    The sets of a fold are made from its held-out examples, for the model that was
    trained on the other folds.
    """
    rows = []
    for method in ("marginal", "pooled", "class", "clustered"):
        found = {}
        for place, (calibration, on_test) in enumerate(by_fold):
            sets = posthoc.prediction_sets(
                *calibration,
                coverage=CONFIGURATION["coverage"],
                method=method,
                seed=len(by_fold) * seed + place,
            )
            of_classes = sets.evaluate(on_test, test_labels)
            for name, members in {**groups, "all": slice(None)}.items():
                covered = 100 * of_classes["coverage"][members].mean()
                found.setdefault(name, []).append(covered)
                size = of_classes["mean_set_size"][members].mean()
                found.setdefault(f"{name}_size", []).append(size)
        means = {name: round(float(np.mean(of)), 2) for name, of in found.items()}
        rows.append({"method": method, **means})
    return rows


def run_sets_again(results, *pairs_and_classes):
    """Replaces the prediction sets of the seeds of results."""
    for entry in track(results["seeds"], "Prediction sets"):
        rates = {row["method"]: row["learning_rate"] for row in entry["rows"]}
        found = run_sets(entry["seed"], rates["τ chosen"], *pairs_and_classes)
        entry.update(found)
    results["command"] = f"{COMMAND}\n{COMMAND} --sets"
    write_json(RESULTS, results)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--sets", action="store_true", help="prediction sets, again")
    options = parser.parse_args()
    seeds = options.seeds
    *pairs, data = load_features()
    earlier = read_json(RESULTS) if RESULTS.exists() else {"seeds": []}
    if (
        earlier["seeds"]
        and {**CONFIGURATION, "digest": data.digest} != earlier["configuration"]
    ):
        sys.exit(f"{RESULTS} holds another configuration: move the file away.")
    if options.sets:
        run_sets_again(earlier, *pairs, data.num_classes)
        write_page()
        return
    done = {entry["seed"] for entry in earlier["seeds"]}
    environment = current_environment()
    for package in ("scipy", "scikit-learn"):
        environment["versions"][package] = importlib.metadata.version(package)
    for seed in track([seed for seed in seeds if seed not in done], "Seeds"):
        earlier["seeds"].append(run_seed(seed, *pairs, data.num_classes))
        results = {
            "command": COMMAND,
            "configuration": {**CONFIGURATION, "digest": data.digest},
            "environment": environment,
            "seeds": earlier["seeds"],
        }
        write_json(RESULTS, results)
    write_page()


if __name__ == "__main__":
    main()
