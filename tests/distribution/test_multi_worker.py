"""MultiWorkerMirroredStrategy, under which Keras cannot fit."""

import numpy as np
import pytest
from distribution import processes

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow_only]


def outcomes(folder, workers):
    ports = [processes.free_port() for _ in range(workers)]
    paths = [folder / f"{index}.json" for index in range(workers)]
    started = [
        processes.start("multi_worker.py", {"ports": ports, "index": index}, path)
        for index, path in enumerate(paths)
    ]
    return [
        processes.finish(process, path)
        for process, path in zip(started, paths, strict=True)
    ]


def test_several_workers_are_an_error_that_says_what_to_use(tmp_path):
    for outcome in outcomes(tmp_path, 2):
        assert "MultiWorkerMirroredStrategy" in outcome["error"]
        assert "keras.distribution.initialize" in outcome["error"]


def test_a_single_worker_trains(tmp_path):
    (outcome,) = outcomes(tmp_path, 1)
    assert np.sum(outcome["count"]) == 64
