"""Builds, writes, merges and archives the results of a comparison."""

import dataclasses
from pathlib import Path
from typing import Any

from keras_ccar.benchmark.comparison import (
    REPORT_FILES,
    RESULTS_FILE,
    TABLE_FILE,
    Comparison,
    RunEntry,
)
from keras_ccar.benchmark.runner.environment import (
    comparability_key,
    current_environment,
)
from keras_ccar.benchmark.runner.plan import Plan
from keras_ccar.files import to_json, write_atomic, write_json

EARLIER_FOLDER = "earlier"


def build_results(plan: Plan, records: list[RunEntry]) -> Comparison:
    """Returns the results of a plan, all but the command line that makes them again.

    Args:
        plan: the plan.
        records: records of those of its runs that are done.
    """
    data = plan.data
    here = current_environment()
    dataset = {
        "name": data.name,
        "imbalance_factor": data.imbalance_factor,
        "seed": data.seed,
        "digest": data.digest,
        "test_digest": plan.test_digest,
        "description": data.describe(),
        "class_names": list(data.class_names),
        "class_counts": data.class_counts,
    }
    methods = [
        {
            "name": method.name,
            "title": method.title,
            "source": method.source,
            **method.to_config(data.class_counts.tolist(), plan.options),
        }
        for method in plan.methods
    ]
    return Comparison(
        dataset=to_json(dataset),
        recipe=to_json(dataclasses.asdict(plan.recipe)),
        options=to_json(dataclasses.asdict(plan.options)),
        methods=to_json(methods),
        seeds=list(plan.seeds),
        environment=to_json(here),
        run_entries=[without_shared_fields(record, here) for record in records],
    )


def write_results(comparison: Comparison, folder: str | Path) -> None:
    """Writes `results.json` and `results.csv` to the folder of a comparison."""
    folder = Path(folder)
    write_json(folder / RESULTS_FILE, comparison.to_json())
    write_atomic(folder / TABLE_FILE, comparison.runs.to_csv(index=False))


def without_shared_fields(record: RunEntry, environment: dict[str, Any]) -> RunEntry:
    """Returns the record of a run without what the results say once for all runs.

    Args:
        record: the record, as its file holds it.
        environment: that of the results.
    """
    shared = {"identity"}
    if record["environment"] == environment:
        shared.add("environment")
    return {key: value for key, value in record.items() if key not in shared}


def find_mergeable_results(
    comparison: Comparison, folder: str | Path
) -> Comparison | None:
    """Returns the results in a folder that new ones can be added to.

    They are of the same data, recipe, settings, code and versions; others cannot stand
    in one table with new ones.

    Args:
        comparison: the new results, with any runs or none.
        folder: the folder of the comparison.

    Returns:
        The results; None if the folder has none, or some of another comparison, or some
        that this version cannot read.
    """
    try:
        found = Comparison.read(folder)
    except ValueError:
        return None
    is_same = (
        found.dataset == comparison.dataset
        and found.recipe == comparison.recipe
        and found.options == comparison.options
        and _comparability_key(found) == _comparability_key(comparison)
    )
    return found if is_same else None


def archive_results(folder: str | Path) -> Path | None:
    """Moves the results and the report in a folder to a folder of their own in it.

    Args:
        folder: the folder of a comparison.

    Returns:
        The folder that holds them now, which `keras-ccar report` reads. None if there
        were no results.
    """
    folder = Path(folder)
    if not (folder / RESULTS_FILE).exists():
        return None
    number = 1
    while (folder / EARLIER_FOLDER / str(number) / RESULTS_FILE).exists():
        number += 1
    archive = folder / EARLIER_FOLDER / str(number)
    archive.mkdir(parents=True, exist_ok=True)
    # The results come last: once they have moved, everything has.
    for name in (TABLE_FILE, *REPORT_FILES, RESULTS_FILE):
        if (folder / name).exists():
            (folder / name).replace(archive / name)
    return archive


def merge_results(earlier: Comparison, new: Comparison) -> Comparison:
    """Returns new results with the runs, methods and seeds that only earlier ones have.

    A method of the earlier results that was never trained is left out.

    Args:
        earlier: results of the same comparison, from `find_mergeable_results`.
        new: the new results. Where both have a run, theirs counts.
    """
    trained = {run["method"] for run in earlier.run_entries}
    kept = [method for method in earlier.methods if method["name"] in trained]
    methods = {method["name"]: method for method in (*kept, *new.methods)}
    runs = {
        (run["seed"], run["method"]): {**run, "environment": part.environment_of(run)}
        for part in (earlier, new)
        for run in part.run_entries
    }
    seeds = sorted({*new.seeds, *(seed for seed, _ in runs)})
    return dataclasses.replace(
        new,
        methods=list(methods.values()),
        seeds=seeds,
        run_entries=[
            without_shared_fields(runs[seed, name], new.environment)
            for seed in seeds
            for name in methods
            if (seed, name) in runs
        ],
    )


def _comparability_key(comparison: Comparison) -> dict[str, Any]:
    return comparability_key(comparison.environment, comparison.recipe)
