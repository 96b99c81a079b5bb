"""Probabilities that come true: temperatures, and how often predictions are right."""
