"""Earlier results in the output folder: merged with new ones, or archived."""

import dataclasses
from pathlib import Path

from keras_ccar.benchmark.comparison import (
    REPORT_FILES,
    RESULTS_FILE,
    TABLE_FILE,
    Comparison,
)
from keras_ccar.benchmark.runner.environment import comparability_key
from keras_ccar.benchmark.runner.results import without_shared_fields

EARLIER_FOLDER = "earlier"


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
        and (found.metric, found.metrics) == (comparison.metric, comparison.metrics)
        and found.split == comparison.split
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
