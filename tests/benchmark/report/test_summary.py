from keras_ccar.benchmark.comparison import Comparison
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
