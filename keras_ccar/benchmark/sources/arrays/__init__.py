"""Arrays from an `.npz` file."""
