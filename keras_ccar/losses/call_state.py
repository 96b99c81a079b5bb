"""What the `call` of a loss needs and Keras does not pass to it."""

import contextlib
import dataclasses
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import keras

from keras_ccar.inputs.labels import shapes_fit
from keras_ccar.keras_internals import get_keras_mask, set_keras_mask


@dataclasses.dataclass
class Call:
    """A loss that is being called.

    Attributes:
        loss: the loss.
        given: the labels in the dtype of the loss, as Keras passes them to `call`.
        exact: the same labels, as they came.
        counted: 0 for the samples that a mask or a sample weight leaves out, or None.
        mask: False for the samples that the loss itself ignores, or None.
    """

    loss: Any
    given: Any
    exact: Any
    counted: Any
    mask: Any = None

    def restore_mask(self, losses: Any) -> None:
        """Sets the mask again that a subclass lost when it computed with the losses."""
        if (
            self.mask is not None
            and get_keras_mask(losses) is None
            and shapes_fit(tuple(losses.shape), tuple(self.mask.shape))
        ):
            set_keras_mask(losses, self.mask)


# Replicas of a `tf.distribute` strategy are threads, which take turns in mid-call.
_current: ContextVar[Call | None] = ContextVar("_current", default=None)


@contextlib.contextmanager
def calling(loss: Any, given: Any, exact: Any, counted: Any) -> Iterator[Call]:
    """Within this context, the functions below know the arguments of a call of a loss.

    The arguments are the attributes of `Call`.
    """
    call = Call(loss, given, exact, counted)
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


def counted_labels(loss: Any, y_true: Any) -> tuple[Any, Any]:
    """Returns the labels that `call` got, and which samples count or None.

    Keras rounds integer labels to the floats of the loss. These have all their digits,
    unless a subclass has changed them in its own `call`. All samples count if `call` is
    used directly.
    """
    call = _current_call(loss)
    if call is None:
        return y_true, None
    is_wide = keras.backend.standardize_dtype(call.exact.dtype) in ("int32", "int64")
    return (call.exact if y_true is call.given and is_wide else y_true), call.counted


def mask_ignored(loss: Any, losses: Any, mask: Any) -> None:
    """Lets the reduction leave out the samples for which `mask` is False."""
    set_keras_mask(losses, mask)
    call = _current_call(loss)
    if call is not None:
        call.mask = mask


def _current_call(loss: Any) -> Call | None:
    """Returns the call that is under way, if it is one of this loss."""
    call = _current.get()
    return call if call is not None and call.loss is loss else None
