"""What divides the columns of a CSV file."""

import csv
import itertools
import re
from pathlib import Path

_DIVIDERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_LOOKED_AT = 100


def describe_divider(divider: str) -> str:
    """Returns the name of a divider, such as "commas"."""
    return _DIVIDERS.get(divider, repr(divider))


def declared_divider(path: Path) -> str | None:
    """Returns what a first line such as "sep=;" says, as Excel reads it, or None."""
    with path.open(encoding="utf-8-sig") as file:
        line = file.readline()
    found = re.fullmatch(r'"?sep=([^\w\n "])"?\n?', line, re.IGNORECASE)
    return None if found is None else found[1]


def find_divider(path: Path) -> str:
    """Returns what divides the columns of a CSV file: the comma wherever it may be.

    Another divider is taken if the file declares it; or if it gives each row as many
    values as there are names of columns, at least two, and the comma does not. If rows
    are shorter or longer than the line of names, it is taken if the comma divides no
    names, and it alone divides names and values.
    """
    declared = declared_divider(path)
    if declared is not None:
        return declared
    found: dict[str, int] = {}
    of_names: list[str] = []
    for divider in _DIVIDERS:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=divider, skipinitialspace=True)
            try:
                rows = [row for row in itertools.islice(reader, _LOOKED_AT) if row]
            except csv.Error:  # a text of more than 131,072 characters
                return ","
        names, *values = [len(row) for row in rows] or [1]
        if names > 1 and set(values) <= {names}:
            found[divider] = names
        elif names > 1 and (divider == "," or max(values) > 1):
            of_names.append(divider)
    if "," in found:
        return ","
    if found:
        return max(found, key=found.__getitem__)
    return of_names[0] if len(of_names) == 1 else ","
