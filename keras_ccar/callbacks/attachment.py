"""Attaches statistics to a model, where its losses and the compiled step find them."""

import contextlib
import functools
from typing import Any

import keras

from keras_ccar.callbacks.class_statistics import ClassStatistics
from keras_ccar.callbacks.compiled_losses import compiled_losses
from keras_ccar.keras_internals import set_tracked_attribute
from keras_ccar.losses.class_aware_loss import ClassAwareLoss

# The losses and their statistics by the name of the loss's output, which is empty in a
# model with a single loss of this package.
Attached = dict[str, tuple[ClassAwareLoss, ClassStatistics]]


def attach_statistics(
    model: keras.Model, callback: keras.callbacks.Callback
) -> tuple[Attached, bool]:
    """Gives every loss of this package in a compiled model its `ClassStatistics`.

    Statistics that already serve the same loss are kept with their sums; those of
    another loss begin anew.

    Args:
        model: a compiled `keras.Model`.
        callback: the callback that asks, for messages.

    Returns:
        The losses with their statistics, and whether some are new, so that the
        functions that the model has already compiled do not know them.

    Raises:
        ValueError: if the model has no loss of this package with class counts.
    """
    losses = compiled_losses(model)
    name = type(callback).__name__
    if not losses:
        raise ValueError(
            f"`{name}` needs a model compiled with a keras_ccar loss, such as "
            "`model.compile(loss=keras_ccar.CCARLoss(class_counts))`. Received a "
            f"model compiled with loss={model.loss!r}."
        )
    known = [(outputs, loss) for outputs, loss in losses if loss.class_counts]
    if not known:
        raise ValueError(
            f"`{name}` needs `class_counts` in the loss {losses[0][1].name!r}. "
            "Received: class_counts=None"
        )
    attached: Attached = {}
    is_new = False
    for outputs, loss in known:
        output = "_and_".join(outputs) if len(losses) > 1 else ""
        statistics = _statistics(model, output, len(loss.frequency))
        if loss.statistics is not statistics:
            loss.attach_statistics(statistics)
            is_new = True
        attached[output] = (loss, statistics)
    return attached, is_new


def reset_compiled_functions(model: keras.Model) -> None:
    """Makes a model compile its training and test functions again."""
    model.make_train_function(force=True)
    model.test_function = None


def record_training_steps(model: keras.Model, attached: Attached) -> None:
    """Makes a model's training function, and nothing else, add to the statistics.

    What is traced inside it records; evaluation, also one that another callback calls
    in mid-epoch, is not inside it.
    """
    if hasattr(model.train_function, "records_ccar_statistics"):
        return
    reset_compiled_functions(model)  # Those so far do not record.
    train_function = model.train_function

    @functools.wraps(train_function)
    def recording_train_function(*args: Any, **kwargs: Any) -> Any:
        with contextlib.ExitStack() as stack:
            for _, statistics in attached.values():
                stack.enter_context(statistics.recording())
            return train_function(*args, **kwargs)

    # To mypy a function has no attributes.
    vars(recording_train_function)["records_ccar_statistics"] = True
    model.train_function = recording_train_function


def variable_scope(model: keras.Model) -> contextlib.AbstractContextManager[Any]:
    """Returns the context in which to create variables of a model's strategy."""
    if hasattr(model, "distribute_strategy"):  # TensorFlow's
        return model.distribute_strategy.scope()
    return contextlib.nullcontext()


def _statistics(model: keras.Model, output: str, num_classes: int) -> ClassStatistics:
    attribute = f"{output}_ccar_statistics".lstrip("_")
    statistics = getattr(model, attribute, None)
    if statistics is None or statistics.num_classes != num_classes:
        with variable_scope(model):
            statistics = ClassStatistics(num_classes, name=attribute)
        set_tracked_attribute(model, attribute, statistics)
    return statistics
