"""Per-class statistics of training for TensorBoard."""

import os
from typing import Any

import numpy as np

from keras_ccar.requirements import require

# More classes than this get curves for groups of classes, not one each.
_MAX_CURVES = 20


class StatisticsWriter:
    """Writes curves and histograms of confidence and weight by class.

    They appear beside those that `keras.callbacks.TensorBoard` writes to `log_dir`.

    Raises:
        ModuleNotFoundError: without TensorFlow or tensorboard.
    """

    def __init__(self, log_dir: str | os.PathLike[str]) -> None:
        needs = {"extra": "tensorboard", "needed_by": "`log_dir`"}
        # Without tensorboard, `tf.summary` is empty.
        require("tensorboard", "tensorboard", **needs)
        tf = require("tensorflow", "TensorFlow", **needs)
        self._log_dir = log_dir
        self._summary = tf.summary
        self._folder = os.path.join(log_dir, "train")
        self._file: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Lets copies write to files of their own in the same folder."""
        return StatisticsWriter, (self._log_dir,)

    def write(
        self,
        epoch: int,
        prefix: str,
        statistics: dict[str, Any],
        group_means: dict[str, tuple[float, float]],
    ) -> None:
        """Writes the statistics of an epoch.

        Args:
            epoch: number of the epoch.
            prefix: beginning of the names of the curves.
            statistics: what `CCARCallback.statistics()` returns for one loss.
            group_means: what `ClassStatistics.group_means()` returns.
        """
        if self._file is None:
            self._file = self._summary.create_file_writer(self._folder)
        with self._file.as_default(epoch):
            for index, quantity in enumerate(("confidence", "weight")):
                values = statistics[f"mean_{quantity}"]
                curves = {group: means[index] for group, means in group_means.items()}
                if len(values) <= _MAX_CURVES:
                    names = statistics.get("class_name", range(len(values)))
                    names = list(map(str, names))
                    if len(set(names)) < len(names):  # Curves would hide each other.
                        names = [f"{name}_{c}" for c, name in enumerate(names)]
                    curves = dict(zip(names, values, strict=True))
                for name, value in curves.items():
                    if not np.isnan(value):
                        self._summary.scalar(f"{prefix}_{quantity}/{name}", value)
                seen = values[~np.isnan(values)]
                self._summary.histogram(f"{prefix}_{quantity}_by_class", seen)
        self._file.flush()

    def close(self) -> None:
        """Closes the file; a later epoch opens another."""
        if self._file is not None:
            self._file.close()
            self._file = None
