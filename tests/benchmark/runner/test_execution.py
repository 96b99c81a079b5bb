"""How a run is trained, whatever it trains."""

import types
import warnings

import pytest

from keras_ccar.benchmark.runner.execution import train_run
from keras_ccar.benchmark.runner.plan_base import BaseRun

OF_JAX = (
    "Explicitly requested dtype int64 requested in ShapeDtypeStruct is not available, "
    "and will be truncated to dtype int32."
)


class Warns(BaseRun):
    """A run that warns, and reaches nothing."""

    method = types.SimpleNamespace(name="ce", title="cross-entropy")
    seed = 0
    depends_on = ()

    def __init__(self, message):
        self.identity = {"message": message}

    def train(self, earlier, folder, on_progress, backup):
        warnings.warn(self.identity["message"], UserWarning, stacklevel=2)
        return {"balanced": 50.0}


def test_the_warning_of_jax_about_what_keras_declares_is_muted(tmp_path):
    # Warnings are errors here.
    record = train_run(Warns(OF_JAX), [], tmp_path, lambda epoch, steps: None)
    assert record["status"] == "finished"


def test_other_warnings_are_not_muted(tmp_path):
    record = train_run(Warns("something else"), [], tmp_path, lambda epoch, steps: None)
    assert record["status"] == "failed"
    assert record["error"] == "UserWarning: something else"


def test_interruptions_end_the_comparison(tmp_path, monkeypatch):
    def train(*arguments):
        raise KeyboardInterrupt

    run = Warns("")
    monkeypatch.setattr(run, "train", train, raising=False)
    with pytest.raises(KeyboardInterrupt):
        train_run(run, [], tmp_path, lambda epoch, steps: None)
