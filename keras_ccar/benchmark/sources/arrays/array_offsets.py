"""Takes large offsets off arrays before they become float32."""

from dataclasses import dataclass
from typing import Any, Self

import keras
import numpy as np

from keras_ccar.benchmark.sources import networks
from keras_ccar.benchmark.sources.wide_numbers import note_wide
from keras_ccar.inputs.class_names import join_first
from keras_ccar.inputs.lost_digits import lossy_places

_SHOWN = 20


@dataclass(frozen=True)
class Offsets:
    """What is taken off, in float64.

    Attributes:
        values: a number for each feature or channel, one for grey images, 0 where
            float32 holds the numbers as they are; None if it holds all of them.
    """

    values: list[float] | None

    @classmethod
    def of(cls, x: np.ndarray) -> Self:
        """Returns the means of training data that float32 does not hold."""
        # Of grey images the last axis is their width.
        found = lossy_places(x, has_channels=x.ndim != 3)
        return cls(None if found is None else found.tolist())

    def take_off(self, x: np.ndarray) -> np.ndarray:
        """Returns inputs as the network takes them."""
        if self.values is None:
            return x if x.dtype == "uint8" else x.astype("float32")
        return (x.astype("float64") - self.values).astype("float32")

    def note(self, notes: list[str]) -> None:
        """Notes what float32 does not hold."""
        if self.values is None:
            return
        columns = [str(column) for column in np.flatnonzero(self.values)]
        of_x = "`x`"
        if len(self.values) > len(columns):
            places = "place" if len(columns) == 1 else "places"
            of_x = f"`x` ({places} {join_first(columns, _SHOWN)} of its last axis)"
        note_wide([of_x], notes)

    def note_rounded(self, x: np.ndarray, where: str, notes: list[str]) -> None:
        """Notes other inputs that have lost the digits already."""
        if self.values is not None and x.dtype == "float32":
            notes.append(
                f"Warning: `x` of {where} is float32, which does not hold what tells "
                "the numbers of the training data apart. Save it in the type that they "
                "have, such as float64."
            )

    def in_front_of(self, network: keras.Model) -> keras.Model:
        """Returns a network that takes the numbers as they are."""
        if self.values is None:
            return network
        (taken,) = network.inputs
        inputs: Any = keras.Input(taken.shape[1:], dtype="float64", name=taken.name)
        near = keras.ops.cast(inputs - np.array(self.values), "float32")
        return networks.behind(network, inputs, near)
