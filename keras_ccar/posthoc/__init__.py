"""What is done to a trained classifier: measured by class, corrected, retrained.

Nothing here trains the network again, apart from its last layer. Everything takes a
model and data that `model.predict` takes, or an array of predictions and their labels.
Choose on validation data that were held out of the training data, never on the test
data.
"""
