"""The same training on one device and on many: the same outcome."""

import json

import keras
import numpy as np
import pytest
from distribution import processes

BACKEND = keras.backend.backend()
VARIANTS = {
    "plain": {},
    "normalized": {"normalize": True, "one_hot": True, "outputs": 2, "epochs": 2},
}
SETUPS = {
    "tensorflow": [("mirrored", 2), ("mirrored", 4)],
    "jax": [("data", 4), ("model", 4)],
    "torch": [],
}[BACKEND]


@pytest.fixture(scope="module")
def on_one_device(tmp_path_factory):
    """The outcome of a variant on one device, trained once."""
    folder, known = tmp_path_factory.mktemp("one_device"), {}

    def outcome(options):
        key = json.dumps(options)
        if key not in known:
            known[key] = processes.run("train.py", options, folder / "outcome.json")
        return known[key]

    return outcome


def assert_same(actual, expected):
    """Counts and frequencies are identical, everything else is within 1e-5."""
    assert _named(actual["history"], "count") == _named(expected["history"], "count")
    assert actual["frequency"] == expected["frequency"]
    for name in ("loss", "logs", "history", "weights"):
        pairs = zip(
            keras.tree.flatten(actual[name]),
            keras.tree.flatten(expected[name]),
            strict=True,
        )
        for a, b in pairs:
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5, err_msg=name)


def _named(history, name):
    """The values of a statistic, of every epoch and output."""
    return [
        value
        for path, value in keras.tree.flatten_with_path(history)
        if name in map(str, path)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("setup", "devices"), SETUPS)
def test_devices_of_one_process(setup, devices, variant, on_one_device, tmp_path):
    options = VARIANTS[variant]
    actual = processes.run(
        "train.py",
        {**options, "setup": setup, "devices": devices},
        tmp_path / "outcome.json",
        devices=devices,
    )
    expected = on_one_device(options)
    assert_same(actual, expected)
    counts = _named(expected["history"], "count")
    # 224 samples an epoch, in each output.
    assert sum(counts) == 224 * options.get("epochs", 3) * options.get("outputs", 1)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "jax", reason="Keras has processes on JAX only")
@pytest.mark.parametrize("variant", ["plain", "normalized"])
def test_processes(variant, on_one_device, tmp_path):
    options = {
        **VARIANTS[variant],
        "setup": "processes",
        "processes": 2,
        "port": processes.free_port(),
    }
    paths = [tmp_path / f"{process}.json" for process in range(2)]
    pair = [
        processes.start("train.py", {**options, "process": process}, path)
        for process, path in enumerate(paths)
    ]
    for process, path in zip(pair, paths, strict=True):
        assert_same(processes.finish(process, path), on_one_device(VARIANTS[variant]))


@pytest.mark.slow
@pytest.mark.tensorflow_only
def test_last_batch_that_replicas_do_not_share_alike(on_one_device, tmp_path):
    # 201 samples: the last batch of 9 is split 3, 3, 3, 0.
    options = {"samples": 201, "normalize": True, "epochs": 1}
    actual = processes.run(
        "train.py",
        {**options, "setup": "mirrored", "devices": 4},
        tmp_path / "outcome.json",
    )
    assert_same(actual, on_one_device(options))


@pytest.mark.slow
@pytest.mark.tensorflow_only
def test_replicas_count_exactly_beyond_float32(tmp_path):
    outcome = processes.run("sums.py", {}, tmp_path / "outcome.json")
    # The second replica adds 1 more, four times. 2^24 + 1 is no float32.
    expected = 2 * (2**24 + 2 + 2**26 + 8)
    # Its own additions round: 2^24 + 1 to 2^24, 2^26 + 9 to 2^26 + 8.
    expected += int(np.float32(2**24 + 1)) - 2**24 + 1 + 1
    expected += int(np.float32(2**26 + 9)) - (2**26 + 8)
    assert outcome["counted"] == [expected] * 2
    assert outcome["cleared"] == [0, 0]
    assert outcome["restored"] == outcome["counted"]
