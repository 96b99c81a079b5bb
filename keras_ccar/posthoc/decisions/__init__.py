"""Thresholds of yes-or-no labels, and what they are chosen for."""
