"""Exports trained classifiers for TensorFlow Serving.

TensorFlow and the messages of TensorFlow Serving are imported when a model is exported.
"""

from keras_ccar.serving.saved_model import export

__all__ = ["export"]
