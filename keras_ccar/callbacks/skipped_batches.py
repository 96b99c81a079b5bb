"""Reads batches of a training that are trained already."""

from collections.abc import Callable
from typing import Any

import keras


def skip_next_step(model: keras.Model, skipped: Callable[[int], None]) -> None:
    """Makes the training function read batches without training, this once.

    Args:
        model: a model in `fit`.
        skipped: is told of how many batches.
    """
    train_function = model.train_function

    def read_without_training(*arguments: Any) -> Any:
        # At once: an interruption must not leave a model that does not train.
        model.train_function = train_function
        *state, batches = arguments
        if not isinstance(batches, list):  # torch has already read them
            next(batches)
            for _ in range(model.steps_per_execution - 1):
                next(batches, None)
        skipped(model.steps_per_execution)
        return ({}, *state) if state else {}

    model.train_function = read_without_training
