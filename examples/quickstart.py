# %% [markdown]
# # Quickstart: long-tailed digits
#
# A few classes hold most of the examples, and a plain classifier learns those and
# neglects the rest. This notebook shows it in miniature: real handwritten digits, many
# of "0" and hardly any "9". The test set is balanced, so every class counts equally.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_ccar
from keras_ccar.adjustments import LogitAdjustment

plt.style.use("tableau-colorblind10")
plt.rcParams.update({"figure.dpi": 72, "figure.figsize": (7, 3)})

data = keras_ccar.datasets.load("digits-lt")
train_images, train_labels = data.train_arrays
test_images, test_labels = data.test_arrays
print(data.describe())

# %%
plt.bar(data.class_names, data.class_counts)
plt.xlabel("digit")
plt.ylabel("training images")
plt.show()


# %% [markdown]
# ## A model, and one line to change
#
# Everything below is plain Keras. Only the loss changes from one training to the next.
# `CCARCallback` follows how confident the model is on many-, medium- and few-shot
# classes, and `ShotAccuracy` how often it is right.


# %%
def train(loss):
    """Trains the same network, from the same initial weights, on the same batches."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(data.num_classes),
        ]
    )
    model.compile("adam", loss, metrics=[keras_ccar.ShotAccuracy(data.class_counts)])
    callback = keras_ccar.CCARCallback(class_names=data.class_names)
    history = model.fit(
        train_images,
        train_labels,
        epochs=60,
        callbacks=[callback],
        verbose=0,
    )
    accuracies = model.evaluate(test_images, test_labels, verbose=0, return_dict=True)
    return accuracies, history.history


counts = data.class_counts
losses = {
    # Strength 0 is cross-entropy, which the callback can follow as well.
    "cross-entropy": keras_ccar.CCARLoss(counts, strength=0.0, from_logits=True),
    "CCAR": keras_ccar.CCARLoss(counts, from_logits=True),
    "CCAR + logit adjustment": keras_ccar.CCARLoss(
        counts, adjustment=LogitAdjustment(), from_logits=True
    ),
}
trained = {name: train(loss) for name, loss in losses.items()}

# %% [markdown]
# ## Look
#
# Accuracy on the balanced test set, by how many training images a class had (more than
# 100, 20 to 100, fewer than 20).

# %%
groups = ["many", "medium", "few", "balanced"]
print(f"{'':25}" + "".join(f"{group:>10}" for group in groups))
for name, (accuracies, _) in trained.items():
    print(f"{name:25}" + "".join(f"{accuracies[group]:10.1%}" for group in groups))

# %%
width = 0.27
for place, (name, (accuracies, _)) in enumerate(trained.items()):
    heights = [100 * accuracies[group] for group in groups]
    plt.bar(np.arange(4) + (place - 1) * width, heights, width, label=name)
plt.xticks(range(4), groups)
plt.ylabel("test accuracy (%)")
plt.legend(loc="lower left")
plt.show()

# %% [markdown]
# The confidence in the true class during training, and the weight that CCAR gave. Rare
# classes start with low confidence and high weights; as the model learns them, the
# weights of all groups converge.

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
history = trained["CCAR"][1]
for group, line in zip(["many", "medium", "few"], ["-", "--", ":"], strict=True):
    axes[0].plot(history[f"ccar_confidence_{group}"], line, label=f"{group}-shot")
    axes[1].plot(history[f"ccar_weight_{group}"], line, label=f"{group}-shot")
axes[0].set(xlabel="epoch", ylabel="mean confidence")
axes[1].set(xlabel="epoch", ylabel="mean weight")
axes[0].legend()
plt.show()

# %% [markdown]
# ## What you saw
#
# One seed on a data set this small proves nothing: the differences between seeds are as
# large as many of those above. [The results](../docs/results.md) compare over several
# seeds with intervals. There, CCAR alone did not beat cross-entropy on these digits,
# but logit adjustment helped. So try both, and measure on your own data: `keras-ccar
# compare` does it in one command.
