"""Libraries that only some of the data needs."""

import importlib


def require(module, package):
    """Imports a module, or says which package to install."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"This needs {package}, which is not installed ({error}): install it with "
            "`pip install 'keras_ccar[datasets]'`."
        ) from error
