"""What the numbers of a comparison say: columns, paired differences, a ranking."""
