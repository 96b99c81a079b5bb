# %% [markdown]
# # Fine-tuning with KerasHub: images and text
#
# KerasHub has backbones for images, text and more, and a classifier on top of each. The
# losses here work with any of them. First a small ResNet is fine-tuned on long-tailed
# digits. Then a small DistilBERT sorts support tickets: most are about bills, and very
# few are about safety, which must not be missed.

# %%
import warnings

warnings.filterwarnings("ignore", "IProgress not found")  # of progress bars

import keras
import keras_hub
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import keras_ccar
from keras_ccar.adjustments import LogitAdjustment

plt.style.use("tableau-colorblind10")
plt.rcParams.update({"figure.dpi": 72, "figure.figsize": (7, 3)})


def losses_for(class_counts):
    return {
        # Strength 0 is cross-entropy.
        "cross-entropy": keras_ccar.CCARLoss(
            class_counts, strength=0.0, from_logits=True
        ),
        "CCAR": keras_ccar.CCARLoss(class_counts, from_logits=True),
        "CCAR + logit adjustment": keras_ccar.CCARLoss(
            class_counts, adjustment=LogitAdjustment(), from_logits=True
        ),
    }


def plot_recalls(recalls, class_names, class_counts):
    width = 0.27
    places = np.arange(len(class_names))
    for shift, (name, values) in zip([-width, 0, width], recalls.items(), strict=True):
        plt.bar(places + shift, 100 * values, width, label=name)
    ticks = zip(class_names, class_counts, strict=True)
    plt.xticks(places, [f"{name}\n{count}" for name, count in ticks])
    plt.ylabel("test recall (%)")
    plt.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncol=3)
    plt.show()


# %% [markdown]
# ## Images
#
# With an internet connection, a backbone comes with its weights:
#
# ```python
# backbone = keras_hub.models.Backbone.from_preset("resnet_50_imagenet")
# ```
#
# This notebook downloads nothing. It builds a small backbone with its constructor and
# pretrains it on "0" to "4", with about 180 images each. It is then fine-tuned on "5"
# to "9", which are long-tailed.

# %%
digits = load_digits()
images = np.round(digits.images * (255 / 16)).astype("float32")
images = images.repeat(4, axis=1).repeat(4, axis=2)  # 8x8 -> 32x32
images = np.stack([images] * 3, axis=-1) / 255
is_source = digits.target < 5

data = keras_ccar.datasets.from_arrays(
    (images[~is_source], digits.target[~is_source] - 5),
    imbalance_factor=40,
    test_per_class=50,
    class_names=[str(digit) for digit in range(5, 10)],
    name="digits 5 to 9",
)
print(data.describe())


# %% [markdown]
# Three things to know of KerasHub's classifiers (version 0.32):
#
# - **They end in logits**: `activation=None` is the default of `ImageClassifier` and of
#   the text classifiers. So the losses need `from_logits=True`. (The documentation of
#   `ImageClassifier` says softmax, but its layer has none.)
# - **`fit` does not shuffle arrays**, unlike other Keras models: batches come in the
#   order of the data, and data sorted by class give batches of a single class. Shuffle
#   with `tf.data`.
# - **They compile themselves** with cross-entropy, when they are built and when
#   `keras.models.load_model` loads them. A loaded classifier has its weights but not
#   the loss it was trained with. Compile it again before you continue training.


# %%
def small_resnet():
    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[16],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block_vd",
        image_shape=(32, 32, 3),
    )


def shuffled(x, y):
    dataset = tf.data.Dataset.from_tensor_slices((x, y))
    return dataset.shuffle(len(y)).batch(32)


keras.utils.set_random_seed(0)
pretrained = keras_hub.models.ImageClassifier(small_resnet(), num_classes=5)
pretrained.compile(
    "adam", keras_ccar.CCARLoss([1] * 5, from_logits=True), metrics=["accuracy"]
)
history = pretrained.fit(
    shuffled(images[is_source], digits.target[is_source]),
    epochs=8,
    shuffle=False,  # `tf.data` has shuffled
    verbose=0,
).history
weights = pretrained.backbone.get_weights()
print(f"last layer: {pretrained.layers[-1].activation.__name__}", end=", ")
print(f"training accuracy of the pretraining: {history['accuracy'][-1]:.1%}")

# %% [markdown]
# Fine-tuning in two stages: the head alone, on a frozen backbone; then everything but
# batch normalisation, with a small learning rate.


# %%
def fine_tune(loss):
    """Fine-tunes the same backbone, from the same head, on the same batches."""
    keras.utils.set_random_seed(0)
    backbone = small_resnet()
    backbone.set_weights(weights)
    model = keras_hub.models.ImageClassifier(backbone, num_classes=5)
    recall = keras_ccar.PerClassRecall(num_classes=5)

    def stage(learning_rate, epochs):
        model.compile(keras.optimizers.Adam(learning_rate), loss, metrics=[recall])
        batches = shuffled(*data.train_arrays)
        model.fit(batches, epochs=epochs, shuffle=False, verbose=0)
        test = model.evaluate(*data.test_arrays, verbose=0, return_dict=True)
        return test["per_class_recall"]

    backbone.trainable = False
    head_alone = stage(learning_rate=1e-2, epochs=20)
    backbone.trainable = True
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    return head_alone, stage(learning_rate=3e-4, epochs=20)


tuned = {name: fine_tune(loss) for name, loss in losses_for(data.class_counts).items()}

# %%
table = f"{'balanced accuracy after':25}{'the head':>10}{'all of it':>10}"
for name, recalls in tuned.items():
    table += f"\n{name:25}" + "".join(f"{recall.mean():10.1%}" for recall in recalls)
print(table)

# %%
both_stages = {name: recalls[1] for name, recalls in tuned.items()}
plot_recalls(both_stages, data.class_names, data.class_counts)

# %% [markdown]
# ## Text
#
# Support tickets of a shop, generated from templates: five kinds, of which "safety" is
# the urgent one. All kinds share openings, things and closings; a single phrase tells
# them apart, and the training set has few such phrases for the rare kinds.

# %%
OPENINGS = ["hello", "hi there", "dear team", "good morning", "to whom it may concern"]
THINGS = ["kettle", "lamp", "heater", "toaster", "charger", "blender", "radio"]
CLOSINGS = ["please help", "thank you", "waiting for your answer", "best regards"]
ASIDES = [
    "i bought the {} last week",
    "the {} was a gift",
    "i have had the {} for a month",
    "my neighbour has the same {}",
    "i paid the bill for the {}",
    "the {} came in a box",
]
PHRASES = {
    "billing": [
        "the bill for the {} is too high",
        "i was charged twice for the {}",
        "the discount on the {} is missing from my bill",
        "my card was charged before the {} was sent",
        "i need a bill for the {} with my address",
        "the price of the {} on the bill is wrong",
    ],
    "delivery": [
        "the {} has not come yet",
        "the box with the {} came to the wrong address",
        "when will the {} be sent",
        "the {} was sent to my neighbour",
        "the box came without the {}",
        "where is the {} i bought",
    ],
    "refund": [
        "i want my money back for the {}",
        "i sent the {} back and wait for the money",
        "can i return the {} i bought",
        "how do i send the {} back",
        "the money for the {} has not come back",
        "i do not want the {} any more",
    ],
    "broken": [
        "the {} does not start",
        "the {} stopped after a week",
        "the switch of the {} is broken",
        "the {} makes no sound any more",
        "the {} came with a crack",
        "the {} does not get warm",
    ],
    "safety": [
        "the {} gave me a shock",
        "smoke came out of the {}",
        "the {} gets so hot that it burns",
        "sparks came from the switch of the {}",
        "the {} smells of fire",
        "the cable of the {} melted",
    ],
}
KINDS = list(PHRASES)


def write_ticket(kind, rng):
    phrase, aside = rng.choice(PHRASES[kind]), rng.choice(ASIDES)
    sentences = [str(sentence) for sentence in rng.permutation([phrase, aside])]
    parts = [rng.choice(OPENINGS), *sentences, rng.choice(CLOSINGS)]
    return " . ".join(part.format(rng.choice(THINGS)) for part in parts)


def write_tickets(class_counts, seed):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(KINDS)), class_counts))
    return [write_ticket(KINDS[label], rng) for label in labels], labels


ticket_counts = [300, 100, 40, 12, 5]
train_texts, train_labels = write_tickets(ticket_counts, seed=0)
test_texts, test_labels = write_tickets([60] * 5, seed=1)
for_show = [f"{KINDS[train_labels[i]]:9} {train_texts[i]}" for i in range(6)]
print("\n".join(for_show))

# %% [markdown]
# A vocabulary of the words in the training tickets, a tokenizer, a preprocessor, and a
# small DistilBERT. Nothing here is pretrained, so there is one stage. With a pretrained
# model there would be two, as above, and the model would be one line:
#
# ```python
# model = keras_hub.models.TextClassifier.from_preset(
#     "distil_bert_base_en_uncased", num_classes=5
# )
# ```
#
# A classifier with a `preprocessor` takes text and tokenizes it again in every epoch.
# Here the text is tokenized once, the model is trained on tokens, and the preprocessor
# is added afterwards.

# %%
words = sorted({word for text in train_texts for word in text.split()})
vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
preprocessor = keras_hub.models.DistilBertTextClassifierPreprocessor(
    keras_hub.models.DistilBertTokenizer(vocabulary), sequence_length=32
)
train_tokens, test_tokens = preprocessor(train_texts), preprocessor(test_texts)


def train(loss):
    """Trains the same network, from the same initial weights, on the same batches."""
    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.DistilBertBackbone(
        vocabulary_size=len(vocabulary),
        num_layers=1,
        num_heads=2,
        hidden_dim=64,
        intermediate_dim=128,
        max_sequence_length=32,
    )
    model = keras_hub.models.DistilBertTextClassifier(
        backbone, num_classes=len(KINDS), preprocessor=None
    )
    recall = keras_ccar.PerClassRecall(num_classes=len(KINDS))
    model.compile(keras.optimizers.Adam(2e-3), loss, metrics=[recall])
    callback = keras_ccar.CCARCallback(class_names=KINDS)
    batches = shuffled(train_tokens, train_labels)
    model.fit(batches, epochs=40, shuffle=False, callbacks=[callback], verbose=0)
    batches = tf.data.Dataset.from_tensor_slices((test_tokens, test_labels)).batch(100)
    test = model.evaluate(batches, verbose=0, return_dict=True)
    model.preprocessor = preprocessor
    return model, test["per_class_recall"], callback.history


trained = {name: train(loss) for name, loss in losses_for(ticket_counts).items()}

# %% [markdown]
# Recall on 60 test tickets of each kind; below each kind, its number of training
# tickets. The five "safety" tickets contain three of the six "safety" phrases. The
# other three, in 29 of the 60 test tickets, never occur in training: the model can only
# learn that they belong to no other kind.

# %%
text_recalls = {name: recall for name, (_, recall, _) in trained.items()}
plot_recalls(text_recalls, KINDS, ticket_counts)

# %%
table = f"{'tickets found, of 60':25}" + "".join(f"{kind:>10}" for kind in KINDS)
for name, recall in text_recalls.items():
    table += f"\n{name:25}" + "".join(f"{round(60 * r):10}" for r in recall)
print(table)

# %% [markdown]
# The five "safety" tickets during training: the mean confidence in the true class, and
# the weight that each loss gave.

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
safety = KINDS.index("safety")
for (name, (_, _, history)), line in zip(
    trained.items(), ["-", "--", ":"], strict=True
):
    for axis, quantity in zip(axes, ["mean_confidence", "mean_weight"], strict=True):
        axis.plot([epoch[quantity][safety] for epoch in history], line, label=name)
axes[0].set(xlabel="epoch", ylabel="confidence, “safety”")
axes[1].set(xlabel="epoch", ylabel="weight, “safety”")
axes[0].legend()
plt.show()

# %% [markdown]
# With its preprocessor the model takes text. This ticket contains one of the phrases
# that occur in no training ticket:

# %%
model = trained["CCAR + logit adjustment"][0]
tickets = np.array(["hello . the lamp gave me a shock . please help"])
probabilities = keras.ops.softmax(model.predict(tickets, verbose=0))[0]
answers = [
    f"{kind} {float(p):.0%}" for kind, p in zip(KINDS, probabilities, strict=True)
]
print(tickets[0], "->", ", ".join(answers))

# %% [markdown]
# ## What you saw
#
# One seed, three images of "9", and five tickets from the same templates as the test
# tickets prove nothing about which loss is better. The learning rate and the number of
# epochs for the tickets, the same for all losses, were chosen by recall on these same
# test tickets. [The results](../docs/results.md) compare over several seeds with
# intervals. What carries over is how the parts fit together: logits and
# `from_logits=True`, data that you shuffle yourself, and the same losses, metrics and
# callback for images and for text.
