"""When a learning rate drops, and to which share of its peak."""

import math
from collections.abc import Iterable
from typing import Any, Self

from keras_ccar.benchmark.spec.settings import format_number


class Decays(tuple[tuple[float, float], ...]):
    """Pairs `(epoch, factor)`, written as `160:0.01,180:0.0001` or `none`."""

    __slots__ = ()

    def __new__(cls, pairs: str | Iterable[Iterable[Any]] = ()) -> Self:
        """Parses text, or converts pairs of numbers to floats."""
        given: Any = pairs
        if isinstance(pairs, str):
            words = [] if pairs == "none" else pairs.split(",")
            given = [word.split(":") for word in words]
        try:
            parsed = [(float(epoch), float(factor)) for epoch, factor in given]
            is_finite = all(math.isfinite(number) for pair in parsed for number in pair)
        except (TypeError, ValueError):
            is_finite = False
        if not is_finite:
            raise ValueError(
                "`decays` must be pairs of an epoch and a factor, such as "
                f"160:0.01,180:0.0001, or none. Received: {pairs!r}."
            )
        epochs = [epoch for epoch, _ in parsed]
        if epochs != sorted(epochs):
            raise ValueError(
                f"`decays` must be in the order of their epochs. Received: {pairs!r}."
            )
        return super().__new__(cls, parsed)

    def __str__(self) -> str:
        words = (":".join(map(format_number, pair)) for pair in self)
        return ",".join(words) or "none"
