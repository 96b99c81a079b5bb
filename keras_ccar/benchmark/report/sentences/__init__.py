"""What a comparison found, in sentences."""
