"""Metrics that the loss changes, in a `train_step` or `test_step` of any kind on JAX.

There a step is a pure function, and its state has the values of all metrics. Keras's
own steps put them in force where they compute the loss. A step like those of Keras's
guide calls `self.compute_loss` where none are in force. This module brings them there.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from keras_ccar.keras_internals import current_value

_STEPS = {"make_train_function": "train_step", "make_test_function": "test_step"}
_ADVICE = (
    "Compute the loss with `loss, (_, _, metrics_variables) = "
    "self.stateless_compute_loss(trainable_variables, non_trainable_variables, "
    "metrics_variables, x=x, y=y, y_pred=y_pred)`, return these `metrics_variables` "
    "from the function that JAX transforms, beside `y_pred`, and go on with them."
)


class StepValues:
    """The values of a metric's variables within a step.

    Args:
        name: name of the metric, for messages.
        variables: the variables of the metric.
    """

    def __init__(self, name: str, variables: Sequence[keras.Variable]) -> None:
        self.name = name
        self.variables = list(variables)
        self._given: list[Any] = []  # none outside of steps
        self._values: list[Any] = []
        self._changed_elsewhere = False

    @contextlib.contextmanager
    def in_force(self, changes: bool = False) -> Iterator[None]:
        """Within this context, variables can be read, and assigned if `changes`."""
        if current_value(self.variables[0]) is not None:  # of `stateless_compute_loss`
            self._changed_elsewhere |= changes
            yield
        elif self._given:
            pairs = list(zip(self.variables, self._values, strict=True))
            with keras.StatelessScope(pairs) as scope:
                yield
            if changes:
                self._values = [scope.get_current_value(v) for v in self.variables]
        else:
            yield

    @contextlib.contextmanager
    def step(self, given: list[Any]) -> Iterator[None]:
        """Within this context a step runs whose state has these values."""
        self._given = self._values = given
        self._changed_elsewhere = False
        try:
            yield
        finally:
            self._given = self._values = []

    def after_step(self, returned: list[Any]) -> list[Any]:
        """Returns the values after a step, which returned these in its state.

        Raises:
            RuntimeError: if changes were lost on the way.
        """
        changed = _differ(self._values, self._given)
        if self._changed_elsewhere and (changed or not _differ(returned, self._given)):
            raise RuntimeError(
                "The step must return the `metrics_variables` that "
                "`self.stateless_compute_loss` returns. Received: those from before, "
                f"or others, for the statistics {self.name!r} of the loss. {_ADVICE}"
            )
        if not changed:
            return returned
        pairs = zip(self._values, self._given, strict=True)
        if any(_transformation(a) is not _transformation(b) for a, b in pairs):
            raise RuntimeError(
                f"The statistics {self.name!r} of the loss cannot leave a function "
                "that JAX transforms, unless it returns them. Received: a step that "
                "calls `self.compute_loss` within `jax.jit`, `jax.checkpoint`, "
                f"`jax.vmap` or `jax.lax.scan`. {_ADVICE}"
            )
        return self._values


def pass_on(model: keras.Model, metrics: Sequence[StepValues]) -> None:
    """Makes all functions of a model on JAX pass on values of metrics to its steps.

    Raises:
        ValueError: if these metrics are not in `model.metrics`.
    """
    if keras.backend.backend() != "jax":
        return
    for values in metrics:
        if _places(model, values) is None:
            raise ValueError(
                f"`model.metrics` must hold the statistics {values.name!r} of the "
                "loss, or a step on JAX cannot update them. Received: a `metrics` of "
                f"{type(model).__name__!r} without them. Let it return "
                "`super().metrics`, in which all metrics are that are attributes of "
                "the model."
            )
    for make_name, step_name in _STEPS.items():
        make = getattr(model, make_name)
        make = getattr(make, "passes_on_for", make)
        setattr(model, make_name, _making(model, make, step_name, metrics))


def _making(
    model: keras.Model,
    make: Callable[..., Any],
    step_name: str,
    metrics: Sequence[StepValues],
) -> Callable[..., Any]:
    """Returns a function that makes a function of a model with a step that passes on.

    The step is another object each time: JAX keeps what it has traced of a function.
    """

    def making(force: bool = False) -> Any:
        own = vars(model).get(step_name)
        step = getattr(model, step_name)
        setattr(model, step_name, _passing_on(model, step, metrics))
        try:
            return make(force=force)
        finally:
            if own is None:
                delattr(model, step_name)
            else:
                setattr(model, step_name, own)

    # To mypy a function has no attributes.
    vars(making)["passes_on_for"] = make
    return making


def _passing_on(
    model: keras.Model, step: Callable[..., Any], metrics: Sequence[StepValues]
) -> Callable[..., Any]:
    """Returns a step in which the metrics have the values of its state."""

    def passing_on(state: Any, data: Any) -> Any:
        places = [_places(model, values) or [] for values in metrics]
        with contextlib.ExitStack() as stack:
            for values, place in zip(metrics, places, strict=True):
                stack.enter_context(values.step([state[-1][i] for i in place]))
            logs, state = step(state, data)
            variables = list(state[-1])
            for values, place in zip(metrics, places, strict=True):
                after = values.after_step([variables[i] for i in place])
                for index, value in zip(place, after, strict=True):
                    variables[index] = value
        return logs, (*state[:-1], variables)

    return passing_on


def _places(model: keras.Model, values: StepValues) -> list[int] | None:
    """Returns where the variables are among those of a model's metrics, if all are."""
    places = {id(v): index for index, v in enumerate(model.metrics_variables)}
    found = [places.get(id(v)) for v in values.variables]
    return None if None in found else found  # type: ignore[return-value]


def _differ(values: list[Any], others: list[Any]) -> bool:
    return any(a is not b for a, b in zip(values, others, strict=True))


def _transformation(value: Any) -> Any:
    """Returns what JAX traces when it computes a value; None for a plain array."""
    return getattr(value, "_trace", None)
