from made_results import made_results

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.console import console_tables
from keras_ccar.benchmark.report.summary import (
    cost_rows,
    difference_rows,
    rank_rows,
    score_rows,
    shown_metrics,
)

TITLES = {"ce": "cross-entropy", "bs": "Balanced Softmax", "ccar": "CCAR"}


def results(**balanced):
    """Results in which every metric is the given balanced accuracy."""
    metrics = ("top1", "balanced", "many", "medium", "ece")
    return Comparison(
        dataset={},
        recipe={},
        options={},
        methods=[{"name": name, "title": TITLES[name]} for name in balanced],
        seeds=[],
        environment={},
        run_entries=[
            {
                "method": name,
                "seed": seed,
                "status": "failed" if value is None else "finished",
                "few": None,
                "mean_weight": 1.0,
                "seconds": 2.0,
                **dict.fromkeys(metrics, value),
            }
            for name, values in balanced.items()
            for seed, value in enumerate(values)
        ],
    )


def test_failed_runs_are_no_numbers():
    failed = results(ce=[50, 51], ccar=[None, None])
    assert score_rows(failed)[2][1:4] == ["0", "–", "–"]


def test_tables():
    found = results(ce=[50, 52], ccar=[53, 55.2])
    header, baseline, ours = score_rows(found)
    assert header[:4] == ["method", "seeds", "top-1 = balanced", "many"]
    assert baseline[:4] == ["cross-entropy", "2", "51.00 ± 1.41", "51.00 ± 1.41"]
    assert ours[header.index("few")] == "–"
    header, row = difference_rows(found)
    # t(0.975, 1) = 12.7062, times a deviation of 0.2 / √2 and over √2.
    assert row[:2] == ["CCAR", "+3.10 [+1.83, +4.37]"]
    assert row[header.index("few")] == "–"
    assert difference_rows(results(ccar=[1, 2])) == []
    assert difference_rows(results(ce=[1, 2])) == []


def test_top1_and_balanced_stand_once_only_where_they_are_the_same():
    found = results(ce=[50, 52], ccar=[53, 55])
    assert list(shown_metrics(found).items())[:2] == [
        ("balanced", "top-1 = balanced"),
        ("many", "many"),
    ]
    found.run_entries[-1]["top1"] += 0.01
    assert shown_metrics(found) == found.metrics
    assert score_rows(found)[0][2:4] == ["top-1", "balanced"]
    assert shown_metrics(results(ce=[None])) == found.metrics


def test_the_ranking_by_hand():
    header, *rows = rank_rows(results(ce=[50, 52], ccar=[53, 55.2], bs=[49, None]))
    assert header == [
        "method",
        "seeds",
        "balanced",
        "to cross-entropy [95 %]",
        "p (Holm)",
    ]
    # The difference 3.1 has a standard error of 0.1: t = 31, so p = 0.0205.
    assert rows == [
        ["CCAR", "2", "54.10 ± 1.56", "+3.10 [+1.83, +4.37]", "0.021"],
        ["cross-entropy", "2", "51.00 ± 1.41", "–", "–"],
        ["Balanced Softmax", "1", "49.00", "−1.00", "–"],
    ]
    assert rank_rows(results(ce=[None])) == []
    assert rank_rows(results(ccar=[50, 51]))[0] == ["method", "seeds", "balanced"]


def test_what_the_best_costs():
    header, *rows = cost_rows(results(ce=[50, 52], ccar=[53, 55.2]))
    assert header == ["", "cross-entropy", "CCAR", "difference [95 %]"]
    assert rows[0] == [
        "top-1 = balanced",
        "51.00 ± 1.41",
        "54.10 ± 1.56",
        "+3.10 [+1.83, +4.37]",
    ]
    titles = [row[0] for row in rows]
    assert titles == ["top-1 = balanced", "many", "medium", "few", "ECE"]
    assert cost_rows(results(ce=[50, 52], ccar=[43, 45])) == []
    assert cost_rows(results(ce=[None], ccar=[43])) == []
    assert cost_rows(results(ce=[None])) == []


def test_what_is_no_percentage_has_digits_that_tell_it_apart():
    made = made_results({"ce": [50.0, 51.0], "la": [60.0, 61.0]})
    made.metrics = {"balanced": "balanced", "log_loss": "log loss"}
    made.metric = "log_loss"
    for run in made.run_entries:
        run["log_loss"] = {"ce": 0.0312, "la": 0.0287}[run["method"]] + run[
            "seed"
        ] / 1e3
    texts = [cell for row in rank_rows(made, digits=1) for cell in row]
    assert "0.0317 ± 0.0007" in texts
    assert "0.0292 ± 0.0007" in texts
    rows = score_rows(made, digits=1)
    assert rows[1][2:4] == ["50.5 ± 0.7", "0.0317 ± 0.0007"]
    cells = [row[-1] for row in (*cost_rows(made), *difference_rows(made))]
    assert any("0.0025" in cell for cell in cells)
    table = console_tables(made)[-1]
    assert table.title == "Scores"
    titles = [str(cell) for cell in table.columns[0].cells]
    assert "balanced, %" in titles
    assert "log loss" in titles
