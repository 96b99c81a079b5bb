"""Losses, statistics, metrics and data for long-tailed classification in Keras 3."""

__version__ = "0.1.0"
