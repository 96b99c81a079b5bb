"""Copies of losses."""

import copy
from collections.abc import Callable
from typing import Any, ClassVar, Self


class CopiesAttributes:
    """Lets `copy.copy` and `copy.deepcopy` copy the attributes of a loss.

    Keras would save the loss and load it again, which needs functions that are
    registered.
    """

    # What a copy begins with instead, by the name of the attribute.
    _not_copied: ClassVar[dict[str, Any]] = {}

    def __copy__(self) -> Self:
        return self._copied(lambda value: value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._copied(lambda value: copy.deepcopy(value, memo), memo)

    def _copied(
        self, copy_value: Callable[[Any], Any], memo: dict[int, Any] | None = None
    ) -> Self:
        copied = type(self).__new__(type(self))
        if memo is not None:
            memo[id(self)] = copied
        for name, value in vars(self).items():
            is_copied = name not in self._not_copied
            vars(copied)[name] = (
                copy_value(value) if is_copied else self._not_copied[name]
            )
        return copied
