"""Checks what users and Keras pass in, and brings it to one form."""
