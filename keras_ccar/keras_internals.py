"""All that this package uses of Keras without Keras exporting it.

Versions of Keras differ in `keras.src` and in the private attributes of its objects, so
they occur nowhere else. What this module offers does the same on every version that
`setup.cfg` admits.
"""

import functools
import io
from typing import Any

import keras
import numpy as np
from keras.src.backend import get_keras_mask, in_symbolic_scope, set_keras_mask
from keras.src.backend.common.stateless_scope import get_stateless_scope
from keras.src.export import export_utils
from keras.src.losses.loss import reduce_weighted_values
from keras.src.losses.losses import LossFunctionWrapper
from keras.src.models import Functional
from keras.src.saving import saving_lib
from keras.src.saving.serialization_lib import SafeModeScope
from keras.src.utils.progbar import Progbar

__all__ = [
    "METRICS_ADD_UP_OVER_REPLICAS",
    "Functional",
    "LossFunctionWrapper",
    "SafeModeScope",
    "all_layers",
    "batches_done",
    "compiled_metrics",
    "current_value",
    "get_input_signature",
    "get_keras_mask",
    "in_symbolic_scope",
    "input_of_call",
    "inputs_of_call",
    "is_cast",
    "is_ragged",
    "random_states",
    "reduce_as_keras",
    "save_weights_to_memory",
    "set_initial_epoch",
    "set_keras_mask",
    "set_tracked_attribute",
    "show_vectors_in_progress_bars",
    "source_of",
]

_VERSION = tuple(int(part) for part in keras.__version__.split(".")[:2])
# Before 3.10, replicas of `tf.distribute` overwrite each other's metric variables.
METRICS_ADD_UP_OVER_REPLICAS = _VERSION >= (3, 10)


def get_input_signature(model: keras.Model) -> Any:
    """Returns the arguments that a built model takes, as specs in their structure.

    Raises:
        ValueError: if the model is not built.
    """
    if isinstance(model, Functional):
        # Before 3.10, Keras flattens the dicts and lists of inputs.
        structure = model._inputs_struct
        return [keras.tree.map_structure(export_utils.make_input_spec, structure)]
    return export_utils.get_input_signature(model)


def source_of(tensor: Any) -> tuple[Any, int, int] | None:
    """Returns `(operation, call, output)` for a symbolic tensor, otherwise None.

    The operation is a layer, model or function; the numbers say which of its calls, and
    which output of that call, the tensor is.
    """
    history = getattr(tensor, "_keras_history", None)
    return None if history is None else tuple(history)


def is_ragged(tensor: Any) -> bool:
    """Returns whether a symbolic tensor is ragged. Before 3.9, Keras has none."""
    return getattr(tensor, "ragged", False)


def is_cast(operation: Any) -> bool:
    """Returns whether an operation is a cast, which Keras 3.8 has between layers."""
    return type(operation).__name__ == "Cast"


def input_of_call(operation: Any, call: int) -> Any:
    """Returns the first input of one of the calls of an operation."""
    return inputs_of_call(operation, call)[0]


def inputs_of_call(operation: Any, call: int) -> list[Any]:
    """Returns all inputs of one of the calls of an operation."""
    return list(operation._inbound_nodes[call].input_tensors)


def all_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Returns a layer and all layers in it, each after the one that holds it."""
    return layer._flatten_layers(include_self=True, recursive=True)


def compiled_metrics(model: keras.Model) -> list[tuple[tuple[Any, ...], Any]]:
    """Returns the metrics that a model was compiled with, as the user gave them.

    Each comes after its path in the lists and dicts of `compile`.
    """
    compiled = model._compile_metrics
    if compiled is None:
        return []
    return [
        found
        for metrics in (compiled._user_metrics, compiled._user_weighted_metrics)
        for found in keras.tree.flatten_with_path(metrics)
    ]


def current_value(variable: keras.Variable) -> Any:
    """Returns the value in the open `keras.StatelessScope`, or None without one."""
    scope = get_stateless_scope()
    return None if scope is None else scope.get_current_value(variable)


def reduce_as_keras(
    losses: Any, y_pred: Any, sample_weight: Any, reduction: str | None, dtype: str
) -> Any:
    """Weights and reduces what `call` returned, as `keras.losses.Loss` does.

    The masks of losses and predictions are applied.
    """
    masks = [get_keras_mask(tensor) for tensor in (y_pred, losses)]
    masks = [mask for mask in masks if mask is not None]
    mask = masks[0] & masks[1] if len(masks) == 2 else next(iter(masks), None)
    is_mean = reduction in ("sum_over_batch_size", "mean", "mean_with_sample_weight")
    is_torch = keras.backend.backend() == "torch"
    if is_torch and is_mean and mask is None and sample_weight is None:
        # The same in one operation. Keras counts the samples on the device, which takes
        # longer than a small loss.
        losses = keras.ops.convert_to_tensor(losses, dtype=dtype)
        if losses.numel() and losses.dim():
            return losses.mean()
    return reduce_weighted_values(
        losses,
        sample_weight=sample_weight,
        mask=mask,
        reduction=reduction,
        dtype=dtype,
    )


def random_states(model: keras.Model) -> list[keras.Variable]:
    """Returns the variables that, for example, dropout draws from.

    Keras leaves them out of the weights that it saves.
    """
    return [v for v in model.variables if v.name == "seed_generator_state"]


def save_weights_to_memory(model: keras.Model) -> io.BytesIO:
    """Returns the content of the file that `model.save_weights` writes."""
    content = io.BytesIO()
    store = saving_lib.H5IOStore(content, mode="w")
    saving_lib._save_state(
        model,
        weights_store=store,
        assets_store=None,
        inner_path="",
        visited_saveables=set(),
    )
    store.close()
    return content


def set_tracked_attribute(model: keras.Model, name: str, value: Any) -> None:
    """Sets an attribute that Keras tracks, also on a built subclassed model."""
    tracker = model._tracker
    was_locked = tracker.locked
    tracker.unlock()
    try:
        setattr(model, name, value)
    finally:
        if was_locked:
            tracker.lock()


def batches_done(model: keras.Model, batch: int) -> int:
    """Returns how many batches of an epoch are trained, from `on_train_batch_end`.

    It may pass the end of the epoch if several steps are executed at once.
    """
    # Keras passes the last batch that was executed, before 3.11 the first of them.
    return batch + (1 if _VERSION >= (3, 11) else model.steps_per_execution)


def set_initial_epoch(model: keras.Model, epoch: int | None) -> None:
    """Sets the epoch that `fit` begins with, as `BackupAndRestore` does."""
    model._initial_epoch = epoch


def show_vectors_in_progress_bars() -> None:
    """Lets the progress bar of `fit` show the mean of a metric that is a vector.

    Every Keras does so but 3.12, whose bar ends the training with a `ValueError`.
    """
    shows = Progbar.update
    if _VERSION != (3, 12) or hasattr(shows, "__wrapped__"):
        return

    @functools.wraps(shows)
    def update(
        self: Any, current: int, values: Any = None, finalize: bool | None = None
    ) -> None:
        means = [(name, np.mean(value)) for name, value in values or ()]
        shows(self, current, means, finalize)

    Progbar.update = update
