"""From a `Comparison` to text and pictures. Trains nothing."""
