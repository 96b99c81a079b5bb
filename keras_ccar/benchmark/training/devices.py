"""Devices and hosts that share the batches of every run."""

import contextlib
from typing import Any

import keras

from keras_ccar.replicas import process_count, process_index

# TensorFlow's; JAX keeps its distribution itself.
_strategy: Any = None


def enable_data_parallel(devices=None, hosts=(), host=0):
    """Has several devices share every batch of what is built and trained from now on.

    To be called once, before anything is computed. Without accelerators the devices
    are parts of the processor.

    Args:
        devices: how many devices of this machine; None for one, or with hosts for all
            accelerators of each.
        hosts: addresses of the machines that train together, the first with a port;
            this is called on each of them. JAX alone.
        host: which of them this one is, counted from 0.

    Raises:
        ValueError: if the backend, or the machine, cannot do so.
    """
    backend = keras.backend.backend()
    if (devices or 1) == 1 and not hosts:
        return
    if hosts and backend != "jax":
        raise ValueError(
            "--hosts needs the JAX backend, for Keras 3 trains over several hosts with "
            f"no other; received {backend!r}. Set KERAS_BACKEND=jax."
        )
    if backend == "tensorflow":
        _share_on_tensorflow(devices)
    elif backend == "jax":
        _share_on_jax(devices, hosts, host)
    else:
        raise ValueError(
            "--devices above 1 needs the TensorFlow or the JAX backend; received "
            f"{backend!r}. Set KERAS_BACKEND."
        )


def num_devices():
    """Returns the number of devices, of all hosts, that share a batch."""
    if _strategy is not None:
        return _strategy.num_replicas_in_sync
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else distribution.device_mesh.devices.size


def local_rows(batch):
    """Returns this host's rows of an array of a whole batch."""
    return batch[process_index() :: process_count()]


def clear_models():
    """Frees what Keras keeps of the models before, but not how batches are shared."""
    distribution = keras.distribution.distribution()
    keras.utils.clear_session(free_memory=False)
    keras.distribution.set_distribution(distribution)


def strategy_scope():
    """Returns the context to build models in whose batches are to be shared."""
    return contextlib.nullcontext() if _strategy is None else _strategy.scope()


@contextlib.contextmanager
def unsharded():
    """What is built and called in this context is the same on every host, unshared."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def _share_on_tensorflow(devices):
    import tensorflow as tf

    global _strategy
    kind = "GPU"
    found = len(tf.config.list_physical_devices(kind))
    if not found:
        kind, found = "CPU", devices
        (processor,) = tf.config.list_physical_devices(kind)
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration()] * devices
        )
    _check_found(devices, found)
    names = [f"{kind}:{index}" for index in range(devices)]
    _strategy = tf.distribute.MirroredStrategy(names)


def _share_on_jax(devices, hosts, host):
    import jax

    jax.config.update("jax_num_cpu_devices", devices or 1)
    if hosts:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        keras.distribution.initialize(",".join(hosts), len(hosts), host)
    found = jax.local_device_count()
    _check_found(devices or 1, found)
    all_devices = keras.distribution.list_devices()
    if hosts and devices not in (None, found):
        raise ValueError(
            f"--devices must be the {found} that each host has, or "
            f"be left out; received {devices}. Hide devices from JAX to use fewer."
        )
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(
            devices=all_devices if hosts else all_devices[:devices],
            auto_shard_dataset=False,
        )
    )


def _check_found(devices, found):
    if devices > found:
        raise ValueError(
            f"--devices must be at most {found}, of which there are so many here; "
            f"received {devices}."
        )
