"""Builds, merges and archives the results of a comparison."""

import dataclasses
from pathlib import Path

from keras_ccar.benchmark.comparison import (
    RESULTS_FORMAT,
    environment_of,
    read_results,
    table,
)
from keras_ccar.benchmark.report.figures import FIGURES
from keras_ccar.benchmark.runner.environment import current_environment, decisive
from keras_ccar.files import plain, write_atomic, write_json


def collect(plan, records):
    """Returns everything that is known of a comparison, as plain JSON.

    All but the command line that makes it again.

    Args:
        plan: the `keras_ccar.benchmark.runner.plan.Plan`.
        records: records of its runs.
    """
    data = plan.data
    here = current_environment()
    return plain(
        {
            "format": RESULTS_FORMAT,
            "dataset": {
                "name": data.name,
                "imbalance_factor": data.imbalance_factor,
                "seed": data.seed,
                "digest": data.digest,
                "test_digest": plan.test_digest,
                "description": data.describe(),
                "class_names": list(data.class_names),
                "class_counts": data.class_counts,
            },
            "recipe": dataclasses.asdict(plan.recipe),
            "options": dataclasses.asdict(plan.options),
            "methods": [
                {
                    "name": method.name,
                    "title": method.title,
                    "source": method.source,
                    **method.configuration(data.class_counts.tolist(), plan.options),
                }
                for method in plan.methods
            ],
            "seeds": list(plan.seeds),
            "environment": here,
            "runs": [shortened(record, here) for record in records],
        }
    )


def write_results(results, folder):
    """Writes `results.json` and `results.csv`.

    Args:
        results: from `collect`.
        folder: the folder of the comparison.
    """
    folder = Path(folder)
    write_json(folder / "results.json", results)
    write_atomic(folder / "results.csv", table(results).to_csv(index=False))


def shortened(record, environment):
    """Returns a record without what results say once for all runs.

    Args:
        record: of a run, as its file holds it.
        environment: that of the results.
    """
    shared = {"identity"}
    if record["environment"] == environment:
        shared.add("environment")
    return {key: value for key, value in record.items() if key not in shared}


EARLIER_FOLDER = "earlier"
# Whose place says that the others have moved too.
_LAST = "results.json"
# What results must have in common to stand in one table, beside code and versions.
_SHARED = ("dataset", "recipe", "options")


def earlier_results(results, folder):
    """Returns the results in a folder that are of the same comparison as others.

    Args:
        results: from `collect`, of any runs or none.
        folder: the folder of the comparison.

    Returns:
        The content of its `results.json`, None if it has none, or one of another
        comparison or that this version cannot read.
    """
    try:
        found = read_results(folder)
    except ValueError:
        return None
    same = all(found[part] == results[part] for part in _SHARED)
    return found if same and _decisive(found) == _decisive(results) else None


def put_aside(folder):
    """Moves results and report of a folder, if there are any, to one of their own.

    Args:
        folder: the folder of a comparison.

    Returns:
        The folder they are in now, with which `keras-ccar report` can be called. None
        if there were none.
    """
    folder = Path(folder)
    if not (folder / _LAST).exists():
        return None
    number = 1
    while (aside := folder / EARLIER_FOLDER / str(number) / _LAST).exists():
        number += 1
    aside.parent.mkdir(parents=True, exist_ok=True)
    for name in ("results.csv", "report.md", "report.html", *FIGURES, _LAST):
        if (folder / name).exists():
            (folder / name).replace(aside.with_name(name))
    return aside.parent


def joined(earlier, results):
    """Returns results with the runs that only earlier ones have.

    And with their methods and seeds, but for those that were never trained.

    Args:
        earlier: results of the same comparison, from `earlier_results`.
        results: from `collect`. Of a run that both have,
            this is the one that counts.
    """
    trained = {run["method"] for run in earlier["runs"]}
    kept = [method for method in earlier["methods"] if method["name"] in trained]
    methods = {method["name"]: method for method in (*kept, *results["methods"])}
    runs = {
        (run["seed"], run["method"]): {**run, "environment": environment_of(run, part)}
        for part in (earlier, results)
        for run in part["runs"]
    }
    seeds = sorted({*results["seeds"], *(seed for seed, _ in runs)})
    return {
        **results,
        "methods": list(methods.values()),
        "seeds": seeds,
        "runs": [
            shortened(runs[seed, name], results["environment"])
            for seed in seeds
            for name in methods
            if (seed, name) in runs
        ],
    }


def _decisive(results):
    return decisive(results["environment"], results["recipe"])
