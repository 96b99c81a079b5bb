"""One run: builds, trains and measures a network. Writes no file."""
