# %% [markdown]
# # iNaturalist 2018
#
# 437,513 photographs of 8,142 species, 1,000 of the most frequent and 2 of the rarest:
# a natural long tail. tensorflow-datasets has to prepare the data once; the error of
# `load` says how. Where it is not prepared, this notebook runs the same code on random
# images: everything works, but nothing can be learned.

# %%
import contextlib
import logging

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds

import keras_ccar
from keras_ccar import datasets

# Silence the log messages of the libraries.
for name in ("absl", "tensorflow"):
    logging.getLogger(name).setLevel("ERROR")
plt.style.use("tableau-colorblind10")
plt.rcParams.update({"figure.dpi": 72, "figure.figsize": (7, 3)})

stand_in = contextlib.ExitStack()
try:
    data = datasets.load("inaturalist2018")
    IMAGE_SIZE, BATCH_SIZE, STEPS, EPOCHS, IS_REAL = 224, 512, None, 90, True
except FileNotFoundError:
    stand_in.enter_context(tfds.testing.mock_data(num_examples=256))
    data = datasets.load("inaturalist2018")
    IMAGE_SIZE, BATCH_SIZE, STEPS, EPOCHS, IS_REAL = 64, 32, 8, 3, False
print("iNaturalist 2018" if IS_REAL else "random images in place of iNaturalist 2018")
print(data.describe())

# %% [markdown]
# ## Thousands of classes
#
# CCAR's weight depends on the class frequency and on the model's confidence. With 8,142
# classes an untrained model has low confidence everywhere, so at first all weights are
# near their maximum, and the learning rate is in effect multiplied by their mean. That
# is why the benchmark uses a warm-up, and has a control with just that factor.

# %%
from keras_ccar.weightings import ccar_weight

counts = np.array([1000, 100, 10, 2])
confidence = np.linspace(0, 1, 101).astype("float32")
for count in counts:
    frequency = np.float32(count / 437_513)
    weight = ccar_weight(
        confidence,
        frequency,
        num_classes=8142,
        num_examples=437_513,
    )
    plt.plot(confidence, keras.ops.convert_to_numpy(weight), label=f"{count} images")
plt.xlabel("confidence in the true class")
plt.ylabel("weight Ω")
plt.legend(fontsize=8)
plt.show()

# %% [markdown]
# ## A backbone of keras.applications
#
# The backbone is frozen at first and trained as a whole later, as when fine-tuning
# pretrained weights (`weights="imagenet"`, with an internet connection). The head's
# activation decides `from_logits`: here it has none.

# %%
keras.utils.set_random_seed(0)
backbone = keras.applications.MobileNetV3Small(
    input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
    include_top=False,
    weights=None,
    pooling="avg",
    include_preprocessing=False,
)
backbone.trainable = False
model = keras.Sequential([backbone, keras.layers.Dense(data.num_classes)])
batches = datasets.training_batches(
    data, batch_size=BATCH_SIZE, image_size=IMAGE_SIZE, buffer_size=256
).repeat()


def train(learning_rate, epochs):
    """Compiles again, because `trainable` has changed, and trains."""
    loss = keras_ccar.CCARLoss(data.class_counts, from_logits=True)
    model.compile(keras.optimizers.SGD(learning_rate, momentum=0.9), loss)
    callback = keras_ccar.CCARCallback()
    history = model.fit(
        batches,
        epochs=epochs,
        steps_per_epoch=STEPS or int(data.class_counts.sum()) // BATCH_SIZE,
        callbacks=[callback],
        shuffle=False,  # The stream is shuffled.
        verbose=0,
    )
    return history.history, callback


head_only, _ = train(0.1, epochs=1)
backbone.trainable = True
whole, callback = train(0.01, epochs=EPOCHS - 1)
print("head alone, loss:", np.round(head_only["loss"], 3).tolist())
print("whole network, loss:", np.round(whole["loss"], 3).tolist())

# %% [markdown]
# The statistics cover every class, and cost one small matrix of sums per step:

# %%
last = callback.history[-1]
seen = last["count"] > 0
print("species seen in the last epoch:", int(seen.sum()))
print("mean confidence in them:", f"{last['mean_confidence'][seen].mean():.5f}")
print("mean weight of them:", f"{last['mean_weight'][seen].mean():.3f}")
stand_in.close()

# %% [markdown]
# ## At full scale
#
# ```sh
# keras-ccar compare inaturalist2018 --recipe inaturalist-resnet50 --seeds 3 \
#     --methods ce bs la ccar ccar+la ce×c la×c
# ```
#
# trains ResNet-50 for 90 epochs in each run. [The results page](../docs/results.md)
# says what has been run and what was published.

# %% [markdown]
# ## What you saw
#
# The callback followed every class that came up, of thousands. Examples had a high
# weight, because confidence was low everywhere. Where random images stood in for
# iNaturalist, nothing was learned that is of use.
