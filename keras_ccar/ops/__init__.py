"""Arithmetic on tensors. It checks nothing and imports nothing else of the package."""
