"""Renders the table as Markdown, for docs/pitfalls.md."""

import pathlib
import re

from unusual import table
from unusual.outcomes import Documented, Error, Nan

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "pitfalls.md"
BEGIN = "<!-- begin: written by tests/unusual_inputs.py -->"
END = "<!-- end: written by tests/unusual_inputs.py -->"


def page_with_table(text):
    """The text of the page, with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{markdown()}\n{END}{after}"


def count_cells():
    """The cells of each family: an input, an object, eager or compiled."""
    return {
        family: sum(
            1 + (row.is_compiled and subject.is_compiled)
            for row in table.ROWS
            for subject in table.subjects_of(family, row)
        )
        for family in table.FAMILIES
    }


def markdown():
    """All groups of inputs, each a table."""
    groups = dict.fromkeys(row.group for row in table.ROWS)
    total = sum(count_cells().values())
    parts = [f"{total:,} cells: an input, an object, eager or compiled."]
    for group in groups:
        rows = [row for row in table.ROWS if row.group == group]
        families = [
            family
            for family in table.FAMILIES
            if any(table.subjects_of(family, row) for row in rows)
        ]
        head = [group, *(table.COLUMNS[family] for family in families)]
        lines = [_line(head), _line([":--"] * len(head))]
        lines += [_line([row.name, *(_cell(f, row) for f in families)]) for row in rows]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _line(cells):
    return f"| {' | '.join(cells)} |"


def _cell(family, row):
    """What comes of the input in a family; exceptions with the names of objects."""
    told = {}
    for subject in table.subjects_of(family, row):
        told.setdefault(_told(row.outcome(subject)), []).append(subject.name)
    if not told:
        return "–"
    most, *others = sorted(told, key=lambda outcome: -len(told[outcome]))
    parts = [most]
    for outcome in others:
        names = dict.fromkeys(re.sub(r"\(.*", "", name) for name in told[outcome])
        parts.append(f"{outcome}: {', '.join(f'`{name}`' for name in names)}")
    return "; ".join(parts)


def _told(outcome):
    if isinstance(outcome, Error):
        return "error, NaN" if outcome.is_nan else "error"
    if isinstance(outcome, Nan):
        return "NaN"
    if isinstance(outcome, Documented):
        return f"[documented](#{outcome.section})"
    return "right"
