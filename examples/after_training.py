# %% [markdown]
# # From a trained model to a decision
#
# The network is trained. Which classes does it miss, can it be corrected, do its
# probabilities mean what they say, and how does it answer in use? Two cases: small
# photographs of 100 classes, long-tailed CIFAR-100, and a table with one rare *yes*.
# [After training](../docs/after-training.md) explains each step.

# %%
import logging
import subprocess
import sys
import tempfile
import textwrap
import warnings
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

import keras_ccar
from keras_ccar import datasets, posthoc

# Silence the log messages of the libraries.
for name in ("absl", "tensorflow"):
    logging.getLogger(name).setLevel("ERROR")
warnings.showwarning = lambda message, *_: print(message)
FOLDER = Path(tempfile.mkdtemp())

# %% [markdown]
# ## Photographs: hold something out first
#
# Everything below is chosen on validation images, a fifth of the training images of
# each class, which the network never sees. CIFAR-100 has a few images twice: a copy of
# a training image is no validation image. The test images are only measured.

# %%
data = datasets.load("cifar100-lt", imbalance_factor=100)
images, labels = data.train_arrays
test = data.test_arrays
images, first = np.unique(images, axis=0, return_index=True)
labels = labels[first]
train_x, val_x, train_y, val_y = train_test_split(
    images, labels, test_size=0.2, stratify=labels, random_state=0
)
counts = np.bincount(train_y, minlength=100)
print(
    f"{len(train_y):,} to train on, {len(val_y):,} held out, {len(test[1]):,} to test"
)
print(f"from {counts.max()} to {counts.min()} training images a class")

# %% [markdown]
# A small residual network and plain cross-entropy, for a few epochs:


# %%
def residual_network():
    """Returns a network on uint8 images that ends in logits."""
    layers = keras.layers
    inputs = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 64, offset=-2)(inputs)
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        shortcut = layers.Conv2D(filters, 1, strides, use_bias=False)(x)
        for step in (strides, 1):
            x = layers.Conv2D(filters, 3, step, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Add()([x, shortcut])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(100, name="logits")(x))


EPOCHS = 8
keras.utils.set_random_seed(0)
model = residual_network()
steps = EPOCHS * -(-len(train_x) // 64)
model.compile(
    keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, steps), 0.9),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
history = model.fit(train_x, train_y, batch_size=64, epochs=EPOCHS, verbose=0)
print(f"training loss {history.history['loss'][-1]:.3f}")

# %% [markdown]
# ## Which classes fail?
#
# `evaluate_classes` has a row for each class, and totals with 95 % intervals.

# %%
report = posthoc.evaluate_classes(model, test, counts, data.class_names)
report

# %% [markdown]
# The recall falls with the number of training images. The classes that are never found,
# and what is answered in their place:

# %%
shown = ["training_examples", "recall", "mean_confidence", "most_frequent_wrong_answer"]
worst_first = report.classes.sort_values(["recall", "training_examples"])
print(worst_first[shown].head(8).round(3).to_string())
page = report.to_html(FOLDER / "classes.html", title="CIFAR-100-LT, cross-entropy")
print(f"one page with pictures: {page.name}, {page.stat().st_size / 1024:.0f} KiB")

# %% [markdown]
# ## Calibrate
#
# The temperature is found on the validation images, which have the prior of the
# training images: so it comes before the correction.

# %%
calibrated = posthoc.calibrate(model, (val_x, val_y), counts)
print(calibrated.describe())
probabilities = posthoc.chain(model, calibrated)

# %% [markdown]
# ## Correct the prior
#
# Cross-entropy has learned how frequent the classes are. τ says how much of that to
# take out; it is chosen on the validation images too, on the probabilities that it will
# correct. `train=` makes sure that they share no image with the training images.

# %%
tuned = posthoc.tune_logit_correction(
    probabilities, (val_x, val_y), counts, train=(train_x, train_y)
)
corrected = posthoc.chain(probabilities, tuned)
tuned

# %% [markdown]
# ## A second stage
#
# cRT keeps the features, and trains the last layer anew on draws that have each class
# equally often. It takes seconds, because the features are computed once.

# %%
retrained = posthoc.retrain_classifier(model, (train_x, train_y), counts, method="crt")

rows = {"cross-entropy": report.totals["value"]}
for name, other in (("corrected", corrected), ("cRT", retrained)):
    rows[name] = posthoc.evaluate_classes(other, test, counts).totals["value"]
columns = ["balanced_accuracy", "many", "medium", "few", "calibration_error"]
print((100 * pd.DataFrame(rows).T[columns]).round(1).to_string())

# %% [markdown]
# ## Sets that hold the right answer
#
# Where one answer is too little, a set of classes holds the right one in nine of ten
# cases: of the rare classes too. It is larger where the network knows less.

# %%
sets = posthoc.prediction_sets(model, (val_x, val_y), counts, coverage=0.9)
of_classes = sets.evaluate(model, test)
groups = report.classes["shot_group"].to_numpy()
print(of_classes.groupby(groups)[["coverage", "mean_set_size"]].mean().round(3))

# %% [markdown]
# ## A table: one rare *yes*
#
# Which cells of yeast are of a rare kind? Of the table's rows one half is for training,
# a quarter for choosing, and a quarter for testing. The output bias begins at the
# log-odds of the training rows, and the network ends in a sigmoid.

# %%
table = datasets.load("keel:yeast4", fold=0, folds=4)
x, y = table.train_arrays
train_x, val_x, train_y, val_y = train_test_split(
    x, y, test_size=1 / 3, stratify=y, random_state=0
)
test_x, test_y = table.test_arrays
counts = np.bincount(train_y)
print("no and yes:", [np.bincount(part).tolist() for part in (train_y, val_y, test_y)])

keras.utils.set_random_seed(0)
normalization = keras.layers.Normalization()
normalization.adapt(train_x)
detector = keras.Sequential(
    [
        keras.Input(x.shape[1:]),
        normalization,
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(
            1,
            activation="sigmoid",
            bias_initializer=keras_ccar.initializers.PriorBias(counts),
        ),
    ]
)
detector.compile(keras.optimizers.Adam(0.005), "binary_crossentropy")
history = detector.fit(train_x, train_y, batch_size=128, epochs=30, verbose=0)

# %% [markdown]
# ## When to say yes
#
# Say that eight of ten *yes* must be found. `tune_thresholds` finds the threshold with
# the fewest false alarms that does so on the validation rows. With so few *yes* it will
# not hold to the point: `chosen` says what it gave there, the report what it gives on
# the test rows.

# %%
calibrated = posthoc.calibrate(detector, (val_x, val_y), counts)
probabilities = posthoc.chain(detector, calibrated)
names = ["common", "rare"]
found = posthoc.tune_thresholds(
    probabilities,
    (val_x, val_y),
    objective=posthoc.recall_at_least(0.8),
    class_names=names[1:],
)
print(found.chosen.round(3).to_string(index=False))
decide = posthoc.chain(probabilities, found)
after = posthoc.evaluate_classes(decide, (test_x, test_y), counts, names)
print(after.classes[["support", "recall", "precision"]].round(3).to_string())

# %% [markdown]
# ## Ship
#
# One Keras model goes through `serving.export`. What is served needs neither Keras nor
# this package: here another process calls it, as TensorFlow Serving would.

# %%
path = keras_ccar.serving.export(decide, FOLDER / "detector", class_names=names)
np.save(FOLDER / "rows.npy", test_x[:4])
client = textwrap.dedent(
    """
    import sys
    import numpy as np
    import tensorflow as tf

    served = tf.saved_model.load(sys.argv[1])
    rows = tf.constant(np.load(sys.argv[2]))
    answer = served.signatures["serving_default"](rows)
    for row in range(len(rows)):
        names = [name.decode() for name in answer["class_names"][row].numpy()]
        yes = answer["decisions"][row].numpy()
        p = answer["probabilities"][row].numpy()
        print(f"{names[yes.argmax()]}: p({names[1]}) = {p[1]:.4f}")
    print("keras_ccar imported:", "keras_ccar" in sys.modules)
    """
)
answer = subprocess.run(
    [sys.executable, "-c", client, path, FOLDER / "rows.npy"],
    capture_output=True,
    text=True,
    check=True,
)
print(answer.stdout)

# %% [markdown]
# ## What you saw
#
# Not every remedy helps the same classes: taking the prior out raised the rare classes
# and cost the frequent ones little, a second stage shifted more from one to the other.
# On the table the threshold that found most of the *yes* on the validation rows found
# fewer on the test rows: with a dozen *yes* nothing is certain. [The results of what
# follows training](../docs/after-training-results.md) are of several seeds.
