"""Devices and hosts that share the batches of every run."""

import contextlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_ccar.replicas import process_count, process_index

# The strategy on TensorFlow. On JAX, Keras keeps the distribution.
_strategy: Any = None


def enable_data_parallel(
    devices: int | None = None, hosts: Sequence[str] = (), host: int = 0
) -> None:
    """Shares every batch of later models and trainings among several devices.

    Call it once, before anything is computed. On a machine without accelerators, the
    devices are parts of the processor.

    Args:
        devices: number of devices of this machine; None for one, or with `hosts` for
            all accelerators of each host.
        hosts: addresses of the machines that train together, the first with a port;
            call this function on each of them. Needs JAX.
        host: index of this machine among the hosts.

    Raises:
        ValueError: if the backend or the machine does not support it.
    """
    backend = keras.backend.backend()
    if (devices or 1) == 1 and not hosts:
        return
    if hosts and backend != "jax":
        raise ValueError(
            "`--hosts` needs the JAX backend: Keras 3 trains on several hosts with no "
            f"other. Received: {backend!r}. Set KERAS_BACKEND=jax."
        )
    if backend == "tensorflow":
        _share_on_tensorflow(devices or 1)
    elif backend == "jax":
        _share_on_jax(devices, hosts, host)
    else:
        raise ValueError(
            "`--devices` above 1 needs the TensorFlow or the JAX backend. Received: "
            f"{backend!r}. Set KERAS_BACKEND."
        )


def num_devices() -> int:
    """Returns the number of devices on all hosts that share a batch."""
    if _strategy is not None:
        return _strategy.num_replicas_in_sync
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else distribution.device_mesh.devices.size


def local_rows(batch: np.ndarray) -> np.ndarray:
    """Returns this host's rows of a whole batch."""
    return batch[process_index() :: process_count()]


def clear_models() -> None:
    """Frees the memory that Keras keeps for earlier models; keeps the distribution."""
    distribution = keras.distribution.distribution()
    keras.utils.clear_session(free_memory=False)
    keras.distribution.set_distribution(distribution)


def strategy_scope() -> Any:
    """Returns the context in which to build models whose batches are shared."""
    return contextlib.nullcontext() if _strategy is None else _strategy.scope()


def _share_on_tensorflow(devices: int) -> None:
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


def _share_on_jax(devices: int | None, hosts: Sequence[str], host: int) -> None:
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
            f"`--devices` must be {found}, the number that each host has. Received: "
            f"{devices}. Leave it out, or hide devices from JAX to use fewer."
        )
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(
            devices=all_devices if hosts else all_devices[:devices],
            auto_shard_dataset=False,
        )
    )


def _check_found(devices: int, found: int) -> None:
    if devices > found:
        raise ValueError(
            f"`--devices` must be at most {found}, the number of devices on this "
            f"machine. Received: {devices}."
        )
