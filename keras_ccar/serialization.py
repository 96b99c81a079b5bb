"""Configurations that hold other objects, and what cannot be loaded from one."""

import contextlib
import functools
import inspect
import sys
import types
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

import keras

_Part = TypeVar("_Part")
_PACKAGE = __name__.split(".", maxsplit=1)[0]
_warns = ContextVar("_warns", default=True)
# What a function may take from the function around it: it is the same everywhere.
_CONSTANTS = (types.ModuleType, types.BuiltinFunctionType, type)
# Arguments that Keras's own `get_config` leaves out.
_NOT_SAVED = ("self", "name", "dtype")


def deserialize_nested(config: dict[str, Any]) -> dict[str, Any]:
    """Returns a configuration with its serialised objects deserialised."""
    with without_reload_warnings():
        return {
            name: deserialize_argument(name, value)
            if isinstance(value, dict) and "class_name" in value
            else value
            for name, value in config.items()
        }


def deserialize_argument(name: str, value: Any) -> Any:
    """Returns the object of a saved argument; an error names the argument."""
    try:
        return keras.saving.deserialize_keras_object(value)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"`{name}` cannot be made from its configuration. {error}"
        ) from error


def from_nested_config(cls: type[_Part], config: dict[str, Any]) -> _Part:
    """Makes an object from its configuration, without the warnings of a new one."""
    arguments = deserialize_nested(config)
    with without_reload_warnings():
        return cls(**arguments)


@contextlib.contextmanager
def without_reload_warnings() -> Iterator[None]:
    """Within this context, `warn_if_not_reloadable` says nothing."""
    token = _warns.set(False)
    try:
        yield
    finally:
        _warns.reset(token)


def warn_if_not_reloadable(argument_name: str, value: Any) -> None:
    """Warns of a function or object that no other process could load with a model.

    Keras saves the registered name of a function or class, and nothing else of it.
    Whether a process can find that name is seen when it loads the model, which may be
    long after the training; hence the warning when the object is passed in.

    Args:
        argument_name: the argument that it was passed as.
        value: a function, an object with `get_config`, or anything else, which passes.
    """
    if not _warns.get():
        return
    problem = _find_problem(value)
    if problem is not None:
        reason, advice = problem
        warnings.warn(
            f"`{argument_name}` cannot be loaded with a saved model in another "
            f"process: {reason}. {advice}",
            stacklevel=_level_of_user(),
        )


def _find_problem(value: Any) -> tuple[str, str] | None:
    """Returns why another process could not load a value and what to do, or None."""
    if value is None or isinstance(value, str | type):
        return None
    if isinstance(value, types.FunctionType):
        return _problem_of_function(value)
    if type(value).__module__.split(".", maxsplit=1)[0] in ("keras", _PACKAGE):
        return None  # whose constructors check their own arguments
    if hasattr(value, "get_config") and hasattr(value, "from_config"):
        return _problem_of_object(value)
    return _problem_of_other(value) if callable(value) else None


def _problem_of_function(function: types.FunctionType) -> tuple[str, str] | None:
    signature, name = _signature(function), function.__name__
    captured = _captured_names(function, set())
    if captured:
        names = ", ".join(f"`{name}`" for name in captured)
        return (
            f"the function {name!r} depends on {names} of the function around it, "
            "which is not saved",
            _advise_class(name, ", ".join(captured), signature),
        )
    if name == "<lambda>":
        return (
            "it is a lambda, which has no name to find it by",
            _advise_registration(f"def weight{signature}: ..."),
        )
    registered_name = keras.saving.get_registered_name(function)
    found = _find_function(registered_name)
    # A module that was imported twice, or reloaded, has registered an equal one.
    if found is function or getattr(found, "__code__", None) == function.__code__:
        return None
    if registered_name != name:
        return (
            f"another function has been registered as {registered_name!r} since",
            _advise_registration(f"def {name}{signature}: ...", "under another name"),
        )
    return (
        f"the function {name!r} is not registered",
        _advise_registration(f"def {name}{signature}: ..."),
    )


def _problem_of_object(value: Any) -> tuple[str, str] | None:
    cls = type(value)
    registered_name = keras.saving.get_registered_name(cls)
    found = keras.saving.get_registered_object(registered_name)
    if found is not cls and getattr(found, "__qualname__", None) != cls.__qualname__:
        bases = ", ".join(base.__name__ for base in cls.__bases__)
        return (
            f"the class {cls.__name__!r} is not registered",
            _advise_registration(f"class {cls.__name__}({bases}): ..."),
        )
    config = value.get_config()
    lost = [
        name
        for name, parameter in inspect.signature(cls).parameters.items()
        if name not in config and _is_lost(value, name, parameter)
    ]
    if lost:
        names = ", ".join(f"`{name}`" for name in lost)
        return (
            f"`{cls.__name__}.get_config()` lacks {names}",
            "Add every argument of the constructor to the dict that it returns.",
        )
    problems = (_find_problem(part) for part in config.values() if callable(part))
    return next((problem for problem in problems if problem is not None), None)


def _problem_of_other(value: Any) -> tuple[str, str]:
    """Returns the problem of a callable that is neither a function nor configured."""
    kind, inner, arguments = type(value).__name__, value, "..."
    if isinstance(value, functools.partial):
        inner, arguments = value.func, ", ".join(value.keywords) or "..."
    name = getattr(inner, "__name__", type(inner).__name__)
    return (
        f"it is an object of type {kind!r}, and Keras saves functions and objects "
        "with `get_config` and `from_config` alone",
        _advise_class(name, arguments, _signature(value)),
    )


def _is_lost(value: Any, name: str, parameter: inspect.Parameter) -> bool:
    """Whether an argument that `get_config` lacks would be another after loading."""
    variadic = (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    if name in _NOT_SAVED or parameter.kind in variadic:
        return False
    if parameter.default is parameter.empty:
        return True
    held = getattr(value, name, parameter.default)
    return isinstance(held, bool | int | float | str) and held != parameter.default


def _captured_names(function: types.FunctionType, seen: set[int]) -> list[str]:
    """Returns the variables of surrounding functions whose values may differ."""
    seen.add(id(function))
    names = []
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in cells:
        try:
            content = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
        if isinstance(content, types.FunctionType):
            if id(content) not in seen:
                names += _captured_names(content, seen)
        elif not isinstance(content, _CONSTANTS):
            names.append(name)
    return names


def _find_function(registered_name: str) -> Any:
    """Returns the function that Keras would load for a name, or None."""
    config = {
        "module": "builtins",
        "class_name": "function",
        "config": registered_name,
        "registered_name": "function",
    }
    try:
        return keras.saving.deserialize_keras_object(config)
    except (TypeError, ValueError):
        return None


def _signature(value: Any) -> str:
    try:
        return str(inspect.signature(value))
    except (TypeError, ValueError):
        return "(...)"


def _advise_registration(code: str, how: str = "") -> str:
    return (
        f"Register it{f' {how}' if how else ''}, in a module that every process "
        "imports before it loads the model:\n\n"
        '    @keras.saving.register_keras_serializable(package="mine")\n'
        f"    {code}\n"
    )


def _advise_class(name: str, arguments: str, signature: str) -> str:
    """Returns how to write a function with saved arguments."""
    title = name.title().replace("_", "") if name.isidentifier() else "Weight"
    return (
        f"Write a class instead, with `__init__(self, {arguments})`, `__call__"
        f"{signature.replace('(', '(self, ', 1)}`, `get_config` and `from_config`. "
        + _advise_registration(f"class {title}: ...")
    )


def _level_of_user() -> int:
    """Returns the stack level, for the caller, of the code that uses this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame):
        level, frame = level + 1, frame.f_back
    return level


def _is_ours(frame: types.FrameType) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return name.split(".", maxsplit=1)[0] == _PACKAGE
