# %% [markdown]
# # ImageNet-LT
#
# 115,846 photographs of 1,000 classes: 1,280 of the most frequent, 5 of the rarest.
# ImageNet has to be downloaded by hand and prepared once by tensorflow-datasets; the
# error of `load` says how. Where it is not prepared, this notebook runs the same code
# on random images: everything works, but nothing can be learned.

# %%
import contextlib
import logging

import keras
import keras_hub
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds

import keras_ccar
from keras_ccar import datasets
from keras_ccar.adjustments import LogitAdjustment

# Silence the log messages of the libraries.
for name in ("absl", "tensorflow"):
    logging.getLogger(name).setLevel("ERROR")
plt.style.use("tableau-colorblind10")
plt.rcParams.update({"figure.dpi": 72, "figure.figsize": (7, 3)})

stand_in = contextlib.ExitStack()
try:
    data = datasets.load("imagenet-lt")
    IMAGE_SIZE, BATCH_SIZE, STEPS, EPOCHS, IS_REAL = 224, 512, None, 90, True
except FileNotFoundError:
    stand_in.enter_context(tfds.testing.mock_data(num_examples=256))
    data = datasets.load("imagenet-lt")
    IMAGE_SIZE, BATCH_SIZE, STEPS, EPOCHS, IS_REAL = 64, 32, 8, 2, False
print("ImageNet-LT" if IS_REAL else "random images in place of ImageNet-LT")
print(data.describe())

# %% [markdown]
# The class counts are all that a loss needs to know about the distribution. They can be
# an array, a list or a dict.

# %%
seen = np.sort(data.class_counts)[::-1]
plt.plot(seen)
plt.xlabel("class, most frequent first")
plt.ylabel("training images")
plt.show()

# %% [markdown]
# ## Batches
#
# Images are streamed, and decoded only after they are drawn. Use the data as they are
# with a loss that knows the class frequencies. A sampler is the other way to give rare
# classes more weight; both together would correct for their rarity twice.

# %%
batches = datasets.training_batches(
    data,
    batch_size=BATCH_SIZE,
    image_size=IMAGE_SIZE,
    color_jitter=0.4,
    buffer_size=256,
)
balanced_batches = datasets.training_batches(
    data,
    batch_size=BATCH_SIZE,
    image_size=IMAGE_SIZE,
    sampler=datasets.square_root_balanced,
    buffer_size=256,
)
images, labels = next(iter(batches))
print("images", images.shape, images.dtype, "labels", labels.shape)

# %% [markdown]
# ## A backbone of KerasHub
#
# ResNet-10 is the smaller of the two networks in the literature. Its classifier outputs
# logits, so the loss gets `from_logits=True`. With pretrained weights it would be one
# line: `keras_hub.models.ImageClassifier.from_preset("resnet_50_imagenet",
# num_classes=1000)`; on this benchmark networks are trained from scratch.


# %%
def resnet10():
    """Returns an untrained ResNet-10 with logits of all classes."""
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        image_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
    )
    return keras_hub.models.ImageClassifier(
        backbone=backbone, preprocessor=None, num_classes=data.num_classes
    )


def train(loss, batches):
    """Trains under the schedule of the benchmark; returns the callback's history."""
    keras.utils.set_random_seed(0)
    model = resnet10()
    steps = EPOCHS * (STEPS or int(data.class_counts.sum()) // BATCH_SIZE)
    optimizer = keras.optimizers.SGD(
        keras.optimizers.schedules.CosineDecay(0.2 * BATCH_SIZE / 512, steps),
        momentum=0.9,
    )
    model.compile(optimizer, loss, metrics=[keras_ccar.ShotAccuracy(data.class_counts)])
    callback = keras_ccar.CCARCallback()
    # Keras cannot know the length of a stream.
    history = model.fit(
        batches.repeat(),
        epochs=EPOCHS,
        steps_per_epoch=steps // EPOCHS,
        callbacks=[callback],
        shuffle=False,  # The stream is shuffled.
        verbose=0,
    )
    return history.history, callback


# 256 random labels leave most classes without an example.
adjustment = LogitAdjustment(smoothing=0 if IS_REAL else 1)
ccar = keras_ccar.CCARLoss(data.class_counts, adjustment=adjustment, from_logits=True)
history, callback = train(ccar, batches)
counted = sum(int(epoch["count"].sum()) for epoch in callback.history)
print("loss by epoch:", np.round(history["loss"], 3).tolist())
print("training images seen, as counted by the callback:", counted)

# %% [markdown]
# The same network with cross-entropy, which is CCAR at strength 0, on class-resampled
# batches:

# %%
cross_entropy = keras_ccar.CCARLoss(data.class_counts, strength=0.0, from_logits=True)
history, callback = train(cross_entropy, balanced_batches)
print("loss by epoch:", np.round(history["loss"], 3).tolist())
stand_in.close()

# %% [markdown]
# ## At full scale
#
# ```sh
# keras-ccar compare imagenet-lt --recipe imagenet-resnet50 --seeds 3 \
#     --methods ce bs la ccar ccar+la ce×c la×c
# ```
#
# trains ResNet-50 for 90 epochs in each run, resumes where it was stopped, and writes
# the report. `--smoke` runs all of it in minutes. [The results
# page](../docs/results.md) says what has been run and what was published.

# %% [markdown]
# ## What you saw
#
# Data that are streamed go through the same losses, samplers and callback as arrays,
# and the callback counted every image. Where random images stood in for ImageNet, the
# falling loss is that of images learned by heart.
