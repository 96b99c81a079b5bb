"""A digest of the user's own code, which no configuration tells."""

import dis
import functools
import hashlib
import os
import site
import sys
import sysconfig
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ccar.benchmark.own_data.planning.array_digest import add_array

_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)
_PARTS = (
    keras.callbacks.Callback,
    keras.losses.Loss,
    keras.optimizers.Optimizer,
    keras.optimizers.schedules.LearningRateSchedule,
)
# What a callback, loss or layer is given while it trains, or counts of objects.
_NOT_SETTINGS = frozenset(
    {"_model", "model", "name", "_name", "params", "validation_data", "verbose"}
)
# Where a callback writes decides nothing.
_PLACES = ("dir", "path", "file")


def digest_of_code(*values: Any, with_settings: bool = False) -> str:
    """Returns a digest of the functions and classes of the user behind some objects.

    It covers what they read too: defaults, closures and global names. Code of installed
    packages is not read, only named.

    Args:
        values: functions, or objects of Keras such as losses, layers and callbacks.
        with_settings: whether attributes such as numbers and arrays count as well, for
            objects that have no configuration.
    """
    reader = _Reader(with_settings)
    for value in values:
        if isinstance(value, keras.layers.Layer):
            reader.read_layer(value)
        else:
            reader.read(value)
    return reader.hexdigest()


class _Reader:
    """Walks from objects to all code that they can reach, each once."""

    def __init__(self, with_settings: bool) -> None:
        self._with_settings = with_settings
        self._content = hashlib.sha256()
        self._seen: dict[int, Any] = {}

    def hexdigest(self) -> str:
        """Returns the digest of all that was read."""
        return self._content.hexdigest()

    def read(self, value: Any, is_read: bool = False) -> None:
        """Reads a value; a function that reads it makes plain values count."""
        counts = is_read or self._with_settings
        if isinstance(value, _PLAIN):
            if counts:
                self._add(type(value).__name__, repr(value))
            return
        if id(value) in self._seen:
            return
        self._seen[id(value)] = value  # Kept, so that nothing gets its number.
        if isinstance(value, types.ModuleType):
            self._add("module", value.__name__)
        elif isinstance(value, type):
            self._read_class(value)
        elif isinstance(value, types.FunctionType):
            self._read_function(value)
        elif isinstance(value, types.MethodType):
            self.read(value.__func__, is_read)
            self.read(value.__self__, is_read)
        elif isinstance(value, functools.partial):
            self.read(value.func, True)
            self.read((value.args, value.keywords), True)
        elif isinstance(value, np.ndarray) or keras.ops.is_tensor(value):
            if counts:
                self._add("array")
                add_array(self._content, keras.ops.convert_to_numpy(value))
        elif isinstance(value, dict):
            for key, item in value.items():
                self.read(key, is_read)
                self.read(item, is_read)
        elif isinstance(value, list | tuple):
            for item in value:
                self.read(item, is_read)
        elif isinstance(value, set | frozenset):
            for item in sorted(value, key=repr):
                self.read(item, is_read)
        else:
            self._read_object(value, is_read)

    def read_layer(self, layer: keras.layers.Layer) -> None:
        """Reads the class of a layer and its functions, not the layers in it."""
        self._read_class(type(layer))
        self._read_attributes(layer, False)

    def _add(self, *parts: str) -> None:
        self._content.update("\0".join((*parts, "")).encode("utf-8", "replace"))

    def _read_function(self, function: types.FunctionType) -> None:
        if _is_library(function.__code__.co_filename):
            self._add("function", function.__module__ or "", function.__qualname__)
            return
        self._read_code(function.__code__)
        self.read((function.__defaults__, function.__kwdefaults__), True)
        for cell in function.__closure__ or ():
            try:
                self.read(cell.cell_contents, True)
            except ValueError:  # It was not given a value yet.
                continue
        for name in sorted(_names_in(function.__code__)):
            if name in function.__globals__:
                self.read(function.__globals__[name], True)

    def _read_code(self, code: types.CodeType) -> None:
        self._add("code", code.co_code.hex(), repr(code.co_names))
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._read_code(constant)
            else:
                self.read(constant, True)

    def _read_class(self, read: type) -> None:
        # The module of a script has another name in other processes.
        self._add("class", read.__qualname__)
        for one in read.__mro__:
            if _is_library_class(one):
                continue
            for name, value in sorted(vars(one).items()):
                if name.startswith("__") and not callable(value):
                    continue
                self._add(name)
                for part in _functions_of(value):
                    self.read(part, True)

    def _read_object(self, value: Any, is_read: bool) -> None:
        self._read_class(type(value))
        ours = type(value).__module__.partition(".")[0] == "keras_ccar"
        is_own = ours or not _is_library_class(type(value))
        # A model that a function reads changes while it trains.
        if isinstance(value, _PARTS) or (
            is_own and not isinstance(value, keras.layers.Layer)
        ):
            self._read_attributes(value, is_read)

    def _read_attributes(self, value: Any, is_read: bool) -> None:
        for name, item in sorted(getattr(value, "__dict__", {}).items()):
            is_place = isinstance(item, str | Path) and any(
                place in name.lower() for place in _PLACES
            )
            if name not in _NOT_SETTINGS and not is_place:
                self._add(name)
                self.read(item, is_read)


def _functions_of(value: Any) -> Iterable[Any]:
    """Returns what an attribute of a class holds, without its wrapping."""
    if isinstance(value, staticmethod | classmethod):
        return (value.__func__,)
    if isinstance(value, property):
        return (value.fget, value.fset, value.fdel)
    return (value,)


def _names_in(code: types.CodeType) -> set[str]:
    """Returns the global names that code and the functions within it read."""
    names = {
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    }
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names_in(constant)
    return names


@functools.cache
def _library_folders() -> tuple[str, ...]:
    package = str(Path(__file__).parents[2])
    paths = sysconfig.get_paths()
    found = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    found |= {package, site.getusersitepackages()}
    return tuple(f"{Path(path).resolve()}{os.sep}" for path in found)


@functools.cache
def _is_library(path: str) -> bool:
    """Whether a file belongs to Python, an installed package or this one."""
    if path.startswith("<frozen"):
        return True
    return str(Path(path).resolve()).startswith(_library_folders())


def _is_library_class(one: type) -> bool:
    module = sys.modules.get(one.__module__)
    if one.__module__ == "__main__":
        return False
    path = getattr(module, "__file__", None)
    return path is None or _is_library(path)
