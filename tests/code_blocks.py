"""The Python code in Markdown and docstrings, and what a page says that it prints."""

import contextlib
import io
import re
import warnings
from typing import NamedTuple

import pytest

_EXAMPLE = re.compile(
    r"^(<!-- not run: [^\n]+ -->\n)?```python\n(.*?)^```\n?(?:\n?```text\n(.*?)^```)?",
    re.DOTALL | re.MULTILINE,
)
_NUMBER = re.compile(r"\d+\.\d+")


class Example(NamedTuple):
    """A block of code, and the block of text right below it, or None."""

    code: str
    printed: str | None


def examples(text):
    """The blocks that can run: a comment `<!-- not run: why -->` above excludes one."""
    found = _EXAMPLE.findall(text)
    return [Example(code, told or None) for why, code, told in found if not why]


def code_blocks(text):
    """The code of the blocks that can run."""
    return [example.code for example in examples(text)]


def run(text, name):
    """Runs the blocks one after the other, as a reader would who begins at the top.

    A block of text below the code is what it prints, up to white space; decimal numbers
    are compared with a tolerance, and `...` stands for any text. A text that begins
    with the name of an error or a warning says that the code raises it or warns so.
    """
    namespace = {"__name__": "example"}
    for code, told in examples(text):
        block = compile(code, name, "exec")
        if told is None:
            exec(block, namespace)
        else:
            check_printed(told, what_it_prints(block, namespace))


def what_it_prints(block, namespace):
    """What the code prints; its warnings and the error that ends it follow."""
    output = io.StringIO()
    failure = []
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(output),
    ):
        warnings.simplefilter("always", UserWarning)
        try:
            exec(block, namespace)
        except ValueError as error:
            failure = [f"ValueError: {error}"]
    warned = [f"{told.category.__name__}: {told.message}" for told in caught]
    return "\n".join([output.getvalue(), *warned, *failure])


def check_printed(told, printed):
    """Fails where what was printed is not what a page says."""
    told, printed = (" ".join(text.split()) for text in (told, printed))
    pattern = re.escape(told).replace(re.escape("..."), ".*?")
    pattern = re.sub(r"\d+\\\.\d+", r"(\\d+\\.\\d+)", pattern)
    match = re.fullmatch(pattern, printed)
    assert match, f"The page says:\n{told}\nIt is:\n{printed}"
    numbers, expected = match.groups(), _NUMBER.findall(told)
    for number, other in zip(numbers, expected, strict=True):
        # Backends sum in other orders, and draw other first weights.
        tolerance = 0.101 if len(other.partition(".")[2]) == 1 else 0.05
        assert float(number) == pytest.approx(float(other), abs=tolerance), printed
