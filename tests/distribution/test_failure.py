"""Runs that are killed, and started again."""

import json
import multiprocessing
import random
import subprocess
import time

import keras
import pytest
from distribution import processes, resume

BACKEND = keras.backend.backend()
STEPS = 21  # 3 epochs of 7

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BACKEND == "torch", reason="a kill looks the same there"),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    return processes.run(
        "resume.py", {"directory": str(folder / "backup")}, folder / "outcome.json"
    )


def kill_and_restart(folder, kill_at, **options):
    """Returns the outcome of a run that was killed after `kill_at` steps."""
    options = {"directory": str(folder / "backup"), **options}
    devices = options.get("devices", 1)
    path = folder / "outcome.json"
    killed = processes.start(
        "resume.py", {**options, "kill_at": kill_at}, path, devices=devices
    )
    output, _ = killed.communicate(timeout=processes.TIMEOUT)
    assert killed.returncode == -9, output
    assert not path.exists()
    return processes.run("resume.py", options, path, devices=devices)


def assert_ends_alike(actual, expected):
    """Statistics, frequencies and weights are those of the undisturbed run, exactly."""
    epochs = len(actual["history"])
    assert 0 < epochs <= 3
    assert json.dumps(actual["history"]) == json.dumps(expected["history"][-epochs:])
    assert actual["frequency"] == expected["frequency"]
    assert actual["weights"] == expected["weights"]


@pytest.mark.parametrize(
    "kill_at",
    [14, *(pytest.param(step, marks=pytest.mark.failures) for step in (5, 18))],
)
def test_resumes_at_the_batch(kill_at, undisturbed, tmp_path):
    actual = kill_and_restart(tmp_path, kill_at)
    assert len(actual["history"]) == 3 - kill_at // 7 or kill_at == 14
    assert_ends_alike(actual, undisturbed)


def test_devices_that_share_batches_resume_alike(tmp_path):
    setup = {"tensorflow": "mirrored", "jax": "data"}[BACKEND]
    # Whole batches, and a dropout that devices do not draw each for itself.
    options = {"setup": setup, "devices": 2, "samples": 192, "dropout": 0.0}
    expected = processes.run(
        "resume.py",
        {**options, "directory": str(tmp_path / "undisturbed")},
        tmp_path / "undisturbed.json",
        devices=2,
    )
    actual = kill_and_restart(tmp_path, 9, **options)
    assert len(actual["history"]) == 2
    assert_ends_alike(actual, expected)


def test_keras_backup_repeats_the_epoch(undisturbed, tmp_path):
    options = {"callback": "BackupAndRestore", "save_freq": "epoch"}
    actual = kill_and_restart(tmp_path, 11, **options)
    assert len(actual["history"]) == 2
    for name in ("count", "frequency"):
        assert [e[name] for e in actual["history"]] == [
            e[name] for e in undisturbed["history"][-2:]
        ]


@pytest.mark.failures
def test_killed_at_20_random_points(undisturbed, tmp_path):
    # Forked from a process that has imported everything: a fifth of the time.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["keras_ccar"])

    def train(options, path):
        # Not a function of this file, which the new process could not import.
        process = context.Process(
            target=resume.main, args=({**resume.DEFAULTS, **options}, str(path))
        )
        process.start()
        process.join(processes.TIMEOUT)
        return process.exitcode

    for index, kill_at in enumerate(random.Random(0).choices(range(1, STEPS), k=20)):
        path = tmp_path / f"{index}.json"
        options = {"directory": str(tmp_path / str(index))}
        assert train({**options, "kill_at": kill_at}, path) == -9
        assert not path.exists()
        assert train(options, path) == 0
        assert_ends_alike(json.loads(path.read_text()), undisturbed)


@pytest.mark.skipif(BACKEND != "jax", reason="Keras has processes on JAX only")
def test_dead_peer_ends_the_run_and_all_resume(tmp_path):
    options = {
        "directory": str(tmp_path / "backup"),
        "setup": "processes",
        "processes": 2,
        "samples": 192,  # whole batches: each process has half of each
        "heartbeat": 10,
    }
    paths = [tmp_path / f"{process}.json" for process in range(2)]

    def start(kill_at=None):
        port = processes.free_port()
        return [
            processes.start(
                "resume.py",
                {
                    **options,
                    "port": port,
                    "process": process,
                    "kill_at": kill_at if process == 1 else None,
                },
                path,
            )
            for process, path in enumerate(paths)
        ]

    survivor, victim = start(kill_at=9)
    victim.communicate(timeout=processes.TIMEOUT)
    died = time.monotonic()
    try:
        output, _ = survivor.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        survivor.kill()
        raise
    assert victim.returncode == -9
    assert survivor.returncode not in (0, None), output
    assert time.monotonic() - died < 120
    assert list((tmp_path / "backup").glob("epoch-1-batch-*.weights.h5"))
    resumed = [
        processes.finish(process, path)
        for process, path in zip(start(), paths, strict=True)
    ]
    expected = processes.run(
        "resume.py",
        {
            **options,
            "setup": "single",
            "processes": 1,
            "directory": str(tmp_path / "1"),
        },
        tmp_path / "one_process.json",
    )
    for outcome in resumed:
        assert len(outcome["history"]) == 2
        for actual, one in zip(
            outcome["history"], expected["history"][1:], strict=True
        ):
            assert actual["count"] == one["count"]
        assert outcome["frequency"] == expected["frequency"]
