"""Arguments as the user or Keras gives them, checked and brought to one form."""
