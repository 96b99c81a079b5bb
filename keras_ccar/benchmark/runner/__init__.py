"""From a plan to files: what is trained when and where, and how it is kept."""
