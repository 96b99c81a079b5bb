"""Imports optional dependencies."""

import importlib
from types import ModuleType


def require(
    module: str, package: str, extra: str, needed_by: str | None = None
) -> ModuleType:
    """Imports a module of a package, or says which extra of `keras_ccar` installs it.

    The message begins with what needs the package, by default `keras_ccar.<extra>`.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{needed_by or f'`keras_ccar.{extra}`'} needs {package}, which is not "
            f"installed ({error}): run `pip install 'keras_ccar[{extra}]'`.",
            name=error.name,
        ) from error
