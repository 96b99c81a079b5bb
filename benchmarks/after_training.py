"""What helps after training, on CIFAR-100-LT with features of a pretrained network.

A linear classifier is trained on the features, by cross-entropy and by Balanced
Softmax. What is done afterwards to the cross-entropy model, `keras_ccar.posthoc`, is
measured beside it. A fifth of the training images of each class is held out before
training: learning rates, τ, temperatures and quantiles are chosen on them. The test
images are used for the numbers alone.

Each seed is written as it ends into `benchmarks/results/after-training/`; started
again, the script goes on where it stopped.
"""

import argparse
import importlib.metadata
import sys
import time
from functools import partial

import keras
import numpy as np
from after_training_page import COMMAND, RESULTS, write_page
from image_features import IMBALANCE_FACTOR, SIZE, load_features
from rich.progress import track
from sklearn.metrics import recall_score
from sklearn.model_selection import train_test_split

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
    "held_out": 0.2,
    "learning_rates": [0.003, 0.01, 0.03, 0.1],
    "optimizer": "SGD, momentum 0.9, cosine",
    "weight_decay": 5e-4,
    "batch_size": 256,
    "epochs": 30,
    "second_stage_epochs": 10,
    "norm_taus": [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0],
    "coverage": 0.9,
}


def split(features, labels, seed):
    """Returns the examples to fit, and those held out to choose on."""
    fit_x, held_x, fit_y, held_y = train_test_split(
        features,
        labels,
        test_size=CONFIGURATION["held_out"],
        stratify=labels,
        random_state=seed,
    )
    # CIFAR-100 has a few images twice.
    seen = {row.tobytes() for row in fit_x}
    is_new = np.array([row.tobytes() not in seen for row in held_x])
    return (fit_x, fit_y), (held_x[is_new], held_y[is_new])


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


def balanced_accuracy(model, data):
    x, y = data
    answers = model.predict(x, batch_size=1000, verbose=0).argmax(axis=1)
    return 100 * recall_score(y, answers, average="macro", zero_division=0)


def measures(model, test, groups):
    x, y = test
    answers = model.predict(x, batch_size=1000, verbose=0).argmax(axis=1)
    recalls = 100 * recall_score(y, answers, average=None)
    return {
        "balanced": recalls.mean(),
        **{name: recalls[members].mean() for name, members in groups.items()},
    }


def candidates(model, fit, held_out, counts, seed):
    """Returns by method the models that are made of a cross-entropy model."""
    epochs = CONFIGURATION["second_stage_epochs"]
    retrain = partial(
        posthoc.retrain_classifier, model, fit, counts, epochs=epochs, seed=seed
    )
    tuned = posthoc.tune_logit_correction(model, held_out, counts, train=fit)
    found = {
        "cross-entropy": [(model, {})],
        "τ = 1": [
            (posthoc.chain(model, keras_ccar.LogitCorrection(counts)), {"tau": 1.0})
        ],
        "τ chosen": [(posthoc.chain(model, tuned), {"tau": tuned.tau})],
        "cRT": [(retrain("crt"), {})],
        "LWS": [(retrain("lws"), {})],
        "τ-norm": [
            (retrain("tau-norm", tau=tau), {"tau": tau})
            for tau in CONFIGURATION["norm_taus"]
        ],
    }
    return found


def run_seed(seed, train_data, test, num_classes):
    """Returns the rows of one seed: methods, calibration, prediction sets."""
    start = time.perf_counter()
    fit, held_out = split(*train_data, seed)
    counts = np.bincount(fit[1], minlength=num_classes)
    groups = shot_groups(np.bincount(train_data[1], minlength=num_classes))
    best = {}
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    balanced = keras_ccar.BalancedSoftmaxLoss(counts, from_logits=True)
    for rate in CONFIGURATION["learning_rates"]:
        model = train(*fit, plain, rate, seed)
        found = candidates(model, fit, held_out, counts, seed)
        found["Balanced Softmax"] = [(train(*fit, balanced, rate, seed), {})]
        for method, models in found.items():
            for candidate, chosen in models:
                score = balanced_accuracy(candidate, held_out)
                if method not in best or score > best[method][0]:
                    best[method] = (score, candidate, model, {"rate": rate, **chosen})
    rows = [
        {
            "seed": seed,
            "method": method,
            "chosen": chosen,
            "validation": round(float(score), 3),
            **{k: round(float(v), 3) for k, v in measures(model, test, groups).items()},
        }
        for method, (score, model, _, chosen) in best.items()
    ]
    _, _, model, chosen = best["τ chosen"]
    return {
        "seed": seed,
        "rows": rows,
        "regret": regret(model, test, counts, chosen["tau"]),
        "calibration": calibration(model, held_out, test, counts, chosen["tau"]),
        "coverage": coverage(model, held_out, test, counts, groups),
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


def calibration(model, held_out, test, counts, tau):
    """Calibration error on the test images, which are balanced, before and after."""
    correction = keras_ccar.LogitCorrection(counts, tau=1.0)
    found = posthoc.calibrate(model, held_out, counts)
    errors = {}
    for name, layers in {
        "before": [correction],
        "after": [found, correction],
    }.items():
        report = posthoc.evaluate_classes(
            posthoc.chain(model, *layers), test, counts, resamples=2
        )
        errors[name] = round(
            100 * float(report.totals.loc["calibration_error", "value"]), 3
        )
    return {"temperature": found.temperature, **errors}


def coverage(model, held_out, test, counts, groups):
    """Coverage of prediction sets by group, and how many classes they hold."""
    rows = []
    for method in ("marginal", "pooled", "class", "clustered"):
        sets = posthoc.prediction_sets(
            model, held_out, counts, CONFIGURATION["coverage"], method
        )
        of_classes = sets.evaluate(model, test)
        row = {"method": method}
        for name, members in {**groups, "all": np.ones(len(counts), bool)}.items():
            row[name] = round(100 * float(of_classes["coverage"][members].mean()), 2)
            row[f"{name}_size"] = round(
                float(of_classes["mean_set_size"][members].mean()), 2
            )
        rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    seeds = parser.parse_args().seeds
    *pairs, data = load_features()
    earlier = read_json(RESULTS) if RESULTS.exists() else {"seeds": []}
    if (
        earlier["seeds"]
        and {**CONFIGURATION, "digest": data.digest} != earlier["configuration"]
    ):
        sys.exit(f"{RESULTS} holds another configuration: move the file away.")
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
