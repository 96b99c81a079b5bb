"""The table of runs: a row per run and split."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from keras_ccar.benchmark.statistics.columns import SPLITS


def measured_on(run: Mapping[str, Any], split: str, main: str) -> Mapping[str, Any]:
    """Returns what was measured on a split; it is empty if nothing was.

    Args:
        run: entry of the run.
        split: "test" or "validation".
        main: the split that the fields of the run itself are of.
    """
    own: Mapping[str, Any] = run.get("splits", {}).get(split, {})
    return run if split == main else own


def run_table(
    runs: Sequence[Mapping[str, Any]],
    main: str,
    metrics: Iterable[str],
    dataset: Mapping[str, Any],
    recipe: Mapping[str, Any],
    environment: Mapping[str, Any],
) -> pd.DataFrame:
    """Returns what `results.csv` says, also about failed runs.

    Args:
        runs: entries of the runs.
        main: the split that the fields of a run itself are of, which comes first.
        metrics: names of the measured columns.
        dataset: the data of the comparison.
        recipe: its recipe.
        environment: where runs without an environment of their own were trained.
    """
    rows = [
        _row(run, split, main, metrics, dataset, recipe, environment)
        for run in runs
        for split in sorted(SPLITS, key=lambda split: split != main)
        if split == main or split in run.get("splits", {})
    ]
    return pd.DataFrame(rows).round(dict.fromkeys([*metrics, "mean_weight"], 4))


def _row(
    run: Mapping[str, Any],
    split: str,
    main: str,
    metrics: Iterable[str],
    dataset: Mapping[str, Any],
    recipe: Mapping[str, Any],
    environment: Mapping[str, Any],
) -> dict[str, Any]:
    environment = run.get("environment", environment)
    measured = measured_on(run, split, main)
    return {
        "dataset": dataset["name"],
        "imbalance_factor": dataset["imbalance_factor"],
        "recipe": recipe["name"],
        "method": run["method"],
        "seed": run["seed"],
        "epochs": recipe["epochs"],
        **{metric: measured.get(metric) for metric in metrics},
        **measured.get("user_metrics", {}),
        "seconds": run.get("seconds"),
        "mean_weight": run.get("mean_weight"),
        "status": run["status"],
        "split": split,
        "batch_size": recipe.get("batch_size"),
        "learning_rate": run.get("learning_rate", recipe.get("learning_rate")),
        "backend": environment["backend"],
        "keras_ccar": environment["versions"].get("keras_ccar"),
        "commit": environment["commit"],
        "digest": dataset["digest"],
        "run": run.get("id"),
    }
