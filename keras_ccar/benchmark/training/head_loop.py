"""Trains classifier heads on features in one compiled loop, data on the device.

Several heads are trained side by side over the same batches: their kernels stand in one
matrix, so that a step is one product of matrices. What differs between heads is the
loss, the learning rate, the weight decay and the bias that they start with. Heads do
not affect each other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np

from keras_ccar.arguments import check_choice, check_number, check_whole_number
from keras_ccar.benchmark.spec.loss_builders import COSINE_SCALE
from keras_ccar.benchmark.training.head_programs import PROGRAMS, HeadLoop, HeadLoss


@dataclass(frozen=True)
class Head:
    """One head to train.

    Attributes:
        loss: the loss of a batch, of labels and logits; a mean over the samples.
        learning_rate: the first learning rate, which falls to 0 along a cosine.
        weight_decay: added to the gradient, times the weights, as in PyTorch.
        bias: the bias to begin with, `(K,)`; None for one that is drawn. Cosine heads
            have none.
        deferred_loss: the loss from `deferred_from` of the steps on; None for none.
        deferred_from: share of the steps after which `deferred_loss` is used.
    """

    loss: HeadLoss
    learning_rate: float
    weight_decay: float = 5e-4
    bias: np.ndarray | None = None
    deferred_loss: HeadLoss | None = None
    deferred_from: float = 0.8

    def __post_init__(self) -> None:
        check_number("learning_rate", self.learning_rate, above=0)
        check_number("weight_decay", self.weight_decay, 0)
        check_number("deferred_from", self.deferred_from, 0, 1)


class HeadWeights(NamedTuple):
    """A trained head: logits are `features @ kernel + bias`.

    Of cosine heads, `kernel` has columns of unit length times the scale, and features
    are scaled to length 1 first.
    """

    kernel: np.ndarray
    bias: np.ndarray
    is_cosine: bool = False

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Returns float32 logits `(N, K)` of features `(N, D)`."""
        x = unit_rows(features) if self.is_cosine else features
        return x @ self.kernel + self.bias


def unit_rows(features: np.ndarray) -> np.ndarray:
    """Returns features scaled to length 1, as cosine heads take them; 0 stays 0."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(lengths > 0, lengths, 1.0)


def shuffled_order(count: int, epochs: int, batch_size: int, seed: int) -> np.ndarray:
    """Returns the examples of each step: int32 `(steps, batch size)`.

    Each epoch is a permutation of the examples; those that do not fill a batch are left
    out of it.
    """
    batch_size = min(batch_size, count)
    generator = np.random.default_rng(seed)
    steps = count // batch_size
    epoch_orders = [
        generator.permutation(count)[: steps * batch_size] for _ in range(epochs)
    ]
    return np.concatenate(epoch_orders).reshape(-1, batch_size).astype("int32")


def train_heads(
    features: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    heads: Sequence[Head],
    order: np.ndarray,
    kind: str = "linear",
    momentum: float = 0.9,
    seed: int = 0,
) -> list[HeadWeights]:
    """Trains heads on features by SGD as PyTorch defines it, along a cosine.

    With a gradient g, `v = momentum v + g + weight_decay w` and `w = w - rate v`, where
    the rate of step t of T is `learning_rate (1 + cos(π t / T)) / 2`.

    Args:
        features: float32 `(N, D)`, standardised.
        labels: integer labels `(N,)`.
        num_classes: K.
        heads: what to train.
        order: the examples of each step, `(steps, batch size)`; see `shuffled_order`.
        kind: "linear", whose weights begin uniform in ±1/√D as PyTorch's; or "cosine",
            whose logits are 30 times cosines, and whose columns begin at length 1.
        momentum: of all heads.
        seed: of the first weights, which are the same for all heads.

    Returns:
        One `HeadWeights` a head.

    Raises:
        ValueError: for arguments other than these.
    """
    check_choice("kind", kind, ("linear", "cosine"))
    momentum = check_number("momentum", momentum, 0, below=1)
    num_classes = check_whole_number("num_classes", num_classes, 2)
    generator = np.random.default_rng(seed)
    width = features.shape[1]
    bound = 1 / math.sqrt(width)
    kernel = generator.uniform(-bound, bound, (width, num_classes))
    bias = generator.uniform(-bound, bound, num_classes)
    if kind == "cosine":
        features = unit_rows(features)
        kernel /= np.linalg.norm(kernel, axis=0)
        bias = np.zeros(num_classes)
    biases = [bias if head.bias is None else head.bias for head in heads]

    def of_columns(name: str) -> np.ndarray:
        values = [getattr(head, name) for head in heads]
        return np.repeat(np.array(values, "float32"), num_classes)

    loop = HeadLoop(
        tuple((h.loss, h.deferred_loss, h.deferred_from) for h in heads),
        num_classes,
        kind == "cosine",
        momentum,
        len(order),
    )
    progress = np.arange(len(order)) / len(order)
    kernels, all_biases = PROGRAMS[keras.backend.backend()](loop)(
        features.astype("float32"),
        labels.astype("int32"),
        order,
        (0.5 * (1 + np.cos(np.pi * progress))).astype("float32"),
        np.tile(kernel, len(heads)).astype("float32"),
        np.concatenate(biases).astype("float32"),
        of_columns("learning_rate"),
        of_columns("weight_decay"),
    )
    if kind == "cosine":
        kernels = COSINE_SCALE * kernels / np.linalg.norm(kernels, axis=0)
    columns = [slice(i * num_classes, (i + 1) * num_classes) for i in range(len(heads))]
    return [
        HeadWeights(kernels[:, own], all_biases[own], loop.is_cosine) for own in columns
    ]
