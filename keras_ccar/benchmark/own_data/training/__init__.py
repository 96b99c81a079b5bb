"""One training of the user's model, its measurement, and what is kept of it."""
