"""Parts a model that ends in a decision from the layer that decides."""

from typing import Any

import keras

from keras_ccar.keras_internals import input_of_call, source_of
from keras_ccar.layers.decides import Decides
from keras_ccar.layers.model_output import output_tensor

# A `Decides` that is a Keras layer.
DecisionLayer = Any


def split_decision(model: Any) -> tuple[Any, DecisionLayer | None]:
    """Returns a model without the layer that decides on its output, and that layer.

    Models without one are returned as they are, with None.

    Raises:
        ValueError: if the layer is within a model that the model is made of.
    """
    operation, call, _ = source_of(output_tensor(model)) or (None, 0, 0)
    if isinstance(operation, Decides):
        is_sequential = isinstance(model, keras.Sequential)
        inputs = model.inputs if is_sequential else model.input
        return keras.Model(inputs, input_of_call(operation, call)), operation
    if isinstance(operation, keras.Model) and split_decision(operation)[1] is not None:
        raise ValueError(
            "`model` must not hold another model that ends in a decision. Received: "
            f"{model.name!r}, which ends in {operation.name!r}. Export that one, or "
            "put them together with `keras_ccar.posthoc.chain`."
        )
    return model, None


def require_undecided(model: Any, thresholds: Any, correction: Any) -> None:
    """Raises a `ValueError` for what would come behind a decision.

    Args:
        model: a model that ends in one.
        thresholds: those given to `export`, or None.
        correction: that given to `export`, or None.
    """
    for name, value in (("thresholds", thresholds), ("correction", correction)):
        if value is not None:
            raise ValueError(
                f"`{name}` must be None for a model that decides itself. Received: "
                f"{name}={value!r} and {model.name!r}, which ends in a decision. Put "
                "the layers together with `keras_ccar.posthoc.chain`, the decision "
                "last."
            )


def in_float32(layer: DecisionLayer) -> DecisionLayer:
    """Returns a copy of a layer that decides in float32."""
    return type(layer).from_config({**layer.get_config(), "dtype": "float32"})
