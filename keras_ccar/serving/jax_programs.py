"""How JAX writes programs for TensorFlow, and whether TensorFlow can read them."""

import contextlib
import functools
import warnings
from collections.abc import Iterator
from typing import Any

import keras

# For CPU and GPU, not only for JAX's own device. A server needs no gradients, and JAX
# has none of convolutions of free sizes.
_OPTIONS = {
    "with_gradient": False,
    "native_serialization": True,
    "native_serialization_platforms": ("cpu", "cuda"),
}


@contextlib.contextmanager
def without_deprecation() -> Iterator[None]:
    """Mutes JAX's warning of an option that Keras passes, whatever we pass."""
    with warnings.catch_warnings():
        message = "The `native_serialization` parameter is deprecated"
        warnings.filterwarnings("ignore", message, DeprecationWarning)
        yield


def export_options() -> dict[str, Any]:
    """Returns the options of `ExportArchive.add_endpoint` on this backend."""
    return {"jax2tf_kwargs": _OPTIONS} if keras.backend.backend() == "jax" else {}


def check_tensorflow_reads_jax() -> None:
    """Raises an error if TensorFlow is too old for what JAX writes.

    No table of versions says so: a release of JAX writes for a TensorFlow that is a few
    weeks older. So a small program is written and read.

    Raises:
        RuntimeError: says which versions there are, and what to do.
    """
    if keras.backend.backend() != "jax" or tensorflow_reads_jax():
        return
    import jax
    import tensorflow as tf

    raise RuntimeError(
        "`export` on the JAX backend needs a TensorFlow that reads what JAX writes. "
        f"Received: TensorFlow {tf.__version__}, which does not read what JAX "
        f"{jax.__version__} writes. Install other versions (TensorFlow 2.21 reads JAX "
        "0.11.0, and TensorFlow 2.19 reads JAX 0.5.3), or use "
        "KERAS_BACKEND=tensorflow: save the model with `model.save('model.keras')`, "
        "and load and export it there."
    )


@functools.cache
def tensorflow_reads_jax() -> bool:
    """Returns whether TensorFlow can run a program that this JAX has written."""
    import jax
    import tensorflow as tf
    from jax.experimental import jax2tf

    @functools.partial(tf.function, autograph=False)
    def program(x: Any) -> Any:
        converted = jax2tf.convert(
            # A sum over a free size needs what the programs of models need.
            lambda x: jax.numpy.sum(x, axis=0),
            polymorphic_shapes=["(batch, 2)"],
            **_OPTIONS,
        )
        return converted(x)

    with without_deprecation():
        try:
            free = tf.TensorSpec((None, 2), "float32")
            program.get_concrete_function(free)(tf.ones((1, 2)))
        except tf.errors.InvalidArgumentError:
            return False
    return True
