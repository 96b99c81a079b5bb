"""Arrays in batches whose order a seed decides."""

from typing import Any

import numpy as np

from keras_ccar.benchmark.training.batches import SeededEpochs
from keras_ccar.datasets.in_memory import InMemory


class SeededArrays(SeededEpochs):
    """Batches of arrays in an order that seed and epoch decide.

    Args:
        arrays: `(x, y)` or `(x, y, sample_weight)`.
        batch_size: examples in a batch; the last one may have fewer.
        seed: of the order.
    """

    def __init__(self, arrays: tuple[Any, ...], batch_size: int, seed: int) -> None:
        self._arrays = InMemory(arrays)
        self._batch_size = batch_size
        super().__init__(seed, -(-len(self._arrays) // batch_size))
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int) -> None:
        """Shuffles the examples for an epoch."""
        random = np.random.default_rng([self.seed, epoch])
        # One assignment, because a backend may fetch batches from another thread.
        self._order = random.permutation(len(self._arrays))

    def __getitem__(self, step: int) -> Any:
        """Returns the batch of a step."""
        part = slice(step * self._batch_size, (step + 1) * self._batch_size)
        return self._arrays.take(self._order[part])
