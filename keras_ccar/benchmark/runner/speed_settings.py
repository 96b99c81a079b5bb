"""Settings that change how fast runs train, and little else: what is chosen, and kept.

They change the last digits of the results, so a choice belongs to the folder of a
comparison, and whatever goes on there keeps to it.
"""

import dataclasses
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from keras_ccar.benchmark.results_checks import SPEED
from keras_ccar.benchmark.runner.environment import hardware
from keras_ccar.benchmark.runner.folder_lock import on_first_host
from keras_ccar.benchmark.runner.plan import Plan
from keras_ccar.benchmark.spec.configurations import digest
from keras_ccar.benchmark.training.devices import num_devices
from keras_ccar.files import add_checksum, read_checked_json, to_json, write_json
from keras_ccar.json_checks import TEXT, check_fields

SPEED_FILE = "speed.json"
# Unset, TensorFlow turns oneDNN on if the processor has instructions for networks.
_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
# The choice, and the plan that it is for.
_CONTENT = {**SPEED, "plan": TEXT}


@dataclass(frozen=True)
class SpeedSettings:
    """How the runs of a plan are computed.

    Attributes:
        jit_compile: whether TensorFlow compiles with XLA; see `Recipe`.
        threads: threads of a run; None for as many as the process has cores.
        onednn: whether TensorFlow's convolutions are those of oneDNN also on processors
            where they are not by default.
    """

    jit_compile: bool
    threads: int | None = None
    onednn: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of a process that computes in this way."""
        found: dict[str, str] = {}
        if self.threads is not None:
            # The second is XLA's, on a CPU.
            found |= dict.fromkeys(
                ("TF_NUM_INTRAOP_THREADS", "NPROC"), str(self.threads)
            )
        if self.onednn:
            found[_ONEDNN] = "1"
        return found

    def apply(self, plan: Plan) -> Plan:
        """Returns a plan whose runs are computed in this way."""
        recipe = plan.recipe.with_settings(jit_compile=self.jit_compile)
        return dataclasses.replace(plan, recipe=recipe)


def candidates(plan: Plan, is_jit_given: bool, parallel: int) -> list[SpeedSettings]:
    """Returns the settings to choose from; the first are those without a choice.

    Args:
        plan: what is to be trained.
        is_jit_given: whether `jit_compile` was asked for, so that it is no choice.
        parallel: number of runs that are trained at a time.
    """
    backend = keras.backend.backend()
    has_choice = backend == "tensorflow" and not is_jit_given and num_devices() == 1
    own = plan.recipe.jit_compile
    compiled = (own, not own) if has_choice else (own,)
    ways = [(jit_compile, False) for jit_compile in compiled]
    # XLA has convolutions of its own.
    is_free = backend == "tensorflow" and num_devices() == 1 and False in compiled
    if is_free and not hardware()["accelerators"] and _ONEDNN not in os.environ:
        ways.append((False, True))
    threads: tuple[int | None, ...] = (None,)
    share = _share_of_cores(parallel)
    # On torch, the number of threads is not that of a variable of the environment.
    if share is not None and backend in ("tensorflow", "jax"):
        threads = (None, share)
    return [SpeedSettings(jit, count, one) for count in threads for jit, one in ways]


def _share_of_cores(parallel: int) -> int | None:
    """Returns how many cores each of several processes has; None for all."""
    found = hardware()
    cores = found["cores"] or 1
    if parallel == 1 or found["accelerators"] or not hasattr(os, "sched_setaffinity"):
        return None
    share = max(1, cores // parallel)
    return share if share < cores else None


def plan_key(plan: Plan) -> str:
    """Returns a digest of a plan whatever its speed settings, methods and seeds."""
    recipe = dataclasses.asdict(plan.recipe)
    del recipe["jit_compile"]
    data = [plan.data.name, plan.data.digest, plan.test_digest]
    return digest(to_json([data, recipe, keras.backend.backend()]))


def read_choice(plan: Plan, folder: str | Path) -> dict[str, Any] | None:
    """Returns what was chosen for a plan in a folder; None if nothing was.

    A damaged file counts as none, with a warning that names it.
    """
    path = Path(folder) / SPEED_FILE
    try:
        content = read_checked_json(path)
        check_fields(path, content, _CONTENT)
    except FileNotFoundError:
        return None
    except ValueError as error:
        warnings.warn(f"The speed settings are chosen again: {error}", stacklevel=2)
        return None
    if content["plan"] != plan_key(plan):
        return None
    return {key: content[key] for key in SPEED}


def write_choice(choice: Mapping[str, Any], plan: Plan, folder: str | Path) -> None:
    """Writes what was chosen for a plan to a folder, with a checksum."""
    content = add_checksum(to_json({**choice, "plan": plan_key(plan)}))
    on_first_host(write_json, Path(folder) / SPEED_FILE, content)
