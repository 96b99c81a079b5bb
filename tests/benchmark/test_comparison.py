import copy
import json

import pytest
from made_results import made_results

from keras_ccar.benchmark.comparison import (
    METRICS,
    REPORT_FILES,
    Comparison,
    comparison_folders,
)
from keras_ccar.benchmark.report.figures.all_figures import FIGURES
from keras_ccar.benchmark.runner.earlier_results import archive_results, merge_results
from keras_ccar.benchmark.runner.results import without_shared_fields
from keras_ccar.files import add_checksum, write_json


@pytest.fixture
def comparison():
    return made_results({"ce": (30.0, 32.0), "ccar": (40.0, None)})


def test_reading_gives_back_what_was_written(comparison, tmp_path):
    write_json(tmp_path / "results.json", comparison.to_json())
    assert Comparison.read(tmp_path) == comparison
    assert Comparison.read(str(tmp_path)).to_json() == comparison.to_json()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "has no results.json"),
        ("{", "is not JSON"),
        ("[]", "not in format 1"),
        ('{"format": 2}', "not in format 1"),
        ('{"format": 1, "runs": []}', "lacks command, dataset, environment, methods"),
    ],
)
def test_what_cannot_be_read(content, message, tmp_path):
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        Comparison.read(tmp_path)


def test_a_wrong_digit_is_noticed(comparison, tmp_path):
    path = tmp_path / "results.json"
    write_json(path, add_checksum(comparison.to_json()))
    assert Comparison.read(tmp_path) == comparison
    text = path.read_text("utf-8")
    path.write_text(text.replace('"balanced": 32.0', '"balanced": 33.0'), "utf-8")
    with pytest.raises(ValueError, match=f"{path} is damaged, or was edited") as error:
        Comparison.read(tmp_path)
    # The advice works, should the edit be wanted.
    assert "delete its entry `checksum`" in str(error.value)
    content = json.loads(path.read_text("utf-8"))
    del content["checksum"]
    path.write_text(json.dumps(content))
    assert Comparison.read(tmp_path).by_seed("ce", "balanced")[1] == 33.0


def test_finished_runs_as_a_table(comparison):
    finished = comparison.finished
    assert list(finished) == ["method", "seed", *METRICS, "mean_weight", "seconds"]
    assert finished[["method", "seed", "balanced"]].values.tolist() == [
        ["ce", 0, 30.0],
        ["ce", 1, 32.0],
        ["ccar", 0, 40.0],
    ]
    assert comparison.by_seed("ce", "balanced").to_dict() == {0: 30.0, 1: 32.0}
    assert (finished.dtypes[list(METRICS)] == "float64").all()


def test_no_run_is_finished():
    comparison = made_results({"ce": (None,)})
    assert comparison.finished.empty
    assert comparison.by_seed("ce", "balanced").empty
    assert comparison.finished_runs() == []


def test_finished_and_failed_runs(comparison):
    entries = comparison.run_entries
    assert comparison.finished_runs() == entries[:3]
    assert comparison.finished_runs("ccar") == [entries[2]]
    assert comparison.failed == [entries[3]]


def test_the_environment_of_a_run(comparison):
    run = comparison.run_entries[0]
    assert comparison.environment_of(run) == comparison.environment
    own = {**comparison.environment, "backend": "jax"}
    run["environment"] = own
    assert comparison.environment_of(run) == own
    assert without_shared_fields(run, own) == {
        name: value for name, value in run.items() if name != "environment"
    }


def test_merged_results_have_all_runs_and_the_new_ones_first(comparison):
    new = made_results({"bs": (50.0,), "ccar": (45.0,)})
    merged = merge_results(comparison, new)
    assert [method["name"] for method in merged.methods] == ["ce", "ccar", "bs"]
    assert merged.seeds == [0, 1]
    balanced = {
        (run["seed"], run["method"]): run.get("balanced") for run in merged.run_entries
    }
    assert balanced == {
        (0, "ce"): 30.0,
        (0, "ccar"): 45.0,
        (0, "bs"): 50.0,
        (1, "ce"): 32.0,
        (1, "ccar"): None,
    }


def test_an_interrupted_archiving_goes_on(comparison, tmp_path):
    assert archive_results(tmp_path) is None
    write_json(tmp_path / "results.json", comparison.to_json())
    (tmp_path / "earlier" / "1").mkdir(parents=True)
    (tmp_path / "earlier" / "1" / "results.csv").touch()
    (tmp_path / "report.md").touch()
    archive = archive_results(tmp_path)
    assert archive == tmp_path / "earlier" / "1"
    names = {path.name for path in archive.iterdir()}
    assert names == {"results.csv", "results.json", "report.md"}


def test_folders_of_comparisons(comparison, tmp_path):
    with pytest.raises(ValueError, match=r"has no results\.json"):
        comparison_folders(tmp_path)
    for name in ("b", "a"):
        write_json(tmp_path / name / "results.json", comparison.to_json())
    assert comparison_folders(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert comparison_folders(tmp_path / "a") == [tmp_path / "a"]


def test_every_figure_is_a_file_of_the_report():
    assert set(REPORT_FILES) == {"report.md", "report.html", *FIGURES}


def test_results_are_plain_json(comparison):
    content = comparison.to_json()
    assert json.loads(json.dumps(content)) == content


SPLITS = {
    "validation": {"balanced": 61.0, "log_loss": 0.75, "user_metrics": {"cost": 7.0}},
    "test": {"balanced": 30.0},
}


def own_data():
    """Results as they are of a user's data: other columns, several splits."""
    made = made_results({"ce": (30.0, 32.0), "ccar": (40.0, None)})
    made.metrics = {"balanced": "balanced", "log_loss": "log loss"}
    made.baseline = "ce"
    made.dataset |= {"kind": "softmax", "imbalance_factor": None, "digest": None}
    made.recipe = {"name": "own", "epochs": 7}
    made.methods[1]["derived_from"] = "ce"
    for run in made.run_entries:
        for name in ("history", "top1", "mean_weight", "ece"):
            run.pop(name, None)
    first = made.run_entries[0]
    first |= {"splits": copy.deepcopy(SPLITS), "log_loss": 0.5, "chosen": {"tau": 1.25}}
    first["user_metrics"] = {"cost": 8.0}
    return made


def test_a_row_a_run_and_split(tmp_path):
    made = own_data()
    write_json(tmp_path / "results.json", made.to_json())
    read = Comparison.read(tmp_path)
    assert read == made
    assert read.folder == tmp_path
    rows = read.runs[["method", "seed", "split", "balanced", "log_loss", "cost"]]
    missing = None
    assert rows.astype(object).where(rows.notna(), None).values.tolist() == [
        ["ce", 0, "test", 30.0, 0.5, 8.0],
        ["ce", 0, "validation", 61.0, 0.75, 7.0],
        ["ce", 1, "test", 32.0, missing, missing],
        ["ccar", 0, "test", 40.0, missing, missing],
        ["ccar", 1, "test", missing, missing, missing],
    ]
    assert read.by_seed("ce", "balanced", "validation").to_dict()[0] == 61.0
    assert read.by_seed("ce", "balanced").to_dict() == {0: 30.0, 1: 32.0}


def test_figures_of_validation_alone():
    made = own_data()
    made.split = "validation"
    for run in made.run_entries:
        run.pop("splits", None)
    assert made.runs["split"].tolist() == ["validation"] * 4
    assert made.by_seed("ce", "balanced", "test").dropna().empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(metric="f1"), "'metric'.*balanced, log_loss"),
        (lambda content: content.update(split="train"), "'split'"),
        (lambda content: content.update(metrics=["balanced"]), "'metrics'"),
        (lambda content: content.update(baseline=3), "'baseline'"),
        (lambda content: content["dataset"].update(kind="text"), "'dataset.kind'"),
        (lambda content: content["runs"][0].update(balanced=100.1), "0 to 100"),
        (
            lambda content: content["runs"][0].update(log_loss=-0.1),
            "log_loss.*least",
        ),
        (
            lambda content: content["runs"][0]["splits"]["validation"].pop("balanced"),
            r"'runs\[0\].splits.validation.balanced'",
        ),
        (
            lambda content: content["runs"][0].update(user_metrics={"cost": "7"}),
            r"'runs\[0\].user_metrics.cost'",
        ),
        (
            lambda content: content["runs"][0].update(chosen={"tau": {}}),
            r"'runs\[0\].chosen.tau'",
        ),
    ],
)
def test_wrong_fields_of_own_data(change, message, tmp_path):
    content = copy.deepcopy(own_data().to_json())
    change(content)
    write_json(tmp_path / "results.json", content)
    with pytest.raises(ValueError, match=message):
        Comparison.read(tmp_path)


def test_files_of_earlier_versions_are_read(comparison, tmp_path):
    content = comparison.to_json()
    for name in ("metric", "metrics", "split", "baseline"):
        del content[name]
    write_json(tmp_path / "results.json", content)
    assert Comparison.read(tmp_path) == comparison
