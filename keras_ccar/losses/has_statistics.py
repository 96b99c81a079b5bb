"""The statistics of a loss: those of the model that it works for."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np


class HasStatistics:
    """Gives a loss the statistics of a model, and the prior that it has in this model.

    One loss object may be compiled into several models. Each has `ClassStatistics` of
    its own, with the prior as training has updated it there. The loss works with those
    of a model while functions of this model run, and otherwise with those of the model
    that was set up last.

    Attributes:
        statistics: the `ClassStatistics` that the loss works with, or None. Without
            them the loss is a pure function.
    """

    statistics: Any
    # What the loss works with: a `ClassPrior` if it has class counts, and whether
    # training has changed it.
    _prior: Any
    _has_updated_frequency: bool
    # The two before any training.
    _given_prior: tuple[Any, bool] | None

    def attach_statistics(self, statistics: Any) -> None:
        """Begins the statistics of a model, and works with them from now on.

        The prior begins as the loss was given.

        Args:
            statistics: `ClassStatistics` of as many classes as the prior has.
        """
        if self._given_prior is None:
            self._given_prior = (self._prior, self._has_updated_frequency)
        statistics.start(self)
        self._prior, self._has_updated_frequency = self._given_prior
        self.statistics = statistics
        self._write_compiled_prior()

    def detach_statistics(self, statistics: Any) -> None:
        """Works without these statistics, which serve another loss from now on."""
        if self.statistics is statistics:
            self.statistics = None

    def use_statistics(self, statistics: Any) -> None:
        """Works with statistics that were attached before, and with their prior."""
        self.statistics = statistics
        self._prior = statistics.loss_prior
        self._has_updated_frequency = statistics.is_updated

    @contextlib.contextmanager
    def using_statistics(self, statistics: Any) -> Iterator[None]:
        """Within this context, the loss works with these statistics."""
        before = self.statistics
        prior = (self._prior, self._has_updated_frequency)
        self.use_statistics(statistics)
        try:
            yield
        finally:
            if before is None:
                self.statistics = None
                self._prior, self._has_updated_frequency = prior
            else:
                self.use_statistics(before)

    def class_summary(self, statistics: Any) -> dict[str, np.ndarray]:
        """Returns what statistics of this loss hold; see `CCARCallback.statistics`."""
        summary: dict[str, np.ndarray] = statistics.class_summary()
        return summary

    def __dir__(self) -> list[str]:
        """Hides the statistics from Keras, which saves them with their own model."""
        return [name for name in super().__dir__() if name != "statistics"]

    def _write_compiled_prior(self) -> None:
        if self.statistics is not None:
            self.statistics.write_prior(self._prior, self._has_updated_frequency)
