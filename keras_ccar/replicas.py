"""What TensorFlow's replicas need; on other backends a step sees the whole batch."""

import keras


def sum_over_replicas(values):
    """Adds up a tensor over the replicas of a `tf.distribute` strategy.

    On JAX a compiled step computes with the whole batch, however many devices and
    processes share it, so a sum over the batch is over all of them already.

    Args:
        values: tensor that every replica has one of.

    Returns:
        The sum, of the same shape; the tensor itself where there are no replicas.
    """
    if keras.backend.backend() != "tensorflow":
        return values
    import tensorflow as tf

    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return values
    return replica.all_reduce("SUM", values)


def replica_variables(variable):
    """Returns the variables, one a replica, that a metric variable stands for.

    Args:
        variable: `keras.Variable` of a metric. Its own value is the sum of the
            copies, rounded to float32.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if isinstance(variable.value, tf.distribute.DistributedValues):
            return variable.value.values
    return [variable]


def process_index():
    """Returns which of the processes of a JAX run this is; 0 in any other."""
    if keras.backend.backend() != "jax":
        return 0
    import jax

    return jax.process_index()


def process_count():
    """Returns how many processes a JAX run has; 1 in any other."""
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


def check_multi_worker_support():
    """Raises a `RuntimeError` where Keras cannot train over TensorFlow's workers.

    Under `MultiWorkerMirroredStrategy` with several workers `fit` fails before a
    callback is told of its model, with an error of something else, so the check is of
    the devices that the strategy has joined.
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
