# %% [markdown]
# # Fine-tuning with KerasCV
#
# Long-tailed data often come with a pretrained network: it has seen many images of
# other things, and your task has few images of the classes that matter. This notebook
# shows the whole procedure in a minute: a KerasCV backbone learns five handwritten
# digits, "0" to "4", and is then fine-tuned on the other five, where "5" has many
# images and "9" has three.
#
# KerasCV gets no new releases; its last version, 0.9.0, runs on Keras 3. KerasHub has
# replaced it: [Fine-tuning with KerasHub](fine_tuning_keras_hub.ipynb).

# %%
import warnings

warnings.filterwarnings("ignore", "IProgress not found")  # KerasCV's progress bars

import keras
import keras_cv
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import keras_ccar
from keras_ccar.adjustments import LogitAdjustment

plt.style.use("tableau-colorblind10")
plt.rcParams.update({"figure.dpi": 72, "figure.figsize": (7, 3)})
keras.utils.set_random_seed(0)

digits = load_digits()
images = np.round(digits.images * (255 / 16)).astype("uint8")
images = images.repeat(4, axis=1).repeat(4, axis=2)  # 8x8 -> 32x32
images = np.stack([images] * 3, axis=-1)
is_source = digits.target < 5

data = keras_ccar.datasets.from_arrays(
    (images[~is_source], digits.target[~is_source] - 5),
    imbalance_factor=40,
    test_per_class=50,
    class_names=[str(digit) for digit in range(5, 10)],
    name="digits 5 to 9",
)
train_images, train_labels = data.train_arrays
test_images, test_labels = data.test_arrays
print(data.describe())

# %% [markdown]
# ## A pretrained backbone
#
# With an internet connection you would start from ImageNet:
#
# ```python
# backbone = keras_cv.models.ResNetV2Backbone.from_preset("resnet50_v2_imagenet")
# ```
#
# This notebook downloads nothing, so it builds a small `ResNetV2Backbone` and pretrains
# it on the 901 images of "0" to "4", which are about equally frequent. The classes of
# the fine-tuning task are not among them.


# %%
def small_backbone():
    return keras_cv.models.ResNetV2Backbone(
        stackwise_filters=[16, 32],
        stackwise_blocks=[2, 2],
        stackwise_strides=[1, 2],
        include_rescaling=True,  # images come as 0..255
        input_shape=(32, 32, 3),
    )


source_images, source_labels = images[is_source], digits.target[is_source]
pretrained = keras_cv.models.ImageClassifier(small_backbone(), num_classes=5)
pretrained.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = pretrained.fit(source_images, source_labels, epochs=10, verbose=0).history
print(f"training accuracy on {len(source_labels)} images:", end=" ")
print(f"{history['accuracy'][-1]:.1%}")
weights = pretrained.backbone.get_weights()

# %% [markdown]
# ## Probabilities or logits?
#
# `ImageClassifier` of KerasCV ends in a **softmax**. That matches the default of the
# losses here, `from_logits=False`, as in Keras. With `activation=None` it ends in
# logits, and then the loss needs `from_logits=True`. Both give the same loss:

# %%
gives_probabilities = keras_cv.models.ImageClassifier(
    pretrained.backbone, num_classes=5
)
gives_logits = keras_cv.models.ImageClassifier(
    pretrained.backbone, num_classes=5, activation=None
)
gives_logits.set_weights(gives_probabilities.get_weights())

counts = data.class_counts
on_probabilities = keras_ccar.CCARLoss(counts)(
    test_labels, gives_probabilities.predict(test_images, verbose=0)
)
on_logits = keras_ccar.CCARLoss(counts, from_logits=True)(
    test_labels, gives_logits.predict(test_images, verbose=0)
)
print(f"loss on probabilities {on_probabilities:.5f}, on logits {on_logits:.5f}")

# %% [markdown]
# Logits are the safer choice in half precision, where a small probability becomes
# zero: see [Pitfalls](../docs/pitfalls.md#half-precision). If loss and model do not
# match, `CCARCallback` warns before training starts.
#
# ## Two stages
#
# 1. **The head alone.** The backbone is frozen; otherwise the large gradients of the
#    new head would destroy what it has learned. Its batch normalisation uses the
#    statistics of pretraining.
# 2. **The whole network**, with a smaller learning rate. Batch normalisation stays
#    frozen, because 202 images are too few to estimate its statistics.
#
# After a change of `trainable` a model must be compiled again. Both stages use the same
# loss and the same callback.


# %%
def fine_tune(loss):
    """Fine-tunes the same backbone, from the same head, on the same batches."""
    keras.utils.set_random_seed(0)
    backbone = small_backbone()
    backbone.set_weights(weights)
    model = keras_cv.models.ImageClassifier(backbone, num_classes=5)
    metrics = [
        keras_ccar.BalancedAccuracy(num_classes=5),
        keras_ccar.PerClassRecall(num_classes=5),
    ]
    callback = keras_ccar.CCARCallback(class_names=data.class_names)

    def stage(learning_rate, epochs):
        model.compile(keras.optimizers.Adam(learning_rate), loss, metrics=metrics)
        history = model.fit(
            train_images,
            train_labels,
            epochs=epochs,
            callbacks=[callback],
            verbose=0,
        )
        return history.history["ccar_confidence_few"], model.evaluate(
            test_images, test_labels, verbose=0, return_dict=True
        )

    backbone.trainable = False
    first = stage(learning_rate=1e-2, epochs=20)
    backbone.trainable = True
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    second = stage(learning_rate=3e-4, epochs=20)
    return first, second


losses = {
    "cross-entropy": keras_ccar.CCARLoss(counts, strength=0.0),
    "CCAR": keras_ccar.CCARLoss(counts),
    "CCAR + logit adjustment": keras_ccar.CCARLoss(
        counts, adjustment=LogitAdjustment()
    ),
}
tuned = {name: fine_tune(loss) for name, loss in losses.items()}

# %%
table = f"{'balanced accuracy after':25}{'the head':>10}{'all of it':>10}"
for name, stages in tuned.items():
    values = [accuracies["balanced_accuracy"] for _, accuracies in stages]
    table += f"\n{name:25}" + "".join(f"{value:10.1%}" for value in values)
print(table)

# %% [markdown]
# Accuracy by class after both stages, on 50 test images of each class:

# %%
width = 0.27
for place, (name, (_, (_, accuracies))) in enumerate(tuned.items()):
    heights = 100 * accuracies["per_class_recall"]
    plt.bar(np.arange(5) + (place - 1) * width, heights, width, label=name)
ticks = [
    f"“{name}”\n{count} images"
    for name, count in zip(data.class_names, counts, strict=True)
]
plt.xticks(range(5), ticks)
plt.ylabel("test accuracy (%)")
plt.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncol=3)
plt.show()

# %% [markdown]
# The confidence in the true class during training, for "7", "8" and "9", each of which
# has fewer than 20 images. The second stage begins at the line. (With logit adjustment
# this is the confidence after the adjustment.)

# %%
for (name, stages), line in zip(tuned.items(), ["-", "--", ":"], strict=True):
    plt.plot(np.concatenate([curve for curve, _ in stages]), line, label=name)
plt.axvline(19.5, color="grey", linewidth=0.5)
plt.xlabel("epoch")
plt.ylabel("mean confidence, few-shot")
plt.legend()
plt.show()

# %% [markdown]
# ## Another backbone
#
# Every backbone of KerasCV works the same way. One trap has nothing to do with the
# loss: `MobileNetV3Backbone` averages its batch statistics with momentum 0.999, which
# suits training for many thousands of steps. After the 145 steps here it still predicts
# with nearly its initial statistics, however well it trains. Pretrained weights include
# the statistics; without them, lower the momentum.


# %%
def mobile_net(momentum):
    keras.utils.set_random_seed(0)
    backbone = keras_cv.models.MobileNetV3Backbone(
        stackwise_expansion=[1, 4.5],
        stackwise_filters=[16, 24],
        stackwise_kernel_size=[3, 3],
        stackwise_stride=[2, 1],
        stackwise_se_ratio=[0.25, None],
        stackwise_activation=["relu", "hard_swish"],
        include_rescaling=True,
        input_shape=(32, 32, 3),
    )
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
    model = keras_cv.models.ImageClassifier(backbone, num_classes=5)
    model.compile("adam", keras_ccar.CCARLoss([1] * 5), metrics=["accuracy"])
    history = model.fit(source_images, source_labels, epochs=5, verbose=0).history
    return history["accuracy"][-1], model.evaluate(
        source_images, source_labels, verbose=0, return_dict=True
    )["accuracy"]


accuracies = {momentum: mobile_net(momentum) for momentum in [0.999, 0.9]}
lines = ["accuracy on the same images, in the last epoch of training -> evaluated"]
for momentum, (training, evaluated) in accuracies.items():
    lines.append(f"momentum {momentum}: {training:.1%} -> {evaluated:.1%}")
print("\n".join(lines))

# %% [markdown]
# ## What you saw
#
# One seed and three images of "9" prove nothing. [The results](../docs/results.md)
# compare over several seeds with intervals. What does carry over is how the parts fit
# together: KerasCV's softmax and `from_logits=False`, two stages with a `compile`
# before each, one loss and one callback for both.
