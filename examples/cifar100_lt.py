# %% [markdown]
# # CIFAR-100-LT
#
# The long-tailed benchmark that papers report first: 100 classes of small photographs,
# 500 training images of the most frequent and 5 of the rarest, and a balanced test set.
# tensorflow-datasets reads the data, or downloads it once; `TFDS_DATA_DIR` says where
# it is. Which images are chosen depends only on the images and a seed, and the digest
# identifies the subset.

# %%
import logging
import time

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_ccar
from keras_ccar.adjustments import LogitAdjustment

# Silence the log messages of the libraries.
for name in ("absl", "tensorflow"):
    logging.getLogger(name).setLevel("ERROR")
plt.style.use("tableau-colorblind10")
plt.rcParams.update({"figure.dpi": 72, "figure.figsize": (7, 3)})

data = keras_ccar.datasets.load("cifar100-lt", imbalance_factor=100)
train_images, train_labels = data.train_arrays
test_images, test_labels = data.test_arrays
print(data.describe())

# %% [markdown]
# The head, the middle and the tail of the distribution, with one image from each of a
# few classes:

# %%
shown = [0, 10, 30, 50, 70, 90, 99]
figure, axes = plt.subplots(1, len(shown), figsize=(9, 1.8), layout="constrained")
for axis, label in zip(axes, shown, strict=True):
    axis.imshow(train_images[train_labels == label][0])
    axis.set_title(f"{data.class_names[label]}\n{data.class_counts[label]}", fontsize=9)
    axis.axis("off")
plt.show()

# %% [markdown]
# ## A small residual network
#
# Six convolutions and a few epochs are enough to see what the losses do, but far from
# what they can reach.


# %%
def residual_network(seed):
    """Returns a network on uint8 images that ends in logits."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    images = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 64, offset=-2)(images)
    x = layers.RandomFlip("horizontal")(x)
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        shortcut = layers.Conv2D(filters, 1, strides, use_bias=False)(x)
        for step in (strides, 1):
            x = layers.Conv2D(filters, 3, step, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Add()([x, shortcut])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(data.num_classes)(x))


EPOCHS = 2


def train(loss):
    """Trains from one seed; returns accuracy by group and by class, and seconds."""
    model = residual_network(seed=0)
    steps = EPOCHS * -(-len(train_labels) // 128)
    optimizer = keras.optimizers.SGD(
        keras.optimizers.schedules.CosineDecay(0.1, steps), momentum=0.9
    )
    metrics = [
        keras_ccar.ShotAccuracy(data.class_counts),
        keras_ccar.PerClassRecall(data.num_classes),
    ]
    model.compile(optimizer, loss, metrics=metrics)
    callback = keras_ccar.CCARCallback(class_names=data.class_names)
    start = time.perf_counter()
    history = model.fit(
        train_images,
        train_labels,
        batch_size=128,
        epochs=EPOCHS,
        callbacks=[callback],
        verbose=0,
    )
    seconds = time.perf_counter() - start
    measured = model.evaluate(
        test_images, test_labels, batch_size=500, verbose=0, return_dict=True
    )
    return measured, history.history, seconds


counts = data.class_counts
losses = {
    "cross-entropy": keras_ccar.CCARLoss(counts, strength=0.0, from_logits=True),
    "Balanced Softmax": keras_ccar.BalancedSoftmaxLoss(counts, from_logits=True),
    "CCAR": keras_ccar.CCARLoss(counts, from_logits=True),
    "CCAR + logit adjustment": keras_ccar.CCARLoss(
        counts, adjustment=LogitAdjustment(), from_logits=True
    ),
}
trained = {name: train(loss) for name, loss in losses.items()}

# %%
groups = ["many", "medium", "few", "balanced"]
print(f"{'':25}" + "".join(f"{group:>10}" for group in groups))
for name, (measured, _, _) in trained.items():
    print(f"{name:25}" + "".join(f"{measured[group]:10.1%}" for group in groups))

# %%
width = 0.2
for place, (name, (measured, _, _)) in enumerate(trained.items()):
    heights = [100 * measured[group] for group in groups]
    plt.bar(np.arange(4) + (place - 1.5) * width, heights, width, label=name)
plt.xticks(range(4), groups)
plt.ylabel("test accuracy (%)")
plt.legend()
plt.show()

# %% [markdown]
# After two epochs with one seed no class has been learned well, so this table ranks
# nothing. It only shows that the benchmark's code is the code you would write yourself.
#
# ## At full scale
#
# A meaningful comparison trains a ResNet-32 for 200 epochs, every method under the same
# recipe and with several seeds. It is one command, which resumes where it was stopped:
#
# ```sh
# keras-ccar compare cifar100-lt --imbalance-factor 100 --recipe plain --seeds 3 \
#     --methods ce bs la ccar ccar+la ce×c la×c
# ```
#
# `--recipe cpu` is a smaller recipe for CPUs. The results of both, as far as they have
# been run, are on [the results page](../docs/results.md).

# %% [markdown]
# ## What you saw
#
# Cross-entropy learned only the frequent classes. The losses that know the prior gave
# up some of their accuracy for classes that cross-entropy never found. After two epochs
# no more can be said.
