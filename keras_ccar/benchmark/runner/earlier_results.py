"""Earlier results in the output folder: merged with new ones, or archived."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from keras_ccar.benchmark.comparison import (
    EARLIER_FOLDER,
    REPORT_FILES,
    RESULTS_FILE,
    TABLE_FILE,
    Comparison,
    MethodEntry,
)
from keras_ccar.benchmark.runner.environment import comparability_key
from keras_ccar.benchmark.runner.results import without_shared_fields


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

    Methods in `earlier` that were never trained are left out. Methods that compute the
    same stay one, under the name of the first.
    """
    trained = {run["method"] for run in earlier.run_entries}
    kept = [method for method in earlier.methods if method["name"] in trained]
    methods = _merge_methods([*kept, *new.methods])
    merged = dataclasses.replace(new, methods=methods)
    names = merged.representatives
    runs = {
        (run["seed"], names[run["method"]]): {
            **run,
            "method": names[run["method"]],
            "environment": part.environment_of(run),
        }
        for part in (earlier, new)
        for run in part.run_entries
    }
    seeds = sorted({*new.seeds, *(seed for seed, _ in runs)})
    return dataclasses.replace(
        merged,
        seeds=seeds,
        run_entries=[
            without_shared_fields(runs[seed, method["name"]], new.environment)
            for seed in seeds
            for method in methods
            if (seed, method["name"]) in runs
        ],
    )


def _merge_methods(methods: Iterable[MethodEntry]) -> list[MethodEntry]:
    """Returns each configuration once, with all the names that it has."""
    merged: dict[str, MethodEntry] = {}
    for method in methods:
        key = method.get("configuration", method["name"])
        first = merged.setdefault(key, {**method, "equal_methods": []})
        known = {first["name"], *(other["name"] for other in first["equal_methods"])}
        names = {k: method[k] for k in ("name", "title", "source") if k in method}
        for other in (names, *method.get("equal_methods", ())):
            if other["name"] not in known:
                first["equal_methods"].append(other)
    return list(merged.values())
