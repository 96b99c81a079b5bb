"""Finds the layer of a model that turns features into one number for each class."""

from typing import Any, NamedTuple

import keras

from keras_ccar.arguments import argument_error, check_text, show
from keras_ccar.keras_internals import inputs_of_call, source_of
from keras_ccar.layers.model_output import KeepsActivation
from keras_ccar.posthoc.data.outputs import several_outputs

# What may come after the head. None of these has weights, or changes which number
# belongs to which class.
_AFTER = (
    keras.layers.Activation,
    keras.layers.Softmax,
    keras.layers.Dropout,
    keras.layers.Identity,
    keras.layers.Flatten,
    keras.layers.Reshape,
    KeepsActivation,
)
_OPERATIONS = ("Softmax", "Sigmoid", "Identity")  # of `keras.ops`


class ClassifierHead(NamedTuple):
    """The classification head of a model.

    Attributes:
        layer: the layer, part of the model.
        features: the symbolic input of the layer, computed from the inputs of the
            model also where the layer is in a model in the model.
        output: the symbolic output of the layer.
        after: the layers and operations between the head and the output of the model,
            the last one first.
    """

    layer: keras.layers.Layer
    features: Any
    output: Any
    after: tuple[Any, ...]

    @property
    def num_columns(self) -> int:
        """K, the number of classes."""
        return self.output.shape[-1]

    def feature_network(self, model: keras.Model) -> keras.Model:
        """Returns the model up to the input of the head; it shares the layers.

        Args:
            model: the model that the head was found in.
        """
        is_sequential = isinstance(model, keras.Sequential)
        # A Sequential model that was never called has no `input`.
        inputs = model.inputs[0] if is_sequential else model.input
        return keras.Model(inputs, self.features)


def find_classifier_head(model: keras.Model, head: str | None = None) -> ClassifierHead:
    """Finds the classification head of a model.

    It is the last layer with a kernel, such as `Dense`, `EinsumDense`, `CosineHead` or
    a convolution of size 1, after which only activations, dropout, corrections and the
    like come. It may be in a model that the model was made of, however deep.

    Args:
        model: a built Functional or Sequential model with one output.
        head: the name of the layer, where other layers come after it. None to find it.

    Returns:
        The head, as part of the model.

    Raises:
        ValueError: for a model without a graph of layers or with several outputs; if
            there is no such layer, with the names of the layers that were seen.

    Example:
    ```python
    import keras
    from keras_ccar.posthoc.retraining.classifier_head import find_classifier_head

    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(3, name="scores"),
            keras.layers.Softmax(),
        ]
    )
    assert find_classifier_head(model).layer.name == "scores"
    ```
    """
    head = None if head is None else check_text("head", head)
    tensor = _only_output(model)
    # The models around, from the outside in, with the call that the output comes from.
    around: list[tuple[Any, int]] = []
    after: list[Any] = []
    while True:
        operation, call, index = source_of(tensor) or (None, 0, 0)
        if isinstance(operation, keras.Model) and getattr(operation, "outputs", None):
            around.append((operation, call))
            tensor = keras.tree.flatten(operation.outputs)[index]
        elif isinstance(operation, keras.layers.InputLayer) and around:
            # The whole model inside comes after the head.
            inner, call = around.pop()
            position = [given is tensor for given in inner.inputs].index(True)
            tensor = inputs_of_call(inner, call)[position]
        elif _is_head(operation, head):
            inputs = inputs_of_call(operation, call)
            break
        elif head is None and not _may_come_after(operation):
            raise _not_found(model, head, [*after, operation])
        else:
            inputs = [] if operation is None else inputs_of_call(operation, call)
            if len(inputs) != 1:  # the beginning of the model, or a branch
                raise _not_found(model, head, [*after, operation])
            after.append(operation)
            tensor = inputs[0]
    if len(inputs) != 1 or not isinstance(operation, keras.layers.Layer):
        raise _not_found(model, head, [*after, operation])
    return ClassifierHead(
        operation, _from_outside(inputs[0], around), tensor, tuple(after)
    )


def _only_output(model: Any) -> Any:
    if not isinstance(model, keras.Model):
        raise argument_error("model", model, "a keras.Model")
    outputs = keras.tree.flatten(getattr(model, "outputs", None) or [])
    if not outputs:
        raise ValueError(
            "`model` must be a Functional or Sequential model that is built, whose "
            f"layers tell where its head is. Received: {show(model)}. Of a subclassed "
            "model, make one: `inputs = keras.Input(shape)`, `features = "
            "backbone(inputs)`, `keras.Model(inputs, dense(features))`. Build a "
            "Sequential model with `model.build(shape)`."
        )
    if len(outputs) > 1:
        raise several_outputs(model, len(outputs))
    return outputs[0]


def _is_head(operation: Any, head: str | None) -> bool:
    has_kernel = isinstance(getattr(operation, "kernel", None), keras.Variable)
    return has_kernel and head in (None, operation.name)


def _may_come_after(operation: Any) -> bool:
    is_operation = not isinstance(operation, keras.layers.Layer)
    name = type(operation).__name__
    return isinstance(operation, _AFTER) or (is_operation and name in _OPERATIONS)


def _from_outside(tensor: Any, around: list[tuple[Any, int]]) -> Any:
    """Returns a tensor in a model in a model as one of the outermost model."""
    for inner, call in reversed(around):
        arguments, inputs = inner.inputs, inputs_of_call(inner, call)
        if len(arguments) == 1:  # Keras 3.8 wants a list only where it was given one.
            arguments, inputs = arguments[0], inputs[0]
        tensor = keras.Model(arguments, tensor)(inputs)
    return tensor


def _not_found(model: Any, head: str | None, seen: list[Any]) -> ValueError:
    names = ", ".join(
        f"{operation.name} ({type(operation).__name__})"
        for operation in seen
        if operation is not None
    )
    wanted = "a layer with a kernel" if head is None else f"a layer named {head!r}"
    advice = (
        "Pass the name of the layer that gives one number for each class, as `head=`."
        if head is None
        else "Pass the name of a layer with a kernel through which all of the output "
        "goes."
    )
    return ValueError(
        f"`head` must be the classification head of `model`, {wanted} that the output "
        f"of {show(model)} comes from. Received: head={head!r}, and from the output "
        f"backwards the layers {names}. {advice}"
    )
