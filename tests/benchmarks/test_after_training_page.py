import after_training
import after_training_page
import numpy as np
import pandas as pd
import pytest
from after_training_page import PEER, PLAIN, calibration_rows, coverage_rows, page

from keras_ccar.files import read_json

CONFIGURATION = {
    "data": "made images",
    "imbalance_factor": 100,
    "features": "a network",
    "image_size": 8,
    "folds": 5,
    "learning_rates": [0.01, 0.1],
    "optimizer": "SGD",
    "epochs": 3,
    "coverage": 0.9,
}
ENVIRONMENT = {
    "backend": "torch",
    "hardware": {"processor": "a processor", "cores": 2, "accelerators": []},
    "versions": {"keras": "3"},
}


def made_seeds(num_seeds=3, **shifts):
    """Seeds of methods whose accuracy is that of the peer, shifted, with noise."""
    rng = np.random.default_rng(0)
    seeds = []
    for seed in range(num_seeds):
        base = rng.uniform(40, 50)
        rows = []
        for method, shift in {PEER: 0.0, **shifts}.items():
            balanced = base + shift + rng.normal(scale=0.05)
            groups = dict.fromkeys(("many", "medium", "few"), balanced)
            rows.append(
                {"seed": seed, "method": method, "balanced": balanced, **groups}
            )
        sets = {
            "method": "pooled",
            **dict.fromkeys(("all", "many", "medium", "few"), 90.0 + seed),
            **dict.fromkeys(("all_size", "many_size", "medium_size"), 4.0),
            "few_size": 6.0 + 2 * seed,
        }
        seeds.append(
            {
                "seed": seed,
                "rows": rows,
                "regret": {"chosen": 1.25, "best_on_test": 1.5, "points": 0.127},
                "calibration": {"temperature": 1.334, "before": 9.0, "after": 3.456},
                "coverage": [sets, {**sets, "method": "class", "few_size": 50.0}],
                "seconds": 30.0,
                "commit": "c0ffee",
                "coverage_commit": "c0ffee",
            }
        )
    return seeds


def made_page(seeds):
    return page(
        {
            "command": "the command",
            "configuration": CONFIGURATION,
            "environment": ENVIRONMENT,
            "seeds": seeds,
        }
    )


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def table_after(text, title):
    """The rows of the first table after a title, without its head."""
    lines = text.partition(f"## {title}")[2].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append(cells(line))
    return rows[2:]


def test_better_and_worse_are_said_where_the_interval_excludes_0():
    seeds = made_seeds(good=3.0, bad=-3.0)
    for entry, noise in zip(seeds, (-2.0, 0.1, 2.0), strict=True):
        of_peer = entry["rows"][0]["balanced"]
        entry["rows"].append(
            {**entry["rows"][0], "method": "noisy", "balanced": of_peer + noise}
        )
    text = made_page(seeds)
    assert (
        f"Better than {PEER}: good. Worse than {PEER}: bad. "
        f"No difference from {PEER} shown: noisy."
    ) in text
    words = {row[0]: row[-1] for row in table_after(text, "Balanced accuracy")}
    assert words == {
        "good": "better",
        "bad": "worse",
        "noisy": "no difference shown",
        PEER: "",
    }


def test_methods_stand_in_the_order_of_their_means():
    rows = table_after(made_page(made_seeds(bad=-3.0, good=3.0)), "Balanced accuracy")
    assert [row[0] for row in rows] == ["good", PEER, "bad"]
    assert [row[5][:1] for row in rows] == ["+", "", "−"]


def test_one_seed_has_no_interval():
    text = made_page(made_seeds(1, good=3.0))
    assert f"Better than {PEER}: none. Worse than {PEER}: none." in text
    assert "[" not in table_after(text, "Balanced accuracy")[0][5]


def test_the_choice_of_tau():
    rows = table_after(made_page(made_seeds()), "The choice of τ")
    assert rows == [[str(seed), "1.25", "1.5", "0.13"] for seed in range(3)]


def test_calibration():
    seeds = made_seeds(2)
    assert calibration_rows(seeds)[1:] == [
        ["0", "1.33", "9.00", "3.46"],
        ["1", "1.33", "9.00", "3.46"],
    ]
    assert len(table_after(made_page(seeds), "Calibration")) == 2


def test_coverage_is_the_mean_over_seeds():
    pooled, of_classes = coverage_rows(made_seeds(3))[1:]
    assert pooled == ["pooled", *["91.0"] * 4, *["4.0"] * 3, "8.0"]
    assert (of_classes[0], of_classes[-1]) == ("class", "50.0")


def test_the_page_says_how_it_was_run():
    text = made_page(made_seeds())
    assert "Each of the `3` seeds" in text
    assert "where `0.9` was asked for" in text
    assert "1.5 minutes" in text
    assert "Commit: c0ffee." in text
    assert "```bash\nthe command\n```" in text


def test_without_seeds_the_page_says_so(tmp_path):
    path = tmp_path / "page.md"
    after_training_page.write_page(tmp_path / "results.json", path)
    assert path.read_text("utf-8") == page(None)
    assert "**Not yet run.**" in page(None)
    assert after_training_page.COMMAND in page(None)
    assert "**Not yet run.**" in made_page([])


LABELS = np.repeat(np.arange(4), [120, 30, 15, 10])  # of all shot groups


def made_data(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(len(LABELS), 4)).astype("float32"), LABELS


def rows_of(x):
    return {row.tobytes() for row in x}


@pytest.fixture
def calls(monkeypatch):
    """Whatever is fitted and predicted, of models that predict their inputs."""
    calls = []

    def models_of(rate, fit, counts, seed):
        np.testing.assert_array_equal(counts, np.bincount(fit[1]))
        calls.append(("fitted", fit[0]))
        names = [(PLAIN, None), ("cRT", None), ("τ-norm", 1.0), (PEER, None)]
        return dict.fromkeys(names, "model")

    def train(x, y, loss, learning_rate, seed):
        calls.append(("fitted", x))
        return "model"

    def predicted(model, x):
        calls.append(("predicted", x))
        return x

    monkeypatch.setattr(after_training, "train", train)
    monkeypatch.setattr(after_training, "models_of", models_of)
    monkeypatch.setattr(after_training, "predicted", predicted)
    monkeypatch.setitem(after_training.CONFIGURATION, "learning_rates", [0.1, 0.2])
    return calls


@pytest.mark.parametrize("seed", after_training.SEEDS)
def test_what_is_held_out_is_not_fitted_and_has_every_class(seed):
    found = after_training.folds(LABELS, seed)
    assert len(found) == 5
    for fit, held_out in found:
        assert not set(fit) & set(held_out)
        assert set(LABELS[fit]) == set(LABELS[held_out]) == set(range(4))
    everything = np.concatenate([held_out for _, held_out in found])
    np.testing.assert_array_equal(np.sort(everything), np.arange(len(LABELS)))
    other = after_training.folds(LABELS, seed + 1)
    assert not np.array_equal(found[0][1], other[0][1])


def test_each_example_is_predicted_by_a_model_that_was_fitted_without_it(calls):
    x, y = made_data(0)
    logits = after_training.held_out_logits(x, y, 0, 4)
    assert len(logits) == 8
    for found in logits.values():
        np.testing.assert_array_equal(found, x)
    for kind, rows in calls:
        if kind == "fitted":
            fitted = rows_of(rows)
        else:
            assert not fitted & rows_of(rows)
            assert rows_of(rows) <= rows_of(x)


def test_the_sets_of_a_fold_are_of_what_was_held_out_of_it(calls, monkeypatch):
    (x, y), test = made_data(0), made_data(3)
    told = []
    monkeypatch.setattr(after_training, "coverage", lambda *given: told.append(given))
    found = after_training.run_sets(1, 0.1, (x, y), test, 4)
    assert found["coverage_commit"] == after_training.current_environment()["commit"]
    ((by_fold, test_labels, groups, seed),) = told
    assert (test_labels is test[1], set(groups), seed) == (
        *(True, {"many", "medium", "few"}, 1),
    )
    of_folds = zip(*[iter(calls)] * 3, strict=True)
    pairs = zip(by_fold, after_training.folds(y, 1), strict=True)
    for (fitted, known, tested), (made, (fit, held_out)) in zip(
        of_folds, pairs, strict=True
    ):
        (logits, labels), on_test = made
        np.testing.assert_array_equal(fitted[1], x[fit])
        np.testing.assert_array_equal(known[1], x[held_out])
        assert tested[1] is on_test is test[0]
        np.testing.assert_array_equal(logits, x[held_out])
        np.testing.assert_array_equal(labels, y[held_out])


def test_coverage_is_measured_on_the_test_labels(monkeypatch):
    given = []

    class Sets:
        def evaluate(self, logits, labels):
            given.append((logits, labels))
            return pd.DataFrame(
                {"coverage": [0.8, 0.9, 1.0], "mean_set_size": [1.0, 2.0, 6.0]}
            )

    def prediction_sets(logits, labels, coverage, method, seed):
        given.append((logits, labels, coverage, seed))
        return Sets()

    monkeypatch.setattr(after_training.posthoc, "prediction_sets", prediction_sets)
    groups = {"many": np.array([1, 1, 0], bool), "few": np.array([0, 0, 1], bool)}
    by_fold = [(("a", "b"), "c"), (("d", "e"), "f")]
    rows = after_training.coverage(by_fold, "labels", groups, seed=2)
    assert [row.pop("method") for row in rows] == [
        *("marginal", "pooled", "class", "clustered")
    ]
    expected = {"many": 85, "few": 100, "all": 90}
    sizes = {"many_size": 1.5, "few_size": 6, "all_size": 3}
    assert rows == [{**expected, **sizes}] * 4
    assert given[:4] == [
        *[("a", "b", 0.9, 4), ("c", "labels")],
        *[("d", "e", 0.9, 5), ("f", "labels")],
    ]


def test_sets_are_measured_again_with_the_learning_rates_that_were_chosen(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(after_training, "RESULTS", tmp_path / "results.json")
    given = []

    def run_sets(*arguments):
        given.append(arguments)
        return {"coverage": [], "coverage_commit": "new"}

    monkeypatch.setattr(after_training, "run_sets", run_sets)
    seeds = made_seeds(2, **{"τ chosen": 1.0})
    for entry in seeds:
        for row in entry["rows"]:
            row["learning_rate"] = 0.1 if row["method"] == "τ chosen" else 0.3
    after_training.run_sets_again({"seeds": seeds}, "train", "test", 100)
    assert given == [(seed, 0.1, "train", "test", 100) for seed in range(2)]
    written = read_json(tmp_path / "results.json")
    assert written["seeds"] == [
        {**entry, "coverage": [], "coverage_commit": "new"} for entry in seeds
    ]
    assert written["command"].endswith("--sets")


def test_the_test_data_are_measured_and_nothing_else(calls, monkeypatch):
    train, test = made_data(1), made_data(2)
    monkeypatch.setattr(after_training.posthoc, "chain", lambda model, *layers: model)
    told = {}
    for name in ("regret", "calibration", "run_sets"):
        monkeypatch.setattr(
            after_training,
            name,
            lambda *arguments, name=name: told.update({name: arguments}) or {},
        )
    found = after_training.run_seed(0, train, test, 4)
    assert {row["method"] for row in found["rows"]} == {
        *(PLAIN, "cRT", "τ-norm", PEER),
        *("τ chosen", "τ = 1"),
    }
    for kind, rows in calls:
        if kind == "fitted":
            assert rows_of(rows) <= rows_of(train[0])
        else:
            # Held-out examples to choose on, or the test data to measure.
            is_test = rows is test[0]
            assert is_test or rows_of(rows) <= rows_of(train[0])
    assert sum(rows is test[0] for _, rows in calls) == len(found["rows"])
    # Temperatures and quantiles are of the held-out predictions.
    _, logits, labels, *_ = told["calibration"]
    np.testing.assert_array_equal(logits, train[0])
    assert labels is train[1]
    chosen = next(row for row in found["rows"] if row["method"] == "τ chosen")
    assert told["run_sets"] == (0, chosen["learning_rate"], train, test, 4)
