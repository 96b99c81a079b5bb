from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.summary import difference_rows, score_rows

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
    assert header[:4] == ["method", "seeds", "top-1", "balanced"]
    assert baseline[:4] == ["cross-entropy", "2", "51.00 ± 1.41", "51.00 ± 1.41"]
    assert ours[header.index("few")] == "–"
    header, row = difference_rows(found)
    # t(0.975, 1) = 12.7062, times a deviation of 0.2 / √2 and over √2.
    assert row[:2] == ["CCAR", "+3.10 [+1.83, +4.37]"]
    assert row[header.index("few")] == "–"
    assert difference_rows(results(ccar=[1, 2])) == []
    assert difference_rows(results(ce=[1, 2])) == []
