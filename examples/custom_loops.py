# %% [markdown]
# # Custom training loops on three backends
#
# `model.fit` is not the only way to train. The losses are functions of labels and
# predictions, so they go into any loop that can differentiate them: TensorFlow's
# `GradientTape`, `jax.value_and_grad`, or torch's `backward`. Here the same model, from
# the same initial weights, takes the same 30 steps in each.
#
# A process has only one Keras backend. So each loop runs in its own process, with
# `KERAS_BACKEND` in its environment.

# %%
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

plt.style.use("tableau-colorblind10")
plt.rcParams.update({"figure.dpi": 72, "figure.figsize": (7, 3)})

# %% [markdown]
# ## What the three have in common
#
# The model, the loss and the batches are plain Keras, the same code on every backend.

# %%
common = """
import json, sys

import keras
import numpy as np

import keras_ccar

data = keras_ccar.datasets.load("digits-lt")
images, labels = data.train_arrays


def batches(steps, size=64):
    random = np.random.default_rng(0)
    for _ in range(steps):
        chosen = random.choice(len(labels), size, replace=False)
        yield images[chosen].astype("float32"), labels[chosen]


def finish(model, values):
    test_images, test_labels = data.test_arrays
    right = model.predict(test_images, verbose=0).argmax(axis=1) == test_labels
    answer = {
        "backend": keras.backend.backend(),
        "losses": values,
        "test accuracy": float(right.mean()),
    }
    print(json.dumps(answer))


model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(data.num_classes),
    ]
)
with np.load(sys.argv[1]) as weights:
    model.set_weights([weights[name] for name in weights.files])
loss = keras_ccar.CCARLoss(data.class_counts, from_logits=True)
optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
optimizer.build(model.trainable_variables)
values = []
"""

# %% [markdown]
# ## TensorFlow
#
# `tf.function` compiles the step.

# %%
tensorflow_loop = """
import tensorflow as tf


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        value = loss(y, model(x, training=True))
    gradients = tape.gradient(value, model.trainable_variables)
    optimizer.apply(gradients, model.trainable_variables)
    return value


for x, y in batches(30):
    values.append(float(step(tf.constant(x), tf.constant(y))))
finish(model, values)
"""

# %% [markdown]
# ## JAX
#
# A step is a pure function: the values of the variables go in, and new ones come out.
# The loss has no variables, so it needs none of this.

# %%
jax_loop = """
import jax


def loss_of(trainable, non_trainable, x, y):
    logits, non_trainable = model.stateless_call(
        trainable, non_trainable, x, training=True
    )
    return loss(y, logits), non_trainable


@jax.jit
def step(state, x, y):
    trainable, non_trainable, optimizer_state = state
    (value, non_trainable), gradients = jax.value_and_grad(loss_of, has_aux=True)(
        trainable, non_trainable, x, y
    )
    trainable, optimizer_state = optimizer.stateless_apply(
        optimizer_state, gradients, trainable
    )
    return value, (trainable, non_trainable, optimizer_state)


variables = (
    model.trainable_variables,
    model.non_trainable_variables,
    optimizer.variables,
)
state = tuple([variable.value for variable in group] for group in variables)
for x, y in batches(30):
    value, state = step(state, x, y)
    values.append(float(value))
for group, new in zip(variables, state, strict=True):
    for variable, value in zip(group, new, strict=True):
        variable.assign(value)
finish(model, values)
"""

# %% [markdown]
# ## torch
#
# `backward` stores the gradients on the parameters, which are the values of the Keras
# variables. The loss is eager here, so it also checks its input: logits passed as
# probabilities would raise an error.

# %%
torch_loop = """
import torch

for x, y in batches(30):
    value = loss(torch.from_numpy(y), model(torch.from_numpy(x), training=True))
    model.zero_grad()
    value.backward()
    gradients = [variable.value.grad for variable in model.trainable_variables]
    with torch.no_grad():
        optimizer.apply(gradients, model.trainable_variables)
    values.append(value.item())
finish(model, values)
"""

# %% [markdown]
# ## Run them
#
# The initial weights are drawn once, here, and passed to all three as arrays.

# %%
folder = tempfile.TemporaryDirectory()
weights = Path(folder.name) / "weights.npz"
random = np.random.default_rng(0)
np.savez(
    weights,
    random.normal(0, 0.1, (3, 3, 1, 16)),
    np.zeros(16),
    random.normal(0, 0.03, (8 * 8 * 16, 10)),
    np.zeros(10),
)


def run(backend, loop):
    """Runs one loop in a process with its own backend."""
    process = subprocess.run(
        [sys.executable, "-c", common + loop, weights],
        env={**os.environ, "KERAS_BACKEND": backend},
        check=True,
        capture_output=True,
        text=True,
    )
    answer = json.loads(process.stdout)
    assert answer["backend"] == backend
    return answer


loops = {"tensorflow": tensorflow_loop, "jax": jax_loop, "torch": torch_loop}
answers = {backend: run(backend, loop) for backend, loop in loops.items()}
folder.cleanup()

# %%
print(f"{'backend':12}{'first loss':>12}{'30th loss':>12}{'test accuracy':>15}")
for backend, answer in answers.items():
    values = answer["losses"]
    print(
        f"{backend:12}{values[0]:12.6f}{values[-1]:12.6f}"
        f"{answer['test accuracy']:15.1%}"
    )

curves = np.array([answer["losses"] for answer in answers.values()])
apart = np.ptp(curves, axis=0)
assert apart[0] < 1e-5
print(f"\nlosses of the first batch are at most {apart[0]:.1e} apart, of any of the")
print(f"30 batches {apart.max():.1e}")

# %%
for (backend, answer), line in zip(answers.items(), ["-", "--", ":"], strict=True):
    plt.plot(range(1, 31), answer["losses"], line, linewidth=2, label=backend)
plt.xlabel("step")
plt.ylabel("CCAR loss of the batch")
plt.legend()
plt.show()

# %% [markdown]
# ## What you saw
#
# One loss, three loops, the same curve. One seed and 30 steps say nothing about
# accuracy; it is shown because the three loops should agree on it too.
#
# At full scale:
#
# - The loss returns the mean over its batch. With several devices, average losses and
#   gradients over them as for any Keras loss.
# - `CCARCallback` collects statistics in `fit` only, also with a `train_step` of your
#   own. In a custom loop the class frequencies stay those of `class_counts`.
# - The masks of Keras layers, `ignore_class` and `sample_weight` work as in `fit`:
#   `loss(labels, logits, sample_weight=...)`.
