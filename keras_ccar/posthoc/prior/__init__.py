"""The prior behind predictions: corrected, estimated, held against that of data."""
