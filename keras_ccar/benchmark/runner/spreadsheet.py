"""Tables as CSV that a spreadsheet reads as text and numbers, never as formulas."""

from typing import Any

import pandas as pd

# What spreadsheets take for the beginning of a formula, or skip before one.
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(table: pd.DataFrame) -> str:
    """Returns a table as CSV, its texts that look like formulas behind an apostrophe.

    Numbers, also negative ones, stay as they are.
    """
    return str(table.map(_quoted).to_csv(index=False))


def _quoted(cell: Any) -> Any:
    is_formula = isinstance(cell, str) and cell.startswith(_BEGINS_FORMULA)
    return f"'{cell}" if is_formula else cell
