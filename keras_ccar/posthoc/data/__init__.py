"""Data of any kind in, labels and predictions in one form out."""
