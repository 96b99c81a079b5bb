"""What earlier commands left in the folder of a comparison: results to add to.

Results of other data, another recipe, other settings, other code or other versions
cannot stand in one table with new ones. They are put aside, and nothing is lost.
"""

from pathlib import Path

from keras_ccar.benchmark.figures import FIGURES
from keras_ccar.benchmark.provenance import decisive
from keras_ccar.benchmark.results import environment_of, read_results, shortened

EARLIER_FOLDER = "earlier"
# Whose place says that the others have moved too.
_LAST = "results.json"
# What results must have in common to stand in one table, beside code and versions.
_SHARED = ("dataset", "recipe", "options")


def earlier_results(results, folder):
    """Returns the results in a folder that are of the same comparison as others.

    Args:
        results: from `keras_ccar.benchmark.results.collect`, of any runs or none.
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
        results: from `keras_ccar.benchmark.results.collect`. Of a run that both have,
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
