"""Processes that train runs beside each other."""

import contextlib
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import time

import keras
import numpy as np

from keras_ccar.benchmark.runner.environment import hardware

_SECONDS_BETWEEN_MESSAGES = 0.1


class Workers:
    """A number of processes, each of which does one task at a time.

    On a CPU the cores are divided among them. An accelerator is shared; see
    `share_accelerators`. A context manager: in the end the processes stop at the next
    step of what they do.

    Args:
        count: number of processes.
        work: what they do, a picklable `(task, on_progress) -> result`, where
            `on_progress(*values)` may be called at every step.
    """

    def __init__(self, count, work):
        # A fork would take over the backend's threads in an unknown state.
        self._context = multiprocessing.get_context("spawn")
        self._work = work
        self._cores = _divided_cores(count)
        self._workers = [None] * count
        self._tasks = {}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        workers = [worker for worker in self._workers if worker]
        for _, connection in workers:
            connection.close()
        try:
            for process, _ in workers:
                process.join()
        except KeyboardInterrupt:
            for process, _ in workers:
                process.kill()
            raise

    @property
    def idle(self):
        """How many processes have nothing to do."""
        return len(self._workers) - len(self._tasks)

    def submit(self, key, task):
        """Gives a task to an idle process.

        Args:
            key: what names the task.
            task: the argument of `work`, picklable.
        """
        index = next(i for i in range(len(self._workers)) if i not in self._tasks)
        if self._workers[index] is None:
            self._workers[index] = self._start(self._cores[index])
        self._tasks[index] = key
        # Where the process has died meanwhile, `events` says so.
        with contextlib.suppress(OSError):
            self._workers[index][1].send(task)

    def poll(self, timeout):
        """Yields what has happened, as `(key, kind, value)`.

        The kind is "progress" with the values that `on_progress` was called with,
        "result" with what `work` returned, or "death" with a sentence.

        Args:
            timeout: seconds after which to return if nothing happens.
        """
        busy = {self._workers[index][1]: index for index in self._tasks}
        for connection in multiprocessing.connection.wait(list(busy), timeout):
            index = busy[connection]
            key = self._tasks[index]
            try:
                kind, value = connection.recv()
            except (EOFError, OSError):
                kind, value = "death", self._reap(index)
            if kind != "progress":
                del self._tasks[index]
            yield key, kind, value

    def _start(self, cores):
        connection, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_worker_loop, args=(theirs, self._work, *cores), daemon=True
        )
        process.start()
        theirs.close()
        return process, connection

    def _reap(self, index):
        process, connection = self._workers[index]
        self._workers[index] = None
        connection.close()
        process.join()
        code = process.exitcode
        if code < 0:
            name = signal.Signals(-code).name
            return f"its process was killed by {name}" + (
                ", which is also what happens when memory runs out"
                if name == "SIGKILL"
                else ""
            )
        return f"its process ended with exit code {code}"


def allow_shared_accelerators():
    """Lets several processes use one accelerator, each what memory it needs.

    TensorFlow and JAX otherwise take most of the memory at once. To be called before
    anything is computed.
    """
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)


def _divided_cores(count):
    """Returns `(own cores, number of threads)` for each of a number of processes."""
    if hardware()["accelerators"] or not hasattr(os, "sched_setaffinity"):
        return [(None, None)] * count
    cores = sorted(os.sched_getaffinity(0))
    groups = max(1, min(count, len(cores)))
    divided = [set(part.tolist()) for part in np.array_split(cores, groups)]
    return [(divided[index % groups], len(cores)) for index in range(count)]


def _worker_loop(connection, work, cores, threads):
    # Ctrl-C reaches every process of a terminal; the first one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    allow_shared_accelerators()
    if cores:
        # As many threads as without division: their number decides in which order
        # sums are taken, so that another one would change the last digits.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
        os.environ.setdefault("NPROC", str(threads))  # XLA's, on a CPU
        os.sched_setaffinity(0, cores)
    # The first process asks to stop, or has died: the pipe's other end is closed.
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            task = connection.recv()
            connection.send(("result", work(task, _reporter(connection))))


def _reporter(connection):
    """Returns an `on_progress` that adds up steps and sends them now and then."""
    sent, waiting = time.monotonic(), 0

    def on_progress(epoch, steps):
        nonlocal sent, waiting
        # Nothing is sent to a process at work, so this is the end of the pipe.
        if connection.poll():
            raise KeyboardInterrupt
        waiting += steps
        now = time.monotonic()
        if now - sent >= _SECONDS_BETWEEN_MESSAGES:
            try:
                connection.send(("progress", (epoch, waiting)))
            except OSError:
                raise KeyboardInterrupt from None
            sent, waiting = now, 0

    return on_progress
