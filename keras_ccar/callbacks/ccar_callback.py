"""Tracks confidence, weight and frequency of every class while a model trains."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras

from keras_ccar.arguments import (
    check_boolean,
    check_number,
    check_path,
    check_whole_number,
    optional,
)
from keras_ccar.callbacks.attachment import (
    Attached,
    attach_statistics,
    serve_compiled_functions,
    sizes,
)
from keras_ccar.callbacks.compiled_losses import compiled_losses
from keras_ccar.callbacks.detached_copies import DetachedCopies
from keras_ccar.callbacks.first_epoch_warnings import warn_of_first_epoch
from keras_ccar.callbacks.history_file import output_entry, write_history
from keras_ccar.callbacks.log_entries import log_entries
from keras_ccar.callbacks.log_name_warning import warn_of_shared_log_names
from keras_ccar.callbacks.names_by_output import names_of_losses, read_class_names
from keras_ccar.callbacks.output_warning import warn_output_mismatch
from keras_ccar.callbacks.shared_loss_warning import warn_of_shared_losses
from keras_ccar.callbacks.tensorboard import StatisticsWriter
from keras_ccar.replicas import check_multi_worker_support


class CCARCallback(DetachedCopies, keras.callbacks.Callback):
    """Gathers per-class statistics of training, and can update class frequencies.

    The statistics are sums over the samples of an epoch, computed inside the compiled
    training step from what the loss already has, so there is no second forward pass.
    Validation, `evaluate` and `predict` do not change them. A sample is counted once if
    it takes part in training: not if it is masked, has the loss's `ignore_class` or a
    sample weight of 0. With label distributions a sample counts for its share.

    At the end of an epoch the callback adds entries to the logs, which `History`,
    `CSVLogger` and `TensorBoard` then show (list it before callbacks that write logs):
    `ccar_confidence` and `ccar_weight`, means over the samples of the epoch, and
    `ccar_confidence_many`, `..._medium`, `..._few`, `ccar_weight_many`, ... over those
    of the classes with more than 100, 20 to 100 and fewer than 20 training examples, by
    the class counts that the loss was given. Shares, or ones for unknown counts, do not
    tell these groups, which are left out. A binary loss has `..._yes` and `..._no`
    instead.
    With several losses, names begin as the keys of `statistics()` do. Losses are found
    in a `WeightedSum`, attributes of losses, lists, dicts, and functions that use them.

    Every model has its own statistics and frequencies, also if several are compiled
    with one loss object. They begin as the loss was given, and a further `fit` of the
    model goes on with them. Outside of its models, the loss is in the state of the one
    set up last, and so are copies of it. A copy of the callback begins anew.

    Args:
        update_frequencies: whether to move the class frequencies of the loss towards
            those seen, `f <- m f + (1 - m) seen / Σ seen`, and the number of examples
            with them, `N <- m N + (1 - m) Σ seen`, after each epoch: for data that is
            resampled or streamed, or whose class counts are not known.
        momentum: m in [0, 1].
        start_epoch: the first epoch after which frequencies are updated.
        class_names: optional sequence of `K` names, for `statistics()`; of one label
            that of yes, or two, of no and yes. For several outputs, a dict by output.
        log_dir: where to write curves and histograms of confidence and weight by class
            for TensorBoard: the `log_dir` of `keras.callbacks.TensorBoard`, which takes
            recalls only from metrics with `class_names`. Up to 20 classes have a curve
            each, otherwise groups of classes have.

    Attributes:
        history: a list with the `statistics()` of each epoch of a model.

    Raises:
        ValueError: for arguments other than these, also if `class_names` repeats a
            name; when training begins, if the model has no loss of this package, or
            one whose number of classes is not that of `class_names`, or with
            `update_frequencies` one loss object for several outputs; for names of an
            output without such a loss.
        RuntimeError: under `tf.distribute.MultiWorkerMirroredStrategy` with several
            workers, under which Keras 3 cannot `fit`.

    Warns:
        UserWarning: if the loss, the metrics and the model's output do not fit each
            other, the prior is applied twice, outputs share one loss object, or metrics
            such as `ShotAccuracy` of two outputs overwrite each other's numbers in the
            logs; after the first epoch if the loss is NaN, or if a binary loss was
            given the counts of yes as those of no.

    Reference:
        Jagati et al. 2026, arXiv 2601.15924.

    Example:
    ```python
    import keras
    import numpy as np
    import keras_ccar

    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    model.compile("sgd", keras_ccar.CCARLoss([3, 2, 1], from_logits=True))
    callback = keras_ccar.CCARCallback()
    labels = np.array([0, 0, 0, 1, 1, 2])
    model.fit(np.ones((6, 8)), labels, callbacks=[callback], verbose=0)
    assert callback.statistics()["count"].tolist() == [3, 2, 1]
    ```
    """

    _detached: ClassVar[dict[str, Any]] = {
        "history": [],
        "_tracked": {},
        "_names": {},
        "_tracked_model": None,
        "_last": None,
    }

    def __init__(
        self,
        update_frequencies: bool = False,
        momentum: float = 0.9,
        start_epoch: int = 0,
        class_names: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
        log_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        check_multi_worker_support()
        self.update_frequencies: bool = check_boolean(
            "update_frequencies", update_frequencies
        )
        self.momentum: float = check_number("momentum", momentum, 0, 1)
        self.start_epoch: int = check_whole_number("start_epoch", start_epoch, 0)
        self.class_names = read_class_names(class_names)
        self.log_dir = optional(check_path, "log_dir", log_dir)
        self.history: list[dict[str, Any]] = []
        self._tracked: Attached = {}
        self._names: dict[str, list[str]] = {}  # of the classes of each loss
        self._tracked_model: keras.Model | None = None
        self._last: dict[str, Any] | None = None  # what an ended training has left
        self._writer = None if log_dir is None else StatisticsWriter(log_dir)

    def set_model(self, model: keras.Model) -> None:
        """Attaches statistics to the model's losses, which add to them."""
        super().set_model(model)
        warn_of_shared_losses(model, self.update_frequencies)
        before, tracked = self._tracked, attach_statistics(model, self)
        if model is not self._tracked_model or sizes(before) != sizes(tracked):
            self.history = []
        self._tracked_model, self._tracked, self._last = model, tracked, None
        self._names = names_of_losses(self.class_names, model, tracked)

    def on_train_begin(self, logs: Any = None) -> None:
        """Makes training steps record, and only them."""
        for outputs, loss in compiled_losses(self.model):
            for output in outputs or (None,):
                warn_output_mismatch(self.model, output, loss)
        warn_of_shared_log_names(self.model)
        serve_compiled_functions(self.model, self._tracked, recording=True)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begins the statistics of an epoch."""
        for _, statistics in self._tracked.values():
            statistics.reset_sums()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Reports the statistics of an epoch and updates the frequencies."""
        is_first = not self.history and not self.model.stop_training
        warn_of_first_epoch(self.model, logs, self._tracked if is_first else {})
        self.history.append(self.statistics())
        for name, (loss, statistics) in self._tracked.items():
            prefix = f"{name}_ccar" if name else "ccar"
            means = statistics.group_means()
            if logs is not None:
                logs.update(log_entries(prefix, means))
            if self._writer is not None:
                summary = self._of_output(self.history[-1], name)
                self._writer.write(epoch, prefix, summary, means)
            if self.update_frequencies and epoch >= self.start_epoch:
                with loss.using_statistics(statistics):
                    loss.blend_prior(statistics.seen(), self.momentum)

    def on_train_end(self, logs: Any = None) -> None:
        """Keeps the statistics, and closes the file of TensorBoard."""
        self._last = self.statistics()
        if self._writer is not None:
            self._writer.close()

    def statistics(self) -> dict[str, Any]:
        """Returns the statistics of the current epoch, or of the last one.

        Returns:
            A dict of float64 arrays of shape `(K,)`: `count` (samples seen),
            `frequency` and `class_counts` (that the loss computes with),
            `mean_confidence` (p_t, after an adjustment), `mean_weight` and
            `below_pivot` (the share of samples with `p_t` below the pivot), which are
            NaN for classes without a sample; and `class_name` if given. With a binary
            loss these are of yes; those of no are `negative_count` and so on. With
            several losses, a dict of such dicts by the name of the output; where that
            does not tell them apart, `"<output>_<loss>"` or `"<loss>"`, with `_2`, ...
            if these are the same too.

        Raises:
            RuntimeError: before training.
        """
        if not self._tracked:
            raise RuntimeError(
                "`CCARCallback.statistics()` has nothing to return before training. "
                "Pass the callback to `model.fit(callbacks=[...])` first."
            )
        if self._last is not None:
            return self._last
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()  # In mid-epoch, variables are out of date.
        summaries: dict[str, dict[str, Any]] = {
            name: loss.class_summary(statistics)
            for name, (loss, statistics) in self._tracked.items()
        }
        for name, names in self._names.items():
            summaries[name] = {"class_name": names, **summaries[name]}
        return summaries.get("", summaries)

    def save_history(self, path: str | os.PathLike[str]) -> None:
        """Writes `history` as JSON, which `keras-ccar report PATH` shows.

        The file is an object with `format` and a list `outputs`: for each loss `name`
        (of the output; empty if there is one loss), `loss`, `pivot`, `class_names`,
        `class_counts`, and `epochs`: for each epoch the lists of length `K` of
        `statistics()`, with null for NaN.

        Args:
            path: the file, in which an older one is replaced in one step.

        Raises:
            RuntimeError: before the first epoch has ended.
        """
        if not self.history:
            raise RuntimeError(
                "`CCARCallback.save_history()` has nothing to write before the end of "
                "the first epoch. Pass the callback to `model.fit(callbacks=[...])` "
                "first."
            )
        outputs = []
        for name, (loss, _) in self._tracked.items():
            epochs = [self._of_output(entry, name) for entry in self.history]
            outputs.append(output_entry(name, loss, self._names.get(name), epochs))
        write_history(path, outputs)

    def _of_output(self, entry: dict[str, Any], name: str) -> dict[str, Any]:
        return entry[name] if name else entry
