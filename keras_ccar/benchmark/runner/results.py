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
from keras_ccar.benchmark.runner.folder_lock import on_first_host
from keras_ccar.benchmark.runner.plan import Plan
from keras_ccar.files import to_json, write_atomic, write_json

EARLIER_FOLDER = "earlier"


def build_results(plan: Plan, records: list[RunEntry]) -> Comparison:
    """Returns the results of the runs that are done, without the command line."""
    data = plan.data
    environment = to_json(current_environment())
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
        environment=environment,
        run_entries=[without_shared_fields(record, environment) for record in records],
    )


def write_results(comparison: Comparison, folder: str | Path) -> None:
    """Writes `results.json` and `results.csv` to the folder of a comparison."""
    folder = Path(folder)
    on_first_host(write_json, folder / RESULTS_FILE, comparison.to_json())
    table = comparison.runs.to_csv(index=False)
    on_first_host(write_atomic, folder / TABLE_FILE, table)


def without_shared_fields(record: RunEntry, environment: dict[str, Any]) -> RunEntry:
    """Returns a record without the fields that the results hold once for all runs."""
    shared = {"identity"}
    if record["environment"] == environment:
        shared.add("environment")
    return {key: value for key, value in record.items() if key not in shared}


def find_mergeable_results(
    comparison: Comparison, folder: str | Path
) -> Comparison | None:
    """Returns the results in a folder if new results may be merged into them.

    That takes the same data, recipe, settings, code and versions. Otherwise, or if the
    folder has no results that this version can read, returns None.
    """
    try:
        found = Comparison.read(folder)
    except ValueError:
        return None
    recipe = comparison.recipe
    is_same = (
        found.dataset == comparison.dataset
        and found.recipe == recipe
        and found.options == comparison.options
        and comparability_key(found.environment, recipe)
        == comparability_key(comparison.environment, recipe)
    )
    return found if is_same else None


def archive_results(folder: str | Path) -> Path | None:
    """Moves results and report into a numbered subfolder, which `report` can read.

    Returns the subfolder; None if the folder has no results.
    """
    folder = Path(folder)
    if not (folder / RESULTS_FILE).exists():
        return None
    number = 1
    while (folder / EARLIER_FOLDER / str(number) / RESULTS_FILE).exists():
        number += 1
    archive = folder / EARLIER_FOLDER / str(number)
    archive.mkdir(parents=True, exist_ok=True)
    # The results move last, so that an interrupted move is continued.
    for name in (TABLE_FILE, *REPORT_FILES, RESULTS_FILE):
        if (folder / name).exists():
            (folder / name).replace(archive / name)
    return archive


def merge_results(earlier: Comparison, new: Comparison) -> Comparison:
    """Returns new results plus the runs, methods and seeds that only `earlier` has.

    Methods in `earlier` that were never trained are left out.
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
