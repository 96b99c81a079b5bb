"""What a user gives to an object, and what it stands for."""

import dataclasses
from typing import Any

import numpy as np

K = 4
COUNTS = [500, 100, 20, 5]
NUM_EXAMPLES = 625


@dataclasses.dataclass(frozen=True)
class Meaning:
    """A call in the one form that the oracle computes with.

    `labels` are distributions, or targets of a binary loss, and `predictions` have the
    class axis last. `included` is False for samples that have no part in a mean.
    """

    labels: Any
    predictions: Any
    weights: Any
    included: Any
    counts: Any = dataclasses.field(default_factory=lambda: np.array(COUNTS, float))
    num_examples: Any = NUM_EXAMPLES


@dataclasses.dataclass(frozen=True)
class Call:
    """The arguments of one call, of its constructor also, and what they mean."""

    labels: Any
    predictions: Any
    meaning: Meaning
    weights: Any = None
    mask: Any = None
    counts: Any = dataclasses.field(default_factory=lambda: list(COUNTS))
    arguments: dict = dataclasses.field(default_factory=dict)
    is_binary: bool = False

    def give(self, **changes):
        """The same call, given in another way."""
        return dataclasses.replace(self, **changes)

    def mean(self, **changes):
        """The same arguments, which stand for something else."""
        meaning = dataclasses.replace(self.meaning, **changes)
        return dataclasses.replace(self, meaning=meaning)

    def pass_(self, **arguments):
        """The same call of an object with more arguments."""
        return self.give(arguments={**self.arguments, **arguments})

    def weigh(self, weights):
        """The same call with weights of all samples, as given and as meant."""
        meant = broadcast_from_left(weights, self.meaning.weights.shape)
        return self.give(weights=weights).mean(weights=meant.astype("float64"))

    def attach_mask(self, mask):
        """The same call with a Keras mask of the predictions."""
        included = broadcast_from_left(mask, self.meaning.included.shape)
        return self.give(mask=mask).mean(included=included.astype(bool))

    @property
    def indices(self):
        """The integer labels, or the targets of a binary loss."""
        return self.meaning.labels if self.is_binary else self.meaning.labels.argmax(-1)

    def replace_first(self, value, dtype="float32"):
        """The same call with one label, or target, that is something else."""
        labels = np.array(self.indices, dtype)
        labels.flat[0] = value
        return self.give(labels=labels)

    def replace_row(self, row):
        """The same call with distributions, of which the first is another one."""
        labels = np.array(self.meaning.labels, "float32")
        labels[0] = row
        return self.give(labels=labels)

    def leave_first_out(self):
        """The first sample has no part in anything."""
        included = np.array(self.meaning.included)
        included.flat[0] = False
        return self.mean(included=included)

    def weigh_first_zero(self):
        """The first sample has a weight of 0, with which it is in the mean."""
        weights = np.ones(self.meaning.weights.shape, "float32")
        weights.flat[0] = 0
        return self.weigh(weights)


def broadcast_from_left(values, shape):
    """Weights or a mask for all samples; one more axis of size 1 is dropped."""
    values = np.asarray(values)
    if values.ndim == len(shape) + 1:
        values = values[..., 0]
    values = values.reshape(values.shape + (1,) * (len(shape) - values.ndim))
    return np.broadcast_to(values, shape)


def sane_call(shape=(6,), is_binary=False, counts=COUNTS, **arguments):
    """A call that nobody would find unusual."""
    rng = np.random.default_rng(len(shape) + 10 * is_binary)
    size = int(np.prod(shape))
    indices = (np.arange(size) % K).reshape(shape)
    labels = np.eye(K)[indices]
    if is_binary:
        labels = (rng.uniform(size=labels.shape) < 0.5).astype("float64")
    weighed = labels.shape if is_binary else shape
    predictions = rng.normal(scale=2, size=labels.shape).astype("float32")
    meaning = Meaning(
        labels=labels,
        predictions=predictions.astype("float64"),
        weights=np.ones(weighed),
        included=np.ones(weighed, bool),
        counts=np.array(counts, "float64"),
    )
    return Call(
        labels=labels.astype("float32") if is_binary else indices.astype("int32"),
        predictions=predictions,
        meaning=meaning,
        counts=list(counts),
        arguments=dict(arguments),
        is_binary=is_binary,
    )
