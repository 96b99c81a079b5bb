"""Per-class statistics of training for TensorBoard."""

import os

import numpy as np

# More classes than this get curves for groups of classes, not one each.
_MAX_CURVES = 20


class StatisticsWriter:
    """Writes curves and histograms of confidence and weight by class.

    They go where `keras.callbacks.TensorBoard` puts those of training.

    Args:
        log_dir: the `log_dir` of `keras.callbacks.TensorBoard`.

    Raises:
        ModuleNotFoundError: without TensorFlow or tensorboard.
    """

    def __init__(self, log_dir):
        try:
            import tensorboard  # noqa: F401 - `tf.summary` is empty without it
            import tensorflow as tf
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "`log_dir` needs TensorFlow and tensorboard, of which one is not "
                f"installed ({error}): `pip install 'keras_ccar[tensorboard]'`."
            ) from error
        self._summary = tf.summary
        self._folder = os.path.join(log_dir, "train")
        self._file = None

    def write(self, epoch, prefix, statistics, group_means):
        """Writes the statistics of an epoch.

        Args:
            epoch: number of the epoch.
            prefix: what the names begin with.
            statistics: dict of arrays of shape `(K,)`, as `CCARCallback.statistics()`
                returns for one loss.
            group_means: dict `{group: (mean_confidence, mean_weight)}`.
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

    def close(self):
        """Closes the file; a later epoch opens another."""
        if self._file is not None:
            self._file.close()
            self._file = None
