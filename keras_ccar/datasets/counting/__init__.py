"""Class counts of any data."""
