"""Turns the results of a comparison into text, tables and figures."""
