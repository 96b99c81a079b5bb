# %% [markdown]
# # From training to serving
#
# A model that was trained on long-tailed data is exported to TensorFlow Serving as a
# folder that needs neither Keras nor keras_ccar. It has named inputs, probabilities,
# class names, warm-up requests and, if you want, a correction of the logits built in.

# %%
import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_ccar

# Silence the log messages of the libraries.
for name in ("absl", "tensorflow"):
    logging.getLogger(name).setLevel("ERROR")
plt.style.use("tableau-colorblind10")
plt.rcParams.update({"figure.dpi": 72, "figure.figsize": (7, 3)})

data = keras_ccar.datasets.load("digits-lt")
train_images, train_labels = data.train_arrays
test_images, test_labels = data.test_arrays

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((8, 8, 1), name="image"),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(data.num_classes),
    ]
)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
_ = model.fit(train_images, train_labels, epochs=40, verbose=0)

# %% [markdown]
# ## The prior in use
#
# The training data have 41 times as many zeros as nines; where the model is used, all
# digits may be equally frequent. `LogitCorrection` takes the prior of the training data
# out of the logits of a model trained with plain cross-entropy, and can put another
# prior in. Do not apply it to a model that was trained with an adjusted loss, which has
# already taken the prior out; `export` warns if you do.

# %%
as_trained = keras.Sequential([model, keras.layers.Softmax()])
correction = keras_ccar.LogitCorrection(data.class_counts)
corrected = keras.Sequential([model, correction, keras.layers.Softmax()])

for name, classifier in (("as trained", as_trained), ("corrected", corrected)):
    probabilities = classifier.predict(test_images, verbose=0)
    recall = [
        100 * np.mean(probabilities[test_labels == label].argmax(axis=1) == label)
        for label in range(data.num_classes)
    ]
    plt.plot(recall, marker="o", label=f"{name}: mean {np.mean(recall):.1f} %")
plt.xticks(range(data.num_classes), data.class_names)
plt.xlabel("digit, most frequent first")
plt.ylabel("recall (%)")
plt.legend()
plt.show()

# %% [markdown]
# ## Export
#
# One call exports the model. The folder of the version appears only once it is
# complete, so a server that watches the parent folder never sees half a model.

# %%
folder = tempfile.TemporaryDirectory()
version = keras_ccar.serving.export(
    model,
    Path(folder.name) / "digits",
    class_names=[f"digit {name}" for name in data.class_names],
    correction=correction,
    version=1,
)
for path in sorted(version.rglob("*")):
    if path.is_file():
        print(f"digits/1/{path.relative_to(version)}: {path.stat().st_size} bytes")

# %% [markdown]
# ## A process with TensorFlow alone
#
# This process does what a server does: it loads the folder and calls the signature.
# Keras and keras_ccar cannot be imported in it, and it takes batches of any size.

# %%
client = """
import json, sys

sys.modules["keras"] = sys.modules["keras_ccar"] = None  # importing them now raises
import numpy as np
import tensorflow as tf

signature = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
images = np.load(sys.argv[2])
answers = [signature(image=tf.constant(images[:size])) for size in (1, 7)]
print(
    json.dumps(
        {
            "classes": [name.decode() for name in answers[1]["class_names"].numpy()[0]],
            "probabilities": answers[1]["probabilities"].numpy().tolist(),
            "of one": answers[0]["probabilities"].numpy().tolist(),
        }
    )
)
"""
images = test_images[:7].astype("float32")
np.save(Path(folder.name) / "images.npy", images)
answer = subprocess.run(
    [sys.executable, "-c", client, version, Path(folder.name) / "images.npy"],
    check=True,
    capture_output=True,
    text=True,
)
answer = json.loads(answer.stdout)
expected = keras.ops.convert_to_numpy(corrected(images))
differences = np.abs(np.array(answer["probabilities"]) - expected)
assert differences.max() < 1e-5
assert np.abs(np.array(answer["of one"]) - expected[:1]).max() < 1e-5
print("the first image is", answer["classes"][int(np.argmax(answer["of one"]))])
print("equal to the Keras model's probabilities to 1e-5")

# %% [markdown]
# ## A server
#
# The folder `examples/serving` has a compose file for TensorFlow Serving and clients
# for REST and gRPC. [Serving](../docs/serving.md) explains them, and how to export for
# phones and for ONNX Runtime.

# %%
folder.cleanup()

# %% [markdown]
# ## What you saw
#
# The correction is part of what is served, and a process without Keras and keras_ccar
# gave the same probabilities as the Keras model, for one image and for many.
