"""The files of a comparison: `results.json` and `results.csv`."""

import dataclasses
from pathlib import Path

import pandas as pd

from keras_ccar.benchmark import provenance
from keras_ccar.benchmark.storage import plain, read_json, write_atomic, write_json
from keras_ccar.benchmark.summary import METRICS
from keras_ccar.callbacks.history_file import is_history

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


def collect(plan, records):
    """Returns everything that is known of a comparison, as plain JSON.

    All but the command line that makes it again.

    Args:
        plan: the `keras_ccar.benchmark.runner.Plan`.
        records: records of its runs.
    """
    data = plan.data
    here = provenance.environment()
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


def read_measurements(folder):
    """Returns the measurements of speed that lie beside comparisons, by file name.

    The statistics of a training, which may lie there too, are none.

    Args:
        folder: a folder of folders of comparisons.

    Raises:
        ValueError: if a file is none.
    """
    found = {}
    for path in sorted(Path(folder).glob("*.json")):
        if path.name == "results.json":
            continue
        try:
            content = read_json(path)
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}.") from None
        if is_history(content):
            continue
        parts = set(content) if isinstance(content, dict) else set()
        if not {"command", "environment"} <= parts or not {"rows", "seconds"} & parts:
            raise ValueError(
                f"{path} is no measurement: it lacks command, environment, or rows or "
                "seconds; see benchmarks/. Move it elsewhere."
            )
        found[path.name] = content
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
