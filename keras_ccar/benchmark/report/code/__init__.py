"""The code that a report shows: the loss of the winner, and how to use it."""
