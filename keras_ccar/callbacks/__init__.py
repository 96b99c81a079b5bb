"""Callbacks for long-tailed training."""

from keras_ccar.callbacks.ccar_callback import CCARCallback

__all__ = ["CCARCallback"]
