"""Chooses how runs are computed, by measuring what trains fastest.

A minute at the start of a plan of hours is well spent; short plans do without.
"""

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from keras_ccar.benchmark.runner.earlier_results import find_mergeable_results
from keras_ccar.benchmark.runner.environment import hardware
from keras_ccar.benchmark.runner.interruption import Interruption
from keras_ccar.benchmark.runner.plan import Plan
from keras_ccar.benchmark.runner.records import has_begun
from keras_ccar.benchmark.runner.request import CompareRequest
from keras_ccar.benchmark.runner.results import build_results
from keras_ccar.benchmark.runner.speed_settings import (
    SpeedSettings,
    candidates,
    read_choice,
    write_choice,
)
from keras_ccar.benchmark.runner.workers import OnProgress, Workers
from keras_ccar.benchmark.training.speed import images_per_second, operations_per_image

# The trial ends after this, whatever was measured until then.
_SECONDS_OF_TRIAL = 60.0
# Each choice is timed for this, once it is compiled.
_SECONDS_OF_CHOICE = 4.0
_SECONDS_OF_LONG_PLAN = 30 * 60.0
# Operations a second of one core and of one accelerator. They only tell hours from
# minutes.
_OPERATIONS = {"cores": 3e10, "accelerators": 3e12}
# Settings other than the recipe's must gain this much.
_WORTH = 1.05


def choose_speed_settings(
    request: CompareRequest,
    plan: Plan,
    folder: Path,
    interruption: Interruption,
    tell: Callable[[str], Any],
) -> dict[str, Any] | None:
    """Returns the choice for a plan in a folder, which is made if there is none yet.

    Nothing is chosen for a plan that is short, or that has begun without a choice, nor
    if the request fixes the settings or leaves none to choose.

    Args:
        request: what was asked for.
        plan: what is to be trained.
        folder: the folder of the comparison, which must be locked.
        interruption: ends the trial after Ctrl-C.
        tell: is called with sentences for the terminal.

    Returns:
        A dict as `results_checks.SPEED` has it, or None.

    Raises:
        KeyboardInterrupt: after Ctrl-C.
    """
    if request.fixed_speed_settings:
        return None
    choice = read_choice(plan, folder)
    if choice is not None:
        return choice
    is_jit_given = "jit_compile" in request.recipe_settings
    choices = candidates(plan, is_jit_given, request.parallel)
    is_shared = bool(request.hosts) or (request.devices or 1) > 1
    if len(choices) < 2 or is_shared or request.smoke:
        return None
    has_results = find_mergeable_results(build_results(plan, []), folder) is not None
    if has_results or has_begun(plan, folder):
        return None
    if estimate_seconds(plan) < _SECONDS_OF_LONG_PLAN:
        return None
    tell(
        "Measuring for up to a minute what trains fastest; --fixed-speed-settings does "
        "without."
    )
    measured = _measure(plan, choices, request.parallel, interruption)
    chosen = choose(measured, choices[0])
    choice = {
        "processes": request.parallel,
        "chosen": dataclasses.asdict(chosen),
        "measured": [
            {**dataclasses.asdict(settings), "images_per_second": speed}
            for settings, speed in measured.items()
        ],
    }
    write_choice(choice, plan, folder)
    return choice


def apply_choice(
    request: CompareRequest, plan: Plan, choice: Mapping[str, Any]
) -> tuple[Plan, dict[str, str]]:
    """Returns a plan that is computed as chosen, and the environment of its processes.

    What the request says of `jit_compile` is never overruled.
    """
    settings = SpeedSettings(**choice["chosen"])
    if "jit_compile" not in request.recipe_settings:
        plan = settings.apply(plan)
    return plan, settings.variables


def choose(
    measured: Mapping[SpeedSettings, float | None], own: SpeedSettings
) -> SpeedSettings:
    """Returns the settings that train fastest; the plan's own unless others gain.

    Args:
        measured: images a second, None for what was not measured in time.
        own: the settings of the plan without a choice.
    """
    fastest = max(measured, key=lambda settings: measured[settings] or 0.0)
    # Without a speed of its own settings there is nothing to compare with.
    speed, best = measured[own], measured[fastest]
    return fastest if speed and best and best >= _WORTH * speed else own


def estimate_seconds(plan: Plan) -> float:
    """Returns about how long a plan takes on this machine, if all of it is trained."""
    found = hardware()
    accelerators = len(found["accelerators"])
    speed = (
        accelerators * _OPERATIONS["accelerators"]
        or (found["cores"] or 1) * _OPERATIONS["cores"]
    )
    steps = sum(
        run.epochs * run.steps_per_epoch for run in plan.runs_with_dependencies()
    )
    images = steps * plan.recipe.batch_size
    return images * operations_per_image(plan.data, plan.recipe) / speed


def _measure(
    plan: Plan, choices: list[SpeedSettings], parallel: int, interruption: Interruption
) -> dict[SpeedSettings, float | None]:
    """Returns images a second of all processes together, None if time ran out."""
    speeds: dict[SpeedSettings, float | None] = dict.fromkeys(choices)
    work = functools.partial(_measure_in_worker, plan)
    # A process keeps its environment all its life.
    groups: dict[str, list[SpeedSettings]] = {}
    for settings in choices:
        groups.setdefault(str(settings.variables), []).append(settings)
    for group in groups.values():
        deadline = time.monotonic() + _SECONDS_OF_TRIAL / len(groups)
        # XLA, which compiles for long, comes last.
        group.sort(key=lambda settings: settings.jit_compile)
        with Workers(parallel, work, group[0].variables) as workers:
            try:
                for settings in group:
                    speeds[settings] = _measure_one(
                        workers, parallel, settings, deadline, interruption
                    )
            finally:
                workers.kill()  # They may be compiling, and would go on to the end.
    return speeds


def _measure_one(
    workers: Workers,
    parallel: int,
    settings: SpeedSettings,
    deadline: float,
    interruption: Interruption,
) -> float | None:
    """Has all processes train at a time, and returns their images a second."""
    if workers.idle < parallel:  # The time is over, or a process has died.
        return None
    for index in range(parallel):
        workers.submit(str(index), (settings, _SECONDS_OF_CHOICE))
    speeds: list[float] = []
    while len(speeds) < parallel:
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        interruption.raise_if_requested()
        for _, kind, value in workers.poll(min(0.2, left)):
            if kind == "result" and isinstance(value, float):
                speeds.append(value)
            elif kind != "progress":
                return None  # The process died, or could not train in this way.
    return round(sum(speeds), 1)


def _measure_in_worker(
    plan: Plan, task: tuple[SpeedSettings, float], on_progress: OnProgress
) -> float | str:
    """Returns images a second of this process, or what went wrong."""
    settings, seconds = task
    plan = settings.apply(plan)
    try:
        return images_per_second(
            plan.data,
            plan.recipe,
            plan.methods[0],
            seconds,
            lambda: on_progress(0, 1),
        )
    except Exception as error:  # The plan itself will say so.
        return str(error)
