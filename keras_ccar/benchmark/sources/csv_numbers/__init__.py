"""Numbers as CSV files write them: dividers, decimal points, thousands, marks."""
