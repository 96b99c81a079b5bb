"""The last layer of a model, found and trained again (cRT, LWS)."""
