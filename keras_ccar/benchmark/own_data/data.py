"""Labelled data of the user's own: arrays, or batches from any library."""

import hashlib
import inspect
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import argument_error
from keras_ccar.benchmark.own_data.checks.finite_inputs import (
    not_finite,
    require_finite,
)
from keras_ccar.benchmark.own_data.planning.array_digest import add_array
from keras_ccar.benchmark.own_data.training.seeded_arrays import SeededArrays
from keras_ccar.datasets.elements import as_numpy, is_array
from keras_ccar.datasets.in_memory import InMemory
from keras_ccar.inputs.checks import require_numbers
from keras_ccar.posthoc.data.batches import read_batches, require_zeros_and_ones
from keras_ccar.posthoc.data.overlap import input_hashes

_DATA = (
    "`(x, y)` in arrays, a tf.data.Dataset, a torch DataLoader or a PyDataset of "
    "batches `(x, y)`, or a function that returns one of these"
)

# So many examples show whether the inputs change, even if few of them do.
_READ_AGAIN = 256


class OwnData:
    """One split of the user's data.

    Args:
        name: the name of the argument, for messages.
        given: what the user passed.
        batch_size: of arrays; data in batches keep theirs.

    Attributes:
        labels: the labels of all examples, as they are.
        weights: their sample weights, as they are, or None.
        num_batches: the batches of an epoch.
        is_in_memory: whether the order of the batches follows from seed and epoch, so
            that a training can go on in its middle.
        hashes: of the inputs of each example, `(N,)` bytes; None where the inputs
            change from one reading to the next, such as by random augmentation.

    Raises:
        ValueError: for anything that holds no examples with labels, and for inputs that
            are NaN or infinite.
    """

    def __init__(self, name: str, given: Any, batch_size: int) -> None:
        self.name = name
        self._given = given
        self._batch_size = batch_size
        self.hashes: np.ndarray | None = None
        opened = self.open()
        self.is_in_memory = isinstance(opened, tuple)
        if self.is_in_memory:
            self._arrays = opened
            self.labels = opened[1]
            self.weights = opened[2] if len(opened) > 2 else None
            self.num_batches = -(-len(self.labels) // batch_size)
            self.first_inputs = InMemory(opened[:1]).take(np.arange(1))[0]
            self.hashes = input_hashes(opened[0])
            self._check_arrays(opened[0], opened[2:])
        else:
            self._arrays = None
            self._read(opened)

    def open(self, seed: int = 0) -> Any:
        """Returns the data as `model.predict` takes them.

        Args:
            seed: is passed to a function of the user that has such an argument.
        """
        if self.__dict__.get("_arrays") is not None:
            return self._arrays
        given = self._given
        if _is_function(given):
            given = given(seed) if _takes_seed(given) else given()
        if isinstance(given, list) and len(given) in (2, 3):
            given = tuple(given)
        if isinstance(given, tuple):
            return self._read_arrays(given)
        if isinstance(given, str | bytes) or is_array(given):
            raise argument_error(self.name, given, _DATA)
        if isinstance(given, Iterator):
            advice = "It can be read once only: pass a function that returns a new one."
            if given is not self._given:
                advice = (
                    "The function returned what can be read once only, and an epoch "
                    "reads all: let it return a tf.data.Dataset, such as "
                    "`tf.data.Dataset.from_generator` makes, or a PyDataset."
                )
            raise argument_error(self.name, given, _DATA, advice)
        return given

    def batches(self, seed: int) -> Any:
        """Returns the data as `fit` takes them, in an order that the seed decides."""
        opened = self.open(seed)
        if self.is_in_memory:
            return SeededArrays(opened, self._batch_size, seed)
        return opened

    def digest(self) -> str:
        """Returns a digest of the examples; of batches, whatever their order.

        Of inputs that change from one reading to the next it is one of the labels.
        """
        content = hashlib.sha256()
        parts = keras.tree.flatten(self._arrays) if self._arrays else self._sorted()
        for part in parts:
            add_array(content, part)
        return content.hexdigest()

    def _sorted(self) -> list[np.ndarray]:
        """Returns labels and hashes in an order that no shuffling changes."""
        labels = self.labels.astype("float64")
        columns = [*labels.reshape(len(labels), -1).T]
        kept = [labels] if self.hashes is None else [labels, self.hashes]
        order = np.lexsort([*columns, *kept[1:]])
        return [part[order] for part in kept]

    def _read_arrays(self, given: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(given) not in (2, 3):
            raise argument_error(self.name, given, _DATA)
        try:
            parts = tuple(_as_arrays(part) for part in given)
            length = len(InMemory(parts))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"`{self.name}` must be arrays of one length. {error}"
            ) from error
        labels = parts[1]
        if not length or not isinstance(labels, np.ndarray):
            raise argument_error(self.name, given, f"{_DATA}, with examples")
        require_numbers(self.name, labels)
        return parts

    def _check_arrays(self, x: Any, weights: tuple[Any, ...]) -> None:
        length = len(self.labels)
        for what, part in (("inputs", x), ("sample weights", weights)):
            require_finite(self.name, what, not_finite(part, length))
        self._check_weights(*weights)

    def _check_weights(self, weights: Any = None) -> None:
        # Otherwise the first measurement would refuse them, after a training.
        if self.name != "train" and weights is not None:
            require_zeros_and_ones(weights, self.name)

    def _read(self, opened: Any) -> None:
        """Reads data in batches once, and a part of them again."""
        labels: list[np.ndarray] = []
        hashes: list[np.ndarray] = []
        wrong: list[np.ndarray] = []
        weighed: list[np.ndarray] = []
        self.first_inputs = None
        try:
            for x, answers, weights, _ in read_batches(opened, self.name, None):
                if answers is None:
                    raise argument_error(self.name, opened, f"{_DATA}, with labels")
                if self.first_inputs is None:
                    self.first_inputs = keras.tree.map_structure(lambda a: a[:1], x)
                labels.append(as_numpy(answers))
                hashes.append(input_hashes(x))
                wrong.append(not_finite(x, len(hashes[-1])))
                weighed += [] if weights is None else [as_numpy(weights)]
                self._check_weights(weights)
        except TypeError as error:  # a number, or a single example
            raise argument_error(self.name, opened, _DATA) from error
        ranks = {part.ndim for part in labels}
        if len(ranks) > 1 or 0 in ranks:
            advice = "Put its examples into batches."
            raise argument_error(self.name, opened, _DATA, advice)
        if not labels:
            raise argument_error(self.name, opened, f"{_DATA}, with examples")
        self.labels = np.concatenate(labels)
        self.weights = np.concatenate(weighed) if weighed else None
        self.num_batches = len(labels)
        require_numbers(self.name, self.labels)
        require_finite(self.name, "inputs", np.concatenate(wrong))
        found = np.concatenate(hashes)
        self.hashes = None if self._changes(found) else found

    def _changes(self, hashes: np.ndarray) -> bool:
        """Whether inputs read again are others, rather than in another order."""
        known = set(hashes.tolist())
        examples = 0
        for x, *_ in read_batches(self.open(), self.name, None):
            again = input_hashes(x)
            if not known.issuperset(again.tolist()):
                return True
            examples += len(again)
            if examples >= _READ_AGAIN:
                break
        return False


def _as_arrays(part: Any) -> Any:
    """Returns arrays, tensors and tables as numpy, in the structure that they have."""
    if isinstance(part, dict):
        return {key: _as_arrays(value) for key, value in part.items()}
    if isinstance(part, list | tuple) and part and all(map(is_array, part)):
        # In batches, TensorFlow takes tuples only.
        return tuple(_as_arrays(value) for value in part)
    return as_numpy(part)


def _is_function(value: Any) -> bool:
    """Whether a value makes data, rather than being data that can be called."""
    return inspect.isroutine(value) or (
        callable(value)
        and not isinstance(value, type | keras.utils.PyDataset)
        and not hasattr(value, "__iter__")
        and not hasattr(value, "__getitem__")
    )


def _takes_seed(function: Any) -> bool:
    try:
        return "seed" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
