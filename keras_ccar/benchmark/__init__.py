"""Comparisons that can be checked: recipes, runs, reports, the `keras-ccar` command."""
