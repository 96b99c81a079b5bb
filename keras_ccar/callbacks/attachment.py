"""Attaches statistics to a model, where its losses and the compiled step find them."""

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import keras

from keras_ccar.callbacks.class_statistics import ClassStatistics
from keras_ccar.callbacks.compiled_losses import compiled_losses, statistics_names
from keras_ccar.callbacks.step_values import pass_on
from keras_ccar.keras_internals import set_tracked_attribute
from keras_ccar.losses.class_aware_loss import ClassAwareLoss

# The losses and their statistics by name; see `statistics_names`.
Attached = dict[str, tuple[ClassAwareLoss, ClassStatistics]]


def attach_statistics(
    model: keras.Model, callback: keras.callbacks.Callback
) -> Attached:
    """Gives every loss of this package in a compiled model its `ClassStatistics`.

    Statistics that already serve the same loss are kept with their sums and their
    prior; those of another loss begin anew.

    Args:
        model: a compiled `keras.Model`.
        callback: the callback that asks, for messages.

    Returns:
        The losses with their statistics.

    Raises:
        ValueError: if the model has no loss of this package with class counts, or on
            JAX, if it has a property `metrics` without the statistics.
    """
    losses = compiled_losses(model)
    asking = type(callback).__name__
    if not losses:
        raise ValueError(
            f"`{asking}` needs a model compiled with a keras_ccar loss, such as "
            "`model.compile(loss=keras_ccar.CCARLoss(class_counts))`, and finds none "
            "in this one. To add such a loss `ccar` to another one, write `loss="
            "keras_ccar.WeightedSum([(1.0, dice), (1.0, ccar)])`. Received a model "
            f"compiled with loss={getattr(model, 'loss', None)!r}."
        )
    attached: Attached = {}
    for name, (_, loss) in zip(statistics_names(losses), losses, strict=True):
        if loss.class_counts:
            statistics = _statistics(model, name, len(loss.frequency))
            if statistics.serves(loss):
                loss.use_statistics(statistics)
                # A training that was interrupted may have left them off.
                statistics.weight_switch.assign(1.0)
            else:
                loss.attach_statistics(statistics)
            attached[name] = (loss, statistics)
    if not attached:
        raise ValueError(
            f"`{asking}` needs `class_counts` in the loss {losses[0][1].name!r}. "
            "Received: class_counts=None"
        )
    _save_own_prior(model, attached)
    pass_on(model, [statistics.step_values for _, statistics in attached.values()])
    return attached


def sizes(attached: Attached) -> dict[str, int | None]:
    """Returns the number of classes of each loss by its name."""
    return {name: loss.num_classes for name, (loss, _) in attached.items()}


def serve_compiled_functions(
    model: keras.Model, attached: Attached, recording: bool = False
) -> None:
    """Makes the training and test functions of a model work with its own statistics.

    The losses may serve other models as well. What is traced inside of the training
    function also adds to the statistics, with `recording`; evaluation never does, also
    not one that another callback calls in mid-epoch.

    Functions that do so already are kept, and need not be compiled again.
    """
    for kind in ("train", "test"):
        name, records = f"{kind}_function", recording and kind == "train"
        served = getattr(getattr(model, name), "served_statistics", None)
        if served not in ((attached, records), (attached, True)):
            getattr(model, f"make_{kind}_function")(force=True)
            setattr(model, name, _serving(getattr(model, name), attached, records))


def variable_scope(model: keras.Model) -> contextlib.AbstractContextManager[Any]:
    """Returns the context in which to create variables of a model's strategy."""
    if hasattr(model, "distribute_strategy"):  # TensorFlow's
        return model.distribute_strategy.scope()
    return contextlib.nullcontext()


def _serving(
    function: Callable[..., Any], attached: Attached, recording: bool = False
) -> Callable[..., Any]:
    """Returns a function of a model that works with statistics, and may record."""

    @functools.wraps(function)
    def serving(*args: Any, **kwargs: Any) -> Any:
        with contextlib.ExitStack() as stack:
            for loss, statistics in attached.values():
                stack.enter_context(loss.using_statistics(statistics))
                if recording:
                    stack.enter_context(statistics.recording())
            return function(*args, **kwargs)

    # To mypy a function has no attributes.
    vars(serving)["served_statistics"] = (attached, recording)
    return serving


def _save_own_prior(model: keras.Model, attached: Attached) -> None:
    """Makes a model save its losses with the prior that they have in this model."""
    function = model.get_compile_config
    if hasattr(function, "served_statistics"):
        function = function.__wrapped__
    model.get_compile_config = _serving(function, attached)


def _statistics(model: keras.Model, name: str, num_classes: int) -> ClassStatistics:
    attribute = f"{name}_ccar_statistics".lstrip("_")
    statistics = getattr(model, attribute, None)
    if statistics is None or statistics.num_classes != num_classes:
        with variable_scope(model):
            statistics = ClassStatistics(num_classes, name=attribute)
        set_tracked_attribute(model, attribute, statistics)
    return statistics
