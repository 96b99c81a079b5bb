"""Labels as files write them, and as numbers."""
