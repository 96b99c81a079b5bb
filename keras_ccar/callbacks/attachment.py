"""Hangs statistics on a model, where its losses and the compiled step find them."""

import contextlib

from keras_ccar.callbacks.class_statistics import ClassStatistics
from keras_ccar.callbacks.compiled_losses import compiled_losses
from keras_ccar.keras_internals import set_tracked_attribute


def attach_statistics(model, callback):
    """Gives every loss of ours in a compiled model its `ClassStatistics`.

    Statistics that serve the same loss already are kept, with what they hold; those of
    another loss begin anew.

    Args:
        model: a compiled `keras.Model`.
        callback: the callback that asks, for messages.

    Returns:
        A pair: a dict `{name: (loss, statistics)}`, where the name is that of the
        loss's output, empty in a model with a single such loss; and whether functions
        that the model has already compiled know nothing of the statistics.

    Raises:
        ValueError: if there is no loss of ours, or one without class counts.
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
    attached, is_new = {}, False
    for outputs, loss in known:
        output = "_and_".join(outputs) if len(losses) > 1 else ""
        statistics = _statistics(model, output, len(loss.frequency))
        if loss.statistics is not statistics:
            statistics.start(loss.statistics_counts, loss.frequency)
            loss.statistics = statistics
            is_new = True
        attached[output] = (loss, statistics)
    return attached, is_new


def reset_compiled_functions(model):
    """Makes a model compile its training and test functions again."""
    model.make_train_function(force=True)
    model.test_function = None


def _statistics(model, output, num_classes):
    attribute = f"{output}_ccar_statistics".lstrip("_")
    statistics = getattr(model, attribute, None)
    if statistics is None or statistics.num_classes != num_classes:
        scope = contextlib.nullcontext()
        if hasattr(model, "distribute_strategy"):
            scope = model.distribute_strategy.scope()
        with scope:
            statistics = ClassStatistics(num_classes, name=attribute)
        set_tracked_attribute(model, attribute, statistics)
    return statistics
