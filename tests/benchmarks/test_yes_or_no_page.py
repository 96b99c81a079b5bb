import numpy as np
import pandas as pd
import pytest
import yes_or_no_page
from yes_or_no_page import (
    MEASURES,
    PLAIN,
    compare,
    holm,
    mean_ranks,
    page,
    whole_tables,
)

CONFIGURATION = {
    "units": [32, 32],
    "optimizer": "Adam",
    "learning_rate": 0.02,
    "epochs": 100,
    "batch": "the whole training fold",
    "folds": 5,
    "bins_of_calibration": 15,
}
ENVIRONMENT = {
    "backend": "torch",
    "hardware": {"processor": "a processor", "cores": 2},
    "versions": {"keras": "3"},
}


def made_runs(num_tables=12, **shifts):
    """Runs of methods whose average precision is that of cross-entropy, shifted."""
    rng = np.random.default_rng(0)
    rows = []
    for table in range(num_tables):
        for fold in range(2):
            base = rng.uniform(0.3, 0.6)
            for method, shift in {PLAIN: 0.0, **shifts}.items():
                noise = rng.normal(scale=0.01)
                rows.append(
                    {
                        "table": f"table{table:02}",
                        "fold": fold,
                        "method": method,
                        **dict.fromkeys(MEASURES, base + shift + noise),
                        "no": 90,
                        "yes": 9,
                        "seconds": 1.0,
                        "commit": "c0ffee",
                    }
                )
    return rows


def made_page(rows):
    return page(
        {
            "command": "the command",
            "configuration": CONFIGURATION,
            "environment": ENVIRONMENT,
            "rows": rows,
        }
    )


def test_holm():
    # The worked example of Holm (1979), as in R: p.adjust(c(.01,.04,.03,.005), "holm").
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}


def test_mean_ranks_share_ties():
    values = pd.DataFrame({"a": [3.0, 1.0], "b": [2.0, 1.0], "c": [1.0, 0.0]})
    assert mean_ranks(values) == {"a": 1.25, "b": 1.75, "c": 3.0}


def test_better_and_worse_are_found_whichever_way_is_up():
    runs = pd.DataFrame(made_runs(good=0.1, same=0.0, bad=-0.1))
    means = runs.pivot_table(index="table", columns="method", values="g_mean")
    verdict, table, friedman = compare(means, more_is_better=True)
    assert verdict == f"Better than {PLAIN}: good. Worse than {PLAIN}: bad."
    assert table.splitlines()[2].startswith("| good ")
    assert "no difference shown" in next(
        line for line in table.splitlines() if line.startswith("| same ")
    )
    assert "the methods differ" in friedman
    verdict, table, _ = compare(means, more_is_better=False)
    assert verdict == f"Better than {PLAIN}: bad. Worse than {PLAIN}: good."
    assert table.splitlines()[2].startswith("| bad ")


def test_equal_methods_are_told_so():
    rows = made_runs(first=0.0, second=0.0)
    for row in rows:
        row["average_precision"] = row["fold"] / 10
    text = made_page(rows)
    section = text.partition("## Average precision")[2].partition("##")[0]
    assert f"Better than {PLAIN}: none. Worse than {PLAIN}: none." in section
    assert "1.000" in section
    assert "| 2.00 " in section
    assert "All methods give the same on every table." in section


def test_few_tables_are_not_tested():
    assert "Too few for tests: 3 methods on 2 tables" in made_page(
        made_runs(2, first=0.1, second=0.2)
    )


def test_tables_that_are_not_finished_are_left_out():
    rows = made_runs(first=0.1, second=0.2)[:-1]
    whole = whole_tables(pd.DataFrame(rows))
    assert sorted(whole["table"].unique()) == [f"table{i:02}" for i in range(11)]
    assert "on 11 tables of KEEL" in made_page(rows)


def test_the_page_says_how_it_was_run():
    text = made_page(made_runs(first=0.1))
    assert "| table00 | 180  | 18    | 10.0 " in text
    assert "48 runs in 0.8 minutes" in text
    assert "Commit: c0ffee." in text
    assert "```bash\nthe command\n```" in text


def test_without_runs_the_page_says_so(tmp_path):
    path = tmp_path / "page.md"
    yes_or_no_page.write_page(tmp_path / "runs.json", path)
    assert "**Not yet run.**" in path.read_text("utf-8")
    assert yes_or_no_page.command_line() in path.read_text("utf-8")
