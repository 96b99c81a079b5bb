"""What a comparison refuses of the user's data and losses, and what it warns of."""
