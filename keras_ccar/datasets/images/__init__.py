"""Pixels of streamed images, the only part of `datasets` that affects a run."""
