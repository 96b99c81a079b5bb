"""Names of inputs that a SavedModel may have."""

import re
import warnings
from collections.abc import Sequence

# Names that Keras gives to unnamed inputs; they differ from process to process.
_UNNAMED = re.compile(r"(keras_tensor|input_layer)(_\d+)?")


def valid_input_names(own_names: Sequence[str | None]) -> list[str]:
    """Returns different names of ASCII letters, digits and underscores for inputs.

    Names that are valid stay as they are. A single unnamed input is called `inputs`,
    one of several `input_0`, `input_1` and so on. Warns of names that cannot be told
    from the model's own by putting an underscore for every other character.

    Args:
        own_names: the names in the model, None for unnamed inputs.
    """
    default = [
        "inputs" if len(own_names) == 1 else f"input_{index}"
        for index in range(len(own_names))
    ]
    wanted = [
        _valid(own, unnamed) for own, unnamed in zip(own_names, default, strict=True)
    ]
    # The names that inputs have already are theirs.
    taken = {name for own, name in zip(own_names, wanted, strict=True) if own == name}
    names, surprising = [], {}
    for own, name in zip(own_names, wanted, strict=True):
        if own != name or name in names:
            name = _free(name, taken)
            taken.add(name)
        names.append(name)
        if own and not _UNNAMED.fullmatch(own) and name != re.sub(r"\W", "_", own):
            surprising[own] = name
    if surprising:
        renamed = ", ".join(f"{own!r} is {name!r}" for own, name in surprising.items())
        warnings.warn(
            "A SavedModel names its inputs with ASCII letters, digits and underscores, "
            f"so clients must use other names than the model does: {renamed}. Rename "
            "the inputs of the model to choose names of your own.",
            UserWarning,
            stacklevel=4,
        )
    return names


def _valid(own: str | None, default: str) -> str:
    name = re.sub(r"\W", "_", own or "", flags=re.ASCII)
    if _UNNAMED.fullmatch(name) or not name.strip("_"):
        return default
    return name if re.match("[A-Za-z]", name) else f"input_{name.lstrip('_')}"


def _free(name: str, taken: set[str]) -> str:
    """Returns the name with a number behind it if it is taken."""
    free, number = name, 0
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
