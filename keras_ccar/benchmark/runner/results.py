"""Builds and writes the results of a comparison."""

from pathlib import Path
from typing import Any

from keras_ccar.benchmark.comparison import (
    REPORT_FILES,
    RESULTS_FILE,
    TABLE_FILE,
    Comparison,
    RunEntry,
)
from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.benchmark.runner.folder_lock import on_first_host
from keras_ccar.benchmark.runner.plan_base import BasePlan
from keras_ccar.benchmark.runner.records import RUNS_FOLDER
from keras_ccar.benchmark.runner.spreadsheet import to_csv
from keras_ccar.files import (
    add_checksum,
    remove_leftovers,
    to_json,
    write_atomic,
    write_json,
)


def build_results(plan: BasePlan, records: list[RunEntry]) -> Comparison:
    """Returns the results of the runs that are done, without the command line."""
    environment = to_json(current_environment())
    return Comparison(
        **to_json(plan.entries()),
        seeds=list(plan.seeds),
        environment=environment,
        run_entries=[without_shared_fields(record, environment) for record in records],
    )


def write_results(comparison: Comparison, folder: str | Path) -> None:
    """Writes `results.json` and `results.csv` to a folder, now the comparison's."""
    folder = comparison.folder = Path(folder)
    content = add_checksum(comparison.to_json())
    on_first_host(write_json, folder / RESULTS_FILE, content)
    table = to_csv(comparison.runs)
    on_first_host(write_atomic, folder / TABLE_FILE, table)


def remove_half_written(folder: str | Path) -> None:
    """Removes what killed comparisons half wrote to a folder, which must be locked."""
    folder = Path(folder)
    for name in (RESULTS_FILE, TABLE_FILE, *REPORT_FILES):
        on_first_host(remove_leftovers, folder, name)
    on_first_host(remove_leftovers, folder / RUNS_FOLDER, "*.json")


def without_shared_fields(record: RunEntry, environment: dict[str, Any]) -> RunEntry:
    """Returns a record without the fields that the results hold once for all runs."""
    shared = {"identity"}
    if record["environment"] == environment:
        shared.add("environment")
    return {key: value for key, value in record.items() if key not in shared}
