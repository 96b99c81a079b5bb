"""Processes that do tasks side by side, with real processes."""

import functools
import os
import time

import pytest
from worker_tasks import multiply

from keras_ccar.benchmark.runner.workers import Workers

PATIENCE = 600


def next_of(workers, kinds=("result", "death")):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for key, kind, value in workers.poll(1.0):
            if kind in kinds:
                return key, kind, value
    raise AssertionError("no process said anything")


@pytest.mark.slow
def test_two_processes_with_more_work_than_a_pipe_holds():
    with Workers(2, functools.partial(multiply, bytes(1_000_000))) as workers:
        assert workers.idle == 2
        for task in (1, 2):
            workers.submit(f"task {task}", task)
        assert workers.idle == 0
        found = dict(next_of(workers)[::2] for _ in range(2))
        assert found == {"task 1": 1_000_000, "task 2": 2_000_000}
        # A process that has died is started again for the next task.
        workers.submit("last", "die")
        key, kind, sentence = next_of(workers)
        assert (key, kind) == ("last", "death")
        assert "exit code 3" in sentence
        for task in (3, 4):
            workers.submit(f"task {task}", task)
        assert {next_of(workers)[2] for _ in range(2)} == {3_000_000, 4_000_000}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no cores to divide")
@pytest.mark.parametrize("threads", [None, 1])
def test_the_number_of_threads(threads, monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    monkeypatch.delenv("NPROC", raising=False)
    variables = {"TF_NUM_INTRAOP_THREADS": str(threads)} if threads else {}
    with Workers(1, functools.partial(multiply, b""), variables) as workers:
        workers.submit("threads", "threads")
        expected = threads or len(os.sched_getaffinity(0))
        assert next_of(workers)[2] == str(expected)


def test_processes_that_have_not_begun_are_killed():
    with Workers(2, functools.partial(multiply, bytes(1_000_000))) as workers:
        for task in (1, 2):
            workers.submit(f"task {task}", task)
        workers.kill()
        ends = [next_of(workers)[1:] for _ in range(2)]
    assert {kind for kind, _ in ends} == {"death"}
    assert all("SIGKILL" in sentence for _, sentence in ends)
