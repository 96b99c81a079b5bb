"""From a request to a plan: what is trained, and what its results depend on."""
