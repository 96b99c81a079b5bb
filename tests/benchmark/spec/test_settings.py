import math
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from keras_ccar.benchmark.spec.settings import (
    check_settings,
    convert_settings,
    format_number,
    given_settings,
    setting,
    settings_of,
)


@dataclass
class Example:
    name: str = "example"
    size: int = setting(4, help="size", minimum=1)
    rate: float = setting(0.1, help="rate", above=0)
    share: float = setting(0.5, help="share", minimum=0, below=1)
    mode: str = setting("a", help="mode", choices=("a", "b"))
    flag: bool = setting(False, help="flag")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 0}, "`size` of x must be at least 1. Received: size=0."),
        ({"rate": 0.0}, "`rate` of x must be above 0. Received: rate=0.0."),
        (
            {"share": 1.0},
            "`share` of x must be at least 0 and below 1. Received: share=1.0.",
        ),
        (
            {"rate": math.inf},
            "`rate` of x must be a finite number. Received: rate=inf.",
        ),
        ({"mode": "c"}, "`mode` of x must be one of 'a', 'b'. Received: mode='c'."),
    ],
)
def test_values_out_of_bounds(settings, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - compared below
        check_settings(Example(**settings), "x")
    assert str(error.value) == message


def test_bounds_that_are_allowed_themselves():
    check_settings(Example(size=1, share=0.0, mode="b", flag=True), "x")


def test_settings_are_the_fields_with_help():
    names = [item.name for item in settings_of(Example)]
    assert names == ["size", "rate", "share", "mode", "flag"]
    given = dict.fromkeys(names) | {"rate": 0.2, "flag": False, "other": 1}
    expected = {"rate": 0.2, "flag": False}
    assert given_settings(SimpleNamespace(**given), Example) == expected


def test_settings_from_python_are_converted():
    given = {"rate": 1, "size": 2, "mode": None}
    converted = convert_settings(given, Example)
    assert list(converted.items()) == [("size", 2), ("rate", 1.0)]
    assert isinstance(converted["rate"], float)
    with pytest.raises(ValueError, match="`name` is not a setting of `Example`"):
        convert_settings({"name": "x"}, Example)
    with pytest.raises(ValueError, match=r"`size` must be of type int.*size=2\.5"):
        convert_settings({"size": 2.5}, Example)


@pytest.mark.parametrize("value", [1, 1.0, 0.1234567, 1e-7, 13_000])
def test_numbers_as_text(value):
    assert float(format_number(value)) == value
    assert not format_number(value).endswith(".0")
