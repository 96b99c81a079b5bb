"""Pixels of streamed images, the one part of `datasets` that a run depends on."""
