"""Replicas with unequal numbers of samples that count: the outcome of one device."""

import keras
import numpy as np
import oracles
import pytest
from distribution import processes
from distribution.test_devices import assert_same
from distribution.unequal import CASES, COUNTS, IGNORED, KERAS, WHOLE_BATCHES, data

BACKEND = keras.backend.backend()
# The cases of each setup and number of devices. JAX takes whole batches only.
RUNS = {
    "tensorflow": {
        ("mirrored", 2): [*CASES, *KERAS],
        ("mirrored", 4): ["all, normalized", "5 rows", "1 row"],
    },
    "jax": {("data", 4): [*WHOLE_BATCHES, *KERAS]},
    "torch": {},
}[BACKEND]
OF_ALL = [(*setup, name) for setup, names in RUNS.items() for name in names]
UNTRAINED = [case for case in OF_ALL if "untrained" in CASES.get(case[-1], {})]
TIMEOUT = 1800  # seconds; a process trains all its cases


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """The outcomes of all cases on some devices, trained once."""
    folder, known = tmp_path_factory.mktemp("unequal"), {}

    def of(setup, devices, name):
        key = setup, devices
        if key not in known:
            names = RUNS.get(key) or next(iter(RUNS.values()))
            options = {"setup": setup, "devices": devices, "cases": names}
            path = folder / f"{setup}-{devices}.json"
            process = processes.start("unequal.py", options, path, devices=devices)
            known[key] = processes.finish(process, path, timeout=TIMEOUT)
        return known[key][name]

    return of


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setup", "devices", "name"), [case for case in OF_ALL if case[-1] in CASES]
)
def test_the_same_as_one_device(setup, devices, name, outcomes):
    actual, expected = outcomes(setup, devices, name), outcomes("single", 1, name)
    assert_same(actual, expected)
    assert actual["logs"].keys() == expected["logs"].keys()
    for key, value in expected["evaluation"].items():
        np.testing.assert_allclose(
            actual["evaluation"][key], value, rtol=1e-5, atol=1e-5, err_msg=key
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setup", "devices", "name"), [case for case in OF_ALL if case[-1] in KERAS]
)
def test_what_the_page_says_of_losses_of_keras(setup, devices, name, outcomes):
    actual, expected = outcomes(setup, devices, name), outcomes("single", 1, name)
    same = all(
        np.allclose(a, b, rtol=1e-5, atol=1e-5)
        for a, b in zip(actual["weights"], expected["weights"], strict=True)
    )
    # On TensorFlow, the mean is that of each replica: let the page say so no more if
    # Keras changes it.
    assert same == (name != "Keras, mean" or BACKEND == "jax")
    if same:
        np.testing.assert_allclose(actual["loss"], expected["loss"], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setup", "devices", "name"),
    [*UNTRAINED, *(("single", 1, name) for _, _, name in UNTRAINED[:3])],
)
def test_the_mean_over_samples_that_count(setup, devices, name, outcomes):
    _, labels, weights = data(CASES[name])
    outcome = outcomes(setup, devices, name)
    counts = (labels >= 0) & (labels != IGNORED)
    weights = np.ones(labels.shape) if weights is None else weights.astype("float64")
    logits, own = np.array(outcome["logits"])[counts], weights[counts]

    def weigh(p, f):
        if name.startswith("class weights"):
            weight = 1 / (1 - 0.9999 ** (f * sum(COUNTS)))
        else:
            weight = oracles.ccar_weight(p, f)
        if "normalized" not in name and "of the batch" not in name:
            return weight
        true = weight[np.arange(len(weight)), labels[counts]]
        return weight / true[own != 0].mean()

    losses, _ = oracles.loss_and_gradient(labels[counts], logits, COUNTS, weigh)
    expected = (own * losses).mean()
    np.testing.assert_allclose(outcome["untrained_loss"], expected, rtol=1e-5)
    if outcome["loss_of_own_loop"] is not None:
        np.testing.assert_allclose(outcome["loss_of_own_loop"], expected, rtol=1e-5)
