"""Tells by shapes whether the last axis of labels can be that of the classes."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

# A dimension that is not known before the data is read is None.
Shape = tuple[int | None, ...]


class Form(Enum):
    """What the shape of labels, beside those of the inputs, says about them."""

    VALUES = "every value is a label: a class index, or one yes or no"
    LIKELY_MAP = "a label of each token, unless K is the number of tokens"
    LIKELY_BATCH = "a batch of labels, unless K is the length of the inputs"
    VECTOR = "a batch of labels, or a single label of K columns"
    ROWS = "the last axis may be that of K classes or labels"


def form_of(
    shape: Shape,
    inputs: Sequence[Shape] = (),
    is_float: bool = False,
    source: str | None = None,
) -> Form:
    """Returns the form of labels.

    Args:
        shape: shape of the labels of one element.
        inputs: shapes of the other arrays of the element, if there are any.
        is_float: whether the labels are floats.
        source: "batch" or "single" if the data is known to come in batches or in
            single examples.
    """
    rank = len(shape)
    if rank == 0 or shape[-1] == 1:
        return Form.VALUES
    if rank == 1:
        return _form_of_vector(shape, inputs, is_float, source)
    if any(_is_map(shape, other, source) for other in inputs):
        # A matrix may have the shape of its inputs by chance.
        return Form.VALUES if rank >= 3 else Form.LIKELY_MAP
    return Form.ROWS


def _form_of_vector(
    shape: Shape, inputs: Sequence[Shape], is_float: bool, source: str | None
) -> Form:
    if source == "batch":
        return Form.VALUES
    if source == "single":
        is_sequence = any(len(s) >= 2 and s[:-1] == shape for s in inputs)
        return Form.LIKELY_MAP if is_sequence else Form.ROWS
    as_long = [other for other in inputs if other[:1] == shape]
    if any(len(other) >= 2 for other in as_long):
        return Form.LIKELY_BATCH
    if as_long:
        return Form.VECTOR
    return Form.ROWS if inputs or is_float else Form.VECTOR


def _is_map(shape: Shape, inputs: Shape, source: str | None) -> bool:
    """Tells labels of each pixel or token: the inputs' shape without the channels."""
    if len(inputs) != len(shape) + 1:
        return False
    without_channels = [inputs[:-1]]  # channels last, batched or not
    if source != "batch":
        without_channels.append(inputs[1:])  # channels first, of a single example
    if len(shape) >= 3:
        without_channels.append((inputs[0], *inputs[2:]))
    return shape in without_channels


def shapes_of(parts: Sequence[Any]) -> list[Shape]:
    """Returns the shapes of arrays, tensors and lists; other values have none: `()`."""
    return [
        (len(part),) if isinstance(part, list | tuple) else _static_shape(part)
        for part in parts
    ]


def _static_shape(part: Any) -> Shape:
    shape = getattr(part, "shape", ())
    # The shape of a TensorFlow spec may be unknown altogether.
    return tuple(shape) if getattr(shape, "rank", 0) is not None else ()
