"""The files of a comparison, as one object."""

from pathlib import Path

import pandas as pd

from keras_ccar.files import read_json

# Column of the results: how tables call it.
METRICS = {
    "top1": "top-1",
    "balanced": "balanced",
    "many": "many",
    "medium": "medium",
    "few": "few",
    "ece": "ECE",
}


def runs_table(results):
    """Returns the finished runs of results as a `pandas.DataFrame`, one row a run.

    Args:
        results: the dict of `results.json`.
    """
    rows = [run for run in results["runs"] if run["status"] == "finished"]
    columns = ["method", "seed", *METRICS, "mean_weight", "seconds"]
    frame = pd.DataFrame(rows, columns=columns)
    numbers = columns[2:]
    return frame.astype(dict.fromkeys(numbers, "float64"))


def by_seed(table, method, metric):
    """Returns one metric of one method as a Series over seeds.

    Args:
        table: from `runs_table`.
        method: name of the method.
        metric: a key of `METRICS`.
    """
    return table[table["method"] == method].set_index("seed")[metric]


# To be raised when results.json changes its meaning.
RESULTS_FORMAT = 1
_PARTS = (
    "command",
    "dataset",
    "environment",
    "methods",
    "options",
    "recipe",
    "runs",
    "seeds",
)


def comparison_folders(folder):
    """Returns the folders of comparisons that a folder is or holds, by name.

    Args:
        folder: a folder.

    Raises:
        ValueError: if there is none.
    """
    folder = Path(folder)
    if (folder / "results.json").exists():
        return [folder]
    found = sorted(path.parent for path in folder.glob("*/results.json"))
    if not found:
        raise ValueError(
            f"{folder} has no results.json, nor has a folder in it; expected the "
            "--output folder of `keras-ccar compare`, or one that holds such folders."
        )
    return found


def read_results(folder):
    """Returns the content of a folder's `results.json`.

    Args:
        folder: the folder of a comparison.

    Raises:
        ValueError: if the folder has none, or one that this version cannot read.
    """
    path = Path(folder) / "results.json"
    try:
        results = read_json(path)
    except FileNotFoundError:
        raise ValueError(
            f"{folder} has no results.json; expected the --output folder of "
            "`keras-ccar compare`."
        ) from None
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from None
    if not isinstance(results, dict) or results.get("format") != RESULTS_FORMAT:
        raise ValueError(
            f"{path} is not in format {RESULTS_FORMAT} of results; make it again with "
            "`keras-ccar compare`."
        )
    missing = [part for part in _PARTS if part not in results]
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}.")
    return results


def table(results):
    """Returns results as a `pandas.DataFrame`, one row a run, failed ones too.

    Args:
        results: from `collect` or `read_results`.
    """
    dataset, recipe = results["dataset"], results["recipe"]
    rows = []
    for run in results["runs"]:
        environment = environment_of(run, results)
        rows.append(
            {
                "dataset": dataset["name"],
                "imbalance_factor": dataset["imbalance_factor"],
                "recipe": recipe["name"],
                "method": run["method"],
                "seed": run["seed"],
                "epochs": recipe["epochs"],
                **{metric: run.get(metric) for metric in METRICS},
                "seconds": run.get("seconds"),
                "mean_weight": run.get("mean_weight"),
                "status": run["status"],
                "batch_size": recipe["batch_size"],
                "learning_rate": recipe["learning_rate"],
                "backend": environment["backend"],
                "keras_ccar": environment["versions"]["keras_ccar"],
                "commit": environment["commit"],
                "digest": dataset["digest"],
                "run": run["id"],
            }
        )
    frame = pd.DataFrame(rows)
    return frame.round(dict.fromkeys([*METRICS, "mean_weight"], 4))


def environment_of(run, results):
    """Returns the environment that a run was trained in.

    Args:
        run: one of the runs of `results`.
        results: the dict of `results.json`.
    """
    return run.get("environment", results["environment"])


def finished_runs(results, method):
    """Returns the finished runs of one method.

    Args:
        results: the dict of `results.json`.
        method: name of the method.
    """
    return [
        run
        for run in results["runs"]
        if run["method"] == method and run["status"] == "finished"
    ]
