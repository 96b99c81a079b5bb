"""Processes that train runs side by side."""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, NoReturn, Self

import keras
import numpy as np

from keras_ccar.benchmark.runner.environment import hardware

_SECONDS_BETWEEN_MESSAGES = 0.1

# `on_progress(epoch, steps)` may be called anytime during a task.
OnProgress = Callable[[int, int], None]
Work = Callable[[Any, OnProgress], Any]  # (task, on_progress) -> result


class Workers:
    """A number of processes, each of which does one task at a time.

    The processes divide the CPU cores among themselves, or share the accelerator; see
    `allow_shared_accelerators`. When the context manager exits, each of them stops at
    the next step of its task. `work`, which is what they do, must be picklable. The
    processes get `variables` of the environment, but those that are set already. Each
    has as many threads as the machine has cores, also where it may use a part of them
    only, unless the variables say otherwise.
    """

    def __init__(
        self, count: int, work: Work, variables: Mapping[str, str] | None = None
    ) -> None:
        # A fork would copy the backend's threads in an unknown state.
        self._context = multiprocessing.get_context("spawn")
        self._work = work
        self._variables = dict(variables or {})
        self._cores = _divided_cores(count)
        self._workers: dict[int, tuple[SpawnProcess, Connection]] = {}
        self._tasks: dict[int, str] = {}
        self._feeders: dict[int, threading.Thread] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        workers = list(self._workers.values())
        for index, (process, _) in self._workers.items():
            if self._feeders[index].is_alive():
                process.kill()  # It has not begun, and would go on importing.
            self._feeders[index].join()
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
    def idle(self) -> int:
        """The number of processes that have no task."""
        return len(self._cores) - len(self._tasks)

    def submit(self, key: str, task: Any) -> None:
        """Gives an idle process a task, which must be picklable; `key` names it."""
        index = next(i for i in range(len(self._cores)) if i not in self._tasks)
        self._tasks[index] = key
        if index in self._workers:
            _send(self._workers[index][1], task)
            return
        self._workers[index] = self._start(self._cores[index])
        # The work may hold all data. A process only reads it once it has imported the
        # backend, and meanwhile the others should start too.
        messages = (self._workers[index][1], self._work, task)
        feeder = threading.Thread(target=_send, args=messages, daemon=True)
        self._feeders[index] = feeder
        feeder.start()

    def poll(self, timeout: float) -> Iterator[tuple[str, str, Any]]:
        """Yields what happened within some seconds, as `(key, kind, value)`.

        The kind is "progress" with the arguments of `on_progress`, "result" with the
        return value of `work`, or "death" with a sentence.
        """
        busy = {self._workers[index][1]: index for index in self._tasks}
        ready = set(wait(list(busy), timeout))
        for connection, index in busy.items():
            if connection not in ready:
                continue
            key = self._tasks[index]
            try:
                kind, value = connection.recv()
            except (EOFError, OSError):
                kind, value = "death", self._reap(index)
            if kind != "progress":
                del self._tasks[index]
            yield key, kind, value

    def kill(self) -> None:
        """Ends the processes at once, whatever they are doing."""
        for process, _ in self._workers.values():
            process.kill()

    def _start(self, cores: set[int] | None) -> tuple[SpawnProcess, Connection]:
        connection, remote = self._context.Pipe()
        process = self._context.Process(
            target=_worker_loop,
            args=(remote, cores),
            daemon=True,
        )
        # TensorFlow reads some of them when it is imported, before the target runs.
        with _environment(self._variables):
            process.start()
        remote.close()
        return process, connection

    def _reap(self, index: int) -> str:
        """Removes a process that has died, and returns how it died."""
        process, connection = self._workers.pop(index)
        self._feeders.pop(index).join()  # Nobody reads what it sends.
        connection.close()
        process.join()
        code = process.exitcode or 0
        if code >= 0:
            return f"its process ended with exit code {code}"
        name = signal.Signals(-code).name
        death = f"its process was killed by {name}"
        if name == "SIGKILL":
            death += ", which is also what happens when memory runs out"
        return death


def allow_shared_accelerators() -> None:
    """Lets several processes share an accelerator, each with the memory it needs.

    TensorFlow and JAX otherwise allocate most of the memory at once. Must be called
    before anything is computed.
    """
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)


def _divided_cores(count: int) -> list[set[int] | None]:
    """Returns the cores that each of `count` processes may use; None for all."""
    if hardware()["accelerators"] or not hasattr(os, "sched_setaffinity"):
        return [None] * count
    cores = sorted(os.sched_getaffinity(0))
    groups = min(count, len(cores))
    divided = [set(part.tolist()) for part in np.array_split(cores, groups)]
    return [divided[index % groups] for index in range(count)]


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables for a while, but those that are set already."""
    added = {name: of for name, of in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _send(connection: Connection, *messages: Any) -> None:
    """Sends messages to a process; if it has died, `Workers.poll` reports it."""
    with contextlib.suppress(OSError):
        for message in messages:
            connection.send(message)


def _worker_loop(connection: Connection, cores: set[int] | None) -> None:
    # Ctrl-C reaches every process of a terminal; only the parent reacts to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    allow_shared_accelerators()
    if cores:
        # The number of threads sets the order of summation, and so the last digits.
        # Each process has as many threads as it would have with all cores, unless the
        # environment says otherwise.
        count = str(len(os.sched_getaffinity(0)))
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", count)
        os.environ.setdefault("NPROC", count)  # XLA's, on a CPU
        os.sched_setaffinity(0, cores)
    # The parent closes its end of the pipe to stop this process, or by dying.
    with contextlib.suppress(EOFError, OSError):
        work: Work = connection.recv()
        while True:
            task = connection.recv()
            connection.send(("result", work(task, _reporter(connection))))


def _reporter(connection: Connection) -> OnProgress:
    """Returns an `on_progress` that sums up steps and sends them at intervals."""
    sent, waiting = time.monotonic(), 0

    def on_progress(epoch: int, steps: int) -> None:
        nonlocal sent, waiting
        # A busy process is sent nothing, so input means that the pipe was closed.
        if connection.poll():
            _end()
        waiting += steps
        now = time.monotonic()
        if now - sent >= _SECONDS_BETWEEN_MESSAGES:
            try:
                connection.send(("progress", (epoch, waiting)))
            except OSError:
                _end()
            sent, waiting = now, 0

    return on_progress


def _end() -> NoReturn:
    """Ends a process in the middle of its task.

    An exception would destroy the iterator of a `tf.data.Dataset`. That waits for a
    thread which, for data from a generator, may wait for Python's lock, that the
    destructor holds: the process would never end. Runs are made to be killed.
    """
    os._exit(0)
