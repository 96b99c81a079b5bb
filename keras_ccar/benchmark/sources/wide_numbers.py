"""Says which numbers of the user's float32 does not hold."""

from collections.abc import Sequence

from keras_ccar.inputs.class_names import join_first

_SHOWN = 20


def note_wide(names: Sequence[str], notes: list[str]) -> None:
    """Notes columns, or arrays, whose digits float32 does not hold."""
    if names:
        notes.append(
            "Numbers whose differences float32 does not hold, as timestamps and large "
            f"ids have them: {join_first(list(names), _SHOWN)}. They are scaled as "
            "float64 first, and an exported model takes float64 for them."
        )
