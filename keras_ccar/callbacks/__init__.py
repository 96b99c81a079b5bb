"""Callbacks for long-tailed training."""

from keras_ccar.callbacks.backup_and_resume import BackupAndResume
from keras_ccar.callbacks.ccar_callback import CCARCallback
from keras_ccar.callbacks.deferred_reweighting import DeferredReweighting

__all__ = ["BackupAndResume", "CCARCallback", "DeferredReweighting"]
