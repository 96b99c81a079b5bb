"""Columns of dates, which no network takes as they are."""

import warnings

import pandas as pd

ADVICE = (
    "put numbers made of them, such as the day of the week or the age in days, into "
    "columns of their own"
)
_LOOKED_AT = 1000
# A year, or day, month and year of few digits. Pandas takes other texts for times too.
_LIKE_A_DATE = r"\b(?:19|20)\d\d\b|^\d{1,2}[./-]\d{1,2}[./-]\d\d\b"


def are_dates(present: pd.Series) -> bool:
    """Whether most values of a column without missing ones are dates."""
    if pd.api.types.is_datetime64_any_dtype(present):
        return True
    some = present.iloc[:_LOOKED_AT].astype("string").str.strip()
    some = some.where(some.str.contains(_LIKE_A_DATE))
    with warnings.catch_warnings(action="ignore"):
        dates = pd.to_datetime(some, errors="coerce", format="mixed", utc=True)
    return bool(dates.notna().mean() > 0.5)
