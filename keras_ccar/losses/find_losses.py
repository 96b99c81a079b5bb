"""Finds losses in whatever a model was compiled with."""

import dis
import functools
import inspect
import numbers
import types
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras

from keras_ccar.losses.class_aware_loss import ClassAwareLoss

# Their functions and objects hold no loss of a user but what they were called with.
_LIBRARIES = frozenset(
    (
        *("builtins", "jax", "jaxlib", "keras", "numpy", "pandas", "scipy"),
        *("tensorflow", "torch", __name__.partition(".")[0]),
    )
)
# What is not searched: a loss in there belongs to something else.
_OPAQUE = (
    types.ModuleType,
    type,
    str,
    bytes,
    numbers.Number,
    type(None),
    keras.callbacks.Callback,
    keras.layers.Layer,  # a model too
    keras.metrics.Metric,
    keras.optimizers.Optimizer,
)
_SEQUENCES = (list, tuple, set, frozenset, deque)
_GLOBALS = ("LOAD_GLOBAL", "LOAD_NAME")


def find_losses(root: Any, kind: type | tuple[type, ...] = ClassAwareLoss) -> list[Any]:
    """Returns the losses that an object is made of, each once.

    Searched are sequences and dicts, attributes of losses and of other objects, the
    parts of `functools.partial`, and what functions have around them: closures,
    defaults, globals that they use. Of an object's methods these are those that a call
    of it may use; of modules, classes, models and layers only the attributes that such
    a function names.

    Args:
        root: what a model was compiled with as its loss, or any part of it.
        kind: the class of the losses to find, or a tuple of classes.
    """
    found: list[Any] = []
    seen: dict[Any, Any] = {}
    to_visit = [root]
    while to_visit:
        value = to_visit.pop()
        if _is_opaque(value):
            continue
        key: Any = id(value)
        if isinstance(value, types.MethodType):  # made anew at each access
            key = (id(value.__func__), id(value.__self__))
        if key in seen:
            continue
        seen[key] = value  # Keeps it, so that nothing else gets its id.
        if isinstance(value, kind):
            found.append(value)
        to_visit.extend(reversed(list(_parts(value))))
    return found


def only_loss(model: Any) -> Any:
    """Returns what a model was compiled with, None without a loss or with several."""
    losses = keras.tree.flatten(getattr(model, "loss", None))
    return losses[0] if len(losses) == 1 else None


def agreed_from_logits(root: Any) -> bool | None:
    """Returns whether the losses in an object take logits, None if they do not tell."""
    told = {
        loss.from_logits
        for loss in find_losses(root, keras.losses.Loss)
        if isinstance(getattr(loss, "from_logits", None), bool)
    }
    return told.pop() if len(told) == 1 else None


def _parts(value: Any) -> Iterator[Any]:
    """Yields what to search of an object."""
    if isinstance(value, _SEQUENCES):
        yield from value
    elif isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, functools.partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, types.MethodType):
        yield value.__func__
        yield value.__self__
        yield from _named(value.__self__, _names(value.__func__))
    elif isinstance(value, types.FunctionType):
        yield from _parts_of_function(value)
    else:
        yield from _attributes(value)


def _parts_of_function(function: types.FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield from _whole_or_named(cell.cell_contents, _names(function))
        except ValueError:  # not assigned yet
            continue
    yield function.__defaults__
    yield function.__kwdefaults__
    yield from vars(function).values()
    if _is_of_library(function.__globals__.get("__name__")):
        return
    for code in _codes(function.__code__):
        for instruction in dis.get_instructions(code):
            if instruction.opname in _GLOBALS:
                value = function.__globals__.get(instruction.argval)
                yield from _whole_or_named(value, _names(function))


def _whole_or_named(value: Any, names: Iterable[str]) -> Iterator[Any]:
    """Yields an object or, if it is not searched, its attributes of these names."""
    if not _is_opaque(value):
        yield value
    elif isinstance(value, types.ModuleType | type | keras.layers.Layer):
        yield from _named(value, names)


def _named(value: Any, names: Iterable[str]) -> Iterator[Any]:
    """Yields the attributes of an object, or of its class, that have these names."""
    for name in names:
        attribute = inspect.getattr_static(value, name, None)
        if isinstance(attribute, staticmethod | classmethod):
            attribute = attribute.__func__
        elif isinstance(attribute, property):
            attribute = attribute.fget
        elif isinstance(attribute, functools.cached_property):
            attribute = attribute.func
        is_method = isinstance(attribute, types.FunctionType)
        if is_method and not isinstance(value, types.ModuleType | type):
            attribute = types.MethodType(attribute, value)
        yield attribute


def _attributes(value: Any) -> Iterator[Any]:
    """Yields the attributes of an object, and the method that calling it calls."""
    yield from getattr(value, "__dict__", {}).values()
    for cls in type(value).__mro__:
        for name in _slots(cls):
            yield getattr(value, name, None)
    yield from _named(value, ["__call__"])


def _slots(cls: type) -> tuple[str, ...]:
    slots = vars(cls).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _is_opaque(value: Any) -> bool:
    if isinstance(value, keras.losses.Loss | types.FunctionType | types.MethodType):
        return False
    if isinstance(value, (*_SEQUENCES, Mapping, functools.partial)):
        return False
    return isinstance(value, _OPAQUE) or _is_of_library(type(value).__module__)


def _is_of_library(module: Any) -> bool:
    return str(module).partition(".")[0] in _LIBRARIES


def _names(function: Any) -> Iterable[str]:
    """Returns the names of the globals and attributes that a function uses."""
    code = getattr(function, "__code__", None)
    codes = () if code is None else _codes(code)
    # A dict, because the order decides how losses of the same name are called.
    return dict.fromkeys(name for code in codes for name in code.co_names)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yields the code of a function and of the functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)
