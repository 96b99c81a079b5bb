"""The arguments of a caller as code, for messages that say what to call next."""

import math
from typing import Any

# These may be long, and callers have names for them.
_BY_NAME = ("num_examples",)


def code_of(**given: Any) -> str:
    """Returns keyword arguments as code, each behind a comma; None is left out.

    Args:
        **given: what the caller passed.
    """
    return "".join(
        f", {name}={name if name in _BY_NAME else _literal(value)}"
        for name, value in given.items()
        if value is not None
    )


def _literal(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    return repr(getattr(value, "item", lambda: value)())  # also of NumPy's scalars
