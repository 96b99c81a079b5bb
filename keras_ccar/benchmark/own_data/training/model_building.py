"""Builds the user's model anew for every training."""

import inspect
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import argument_error, show
from keras_ccar.benchmark.own_data.training.training_parts import (
    new_metrics,
    new_optimizer,
)
from keras_ccar.benchmark.training import devices
from keras_ccar.keras_internals import random_states

_MODEL = "a function that returns a new `keras.Model`"
# The weights and random states of the models that were built, as long as there are any.
_BUILT: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


@dataclass(frozen=True)
class ModelBuilder:
    """Makes compiled models.

    Attributes:
        build_model: returns a new uncompiled model, or takes a loss and returns a
            compiled one.
        optimizer, metrics: what an uncompiled model is compiled with.
    """

    build_model: Callable[..., Any]
    optimizer: Any
    metrics: Sequence[Any]

    def __post_init__(self) -> None:
        if not self.takes_loss:
            return
        for name, value, none in (
            ("optimizer", self.optimizer, None),
            ("metrics", self.metrics, []),
        ):
            if value != none:
                raise argument_error(
                    name,
                    value,
                    "left out where `build_model` takes a loss and compiles the model",
                )

    @property
    def takes_loss(self) -> bool:
        """Whether the function compiles the model with the loss that it is given."""
        try:
            parameters = inspect.signature(self.build_model).parameters.values()
        except (TypeError, ValueError):
            return False
        required = [
            parameter
            for parameter in parameters
            if parameter.default is parameter.empty
            and parameter.kind
            in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
        if len(required) > 1:
            raise argument_error(
                "build_model",
                self.build_model,
                f"{_MODEL}, or one of a loss that returns a compiled model",
            )
        return len(required) == 1

    def build(self, loss: Any, seed: int, first_inputs: Any) -> keras.Model:
        """Returns a new compiled and built model, whose weights the seed decides.

        Args:
            loss: what to compile it with; None leaves it uncompiled.
            seed: of the weights, and of all that draws while training.
            first_inputs: inputs of one example, which build the model.
        """
        # The names of layers are part of what identifies a run.
        devices.clear_models()
        keras.utils.set_random_seed(seed)
        model = self.build_model(loss) if self.takes_loss else self.build_model()
        if not isinstance(model, keras.Model):
            raise ValueError(
                f"`build_model` must be {_MODEL}. It returned {show(model)}."
            )
        if not model.built:
            model(first_inputs, training=False)
        _require_new(model)
        _seed_shared_layers(model, seed)
        if self.takes_loss:
            if loss is not None and not getattr(model, "compiled", False):
                raise ValueError(
                    "`build_model` must compile the model if it takes a loss. It "
                    f"returned {show(model)}, which is not compiled."
                )
        elif loss is not None:
            model.compile(
                new_optimizer(self.optimizer),
                loss,
                metrics=new_metrics(self.metrics),
                # JAX is several times slower without XLA, and elsewhere XLA takes
                # longer to compile than many such trainings last.
                jit_compile=keras.backend.backend() == "jax",
            )
        return model


def _require_new(model: keras.Model) -> None:
    """Refuses a model that would go on from what an earlier one has learned."""
    for variable in model.trainable_variables:
        if _is_known(variable):
            raise ValueError(
                f"`build_model` must be {_MODEL} at every call. It returned the weight "
                f"{variable.path} of an earlier one, from which every training would "
                "go on. Make all layers within the function, or freeze those that "
                "models share by `layer.trainable = False`."
            )
    _BUILT.update({id(variable): variable for variable in model.trainable_variables})


def _seed_shared_layers(model: keras.Model, seed: int) -> None:
    """Lets the seed decide what layers of earlier models draw, such as dropout.

    Their random states would go on from the training before, so that methods would not
    be paired, nor a comparison that was stopped go on with the same numbers.
    """
    for place, state in enumerate(random_states(model)):
        if _is_known(state):
            # Torch has no unsigned numbers of 32 bits.
            drawn = np.random.default_rng([seed, place]).integers(2**31, size=2)
            state.assign(keras.ops.cast(drawn, state.dtype))
        _BUILT[id(state)] = state


def _is_known(variable: Any) -> bool:
    return _BUILT.get(id(variable)) is variable
