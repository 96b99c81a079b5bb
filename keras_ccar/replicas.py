"""What training on several devices and processes needs to know.

Each replica of TensorFlow sees its share of the batch. On JAX, a compiled step computes
with the whole batch, however many devices and processes share it.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras


def replica_count() -> int:
    """Returns how many replicas of a `tf.distribute` strategy compute this step.

    On other backends, and outside of a step, it is 1.
    """
    replica = _replica()
    return 1 if replica is None else replica.num_replicas_in_sync


def strategy_size() -> int:
    """Returns the number of replicas of the `tf.distribute` strategy in scope, or 1."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def sum_over_replicas(values: Any) -> Any:
    """Returns the sum of a tensor over the replicas of a `tf.distribute` strategy."""
    return values if replica_count() == 1 else _replica().all_reduce("SUM", values)


def share_of_sum(values: Any) -> Any:
    """Returns 1/R of the sum of a tensor over R replicas: each replica has the same.

    Its gradient is that of the tensor itself. The optimizer adds up what the replicas
    return, and their gradients, so it gets the sum and the gradient of the sum.
    """
    if replica_count() == 1:
        return values
    import tensorflow as tf

    @tf.custom_gradient
    def share(values: Any) -> tuple[Any, Callable[[Any], Any]]:
        # The gradient that TensorFlow has for this sum would be one more sum.
        return sum_over_replicas(values) / replica_count(), lambda upstream: upstream

    return share(values)


def _replica() -> Any:
    """Returns the replica that this step belongs to, or None."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    return tf.distribute.get_replica_context()


def replica_variables(variable: Any) -> list[Any]:
    """Returns the variables of all replicas behind a metric's `keras.Variable`.

    Its own value is their sum, rounded to float32.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if isinstance(variable.value, tf.distribute.DistributedValues):
            return variable.value.values
    return [variable]


def process_index() -> int:
    """Returns the index of this process in a JAX run, 0 on other backends."""
    if keras.backend.backend() != "jax":
        return 0
    import jax

    return jax.process_index()


def process_count() -> int:
    """Returns the number of processes of a JAX run, 1 on other backends."""
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


@contextlib.contextmanager
def unsharded() -> Iterator[None]:
    """Within this context, what is created belongs to this JAX process alone."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def check_multi_worker_support() -> None:
    """Raises a `RuntimeError` if TensorFlow trains with several workers.

    Keras cannot do that: `fit` fails with an unrelated error before a callback gets its
    model, so this looks at the devices that the strategy has connected.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    devices = [
        tf.DeviceSpec.from_string(device.name)
        for device in tf.config.list_logical_devices()
    ]
    is_tpu = any(device.device_type.startswith("TPU") for device in devices)
    if not is_tpu and len({(device.job, device.task) for device in devices}) > 1:
        raise RuntimeError(
            "Keras 3 cannot `fit` under `tf.distribute.MultiWorkerMirroredStrategy` "
            "with several workers. Train on several machines with the JAX backend: "
            "`keras.distribution.initialize(...)`, then `keras.distribution."
            "set_distribution(keras.distribution.DataParallel())`. On one machine use "
            "`tf.distribute.MirroredStrategy`."
        )
