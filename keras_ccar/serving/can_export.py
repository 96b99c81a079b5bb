"""What must be there before a model can be exported."""

from types import ModuleType

import keras

from keras_ccar.requirements import require
from keras_ccar.serving.jax_programs import check_tensorflow_reads_jax

_LOG_MESSAGES = "tensorflow_serving.apis.prediction_log_pb2"


def check_can_export() -> tuple[ModuleType, ModuleType]:
    """Raises an error on a backend, or with packages, that cannot export.

    Returns:
        TensorFlow, and the messages that a log of requests for a server is made of.

    Raises:
        ModuleNotFoundError: without TensorFlow or tensorflow-serving-api.
        RuntimeError: on a backend other than TensorFlow and JAX; on JAX, if TensorFlow
            is too old for what JAX writes.
    """
    backend = keras.backend.backend()
    if backend not in ("tensorflow", "jax"):
        raise RuntimeError(
            "`export` needs the TensorFlow or JAX backend, the only ones that write a "
            f"SavedModel with a free batch dimension. Received: backend {backend!r}. "
            "Save the model with `model.save('model.keras')`, and load and export it "
            "in a process with KERAS_BACKEND=tensorflow."
        )
    tf = require("tensorflow", "TensorFlow", "serving")
    check_tensorflow_reads_jax()
    return tf, require(_LOG_MESSAGES, "tensorflow-serving-api", "serving")
