"""What can come of a call: the right value, an error, NaN, or what a page says."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Right:
    """The value of the oracle, eager and compiled."""

    rtol: float = 1e-5


@dataclasses.dataclass(frozen=True)
class Nan:
    """NaN, eager and compiled: Keras and the user look for it in the loss."""


@dataclasses.dataclass(frozen=True)
class Error:
    """An error that names an argument, and says what came and what to do.

    Attributes:
        argument: the argument that the message names in backticks.
        says: a regular expression for what it says.
        fix: makes of the call, and of the subject, what the message advises: a call, a
            pair of another subject and a call, or a function to run.
        is_nan: whether a compiled step, which cannot look at values, has NaN instead.
    """

    argument: str
    says: str
    fix: Callable | None = None
    is_nan: bool = False


@dataclasses.dataclass(frozen=True)
class Documented:
    """A value that cannot be told from what was meant, as a section of a page says.

    The oracle computes it from what was given, not from what was meant.
    """

    section: str
    phrase: str


RIGHT = Right()
NAN = Nan()


def nan_when_compiled(argument, says, fix=None):
    """An error about values, which a compiled step cannot look at."""
    return Error(argument, says, fix, is_nan=True)
