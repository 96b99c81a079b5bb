"""The study on pretrained features: its methods, its choices, its page."""

import keras
import linear_probe
import numpy as np
import pretrained_heads
import pretrained_page
import pytest
from pretrained_heads import Trainer, hold_out, measures, standardised, tune
from pretrained_methods import BLOCKS, METHODS, TAUS, Fitted
from pretrained_statistics import CCAR_LA, Runs, planned

import keras_ccar
from keras_ccar import posthoc
from keras_ccar.benchmark.training.head_loop import HeadWeights

COUNTS = [60, 25, 10]
ENVIRONMENT = {
    "backend": "jax",
    "hardware": {"processor": "a processor", "cores": 2, "accelerators": []},
    "versions": {"keras": "3"},
}


def examples(seed=0):
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), COUNTS)
    x = generator.normal(size=(95, 4)) + 2 * np.eye(3, 4)[labels]
    return x.astype("float32"), labels


@pytest.fixture
def short(monkeypatch):
    """Trains for moments."""
    settings = {"epochs": 2, "batch_size": 16, "learning_rates": [1e-9, 0.3]}
    for name, value in {**settings, "weight_decays": [0.0]}.items():
        monkeypatch.setitem(pretrained_heads.CONFIGURATION, name, value)


def test_every_planned_method_is_trained():
    assert {name for pair in planned() for name in pair} <= METHODS.keys()
    assert sum(map(len, BLOCKS.values())) == len(METHODS)
    assert len(set(planned())) == len(planned())


def test_some_of_every_class_are_held_out():
    labels = np.repeat(np.arange(4), [50, 5, 2, 1])
    fit, held_out = hold_out(labels, seed=0)
    assert sorted([*fit, *held_out]) == list(range(58))
    np.testing.assert_array_equal(np.bincount(labels[held_out]), [10, 1, 1])
    assert not np.array_equal(held_out, hold_out(labels, seed=1)[1])


def test_features_are_standardised_by_those_to_fit():
    fit, other = np.array([[0.0, 3], [2, 3]]), np.array([[4.0, 5]])
    found = standardised(fit, other)
    np.testing.assert_allclose(found[0], [[-1, 0], [1, 0]])
    np.testing.assert_allclose(found[1], [[3, 2]])


def test_accuracies_by_group():
    head = HeadWeights(np.eye(3, dtype="float32"), np.zeros(3, "float32"))
    x = np.eye(3)[[0, 0, 1, 2, 0]]
    groups = {"many": np.array([1, 0, 0]), "few": np.array([0, 1, 1])}
    groups = {name: members.astype(bool) for name, members in groups.items()}
    found = measures(head, x, np.array([0, 0, 1, 2, 2]), groups)
    assert found == {"balanced": 83.333, "many": 100.0, "few": 75.0}


def test_the_correction_is_the_layer_and_the_norm_is_that_of_posthoc():
    generator = np.random.default_rng(0)
    head = HeadWeights(generator.normal(size=(4, 3)), generator.normal(size=3))
    x, y = examples()
    fitted = Fitted(x, y, COUNTS, 0)
    layer = keras_ccar.LogitCorrection(COUNTS, tau=1.5, from_logits=True)
    corrected = METHODS["la-posthoc[tau=1.5]"].after(head, fitted)
    expected = keras.ops.convert_to_numpy(layer(head.logits(x).astype("float32")))
    np.testing.assert_allclose(corrected.logits(x), expected, rtol=1e-4, atol=1e-5)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.layers[-1].set_weights([head.kernel, head.bias])
    expected = posthoc.retrain_classifier(
        model, None, COUNTS, method="tau-norm", tau=1.5
    ).predict(x, verbose=0)
    normed = METHODS["tau-norm[tau=1.5]"].after(head, fitted)
    np.testing.assert_allclose(normed.logits(x), expected, rtol=1e-4, atol=1e-5)


def test_lws_multiplies_kernel_and_bias_of_a_class_by_one_factor():
    x, y = examples()
    (x,) = standardised(x)
    trainer = Trainer(x, y, 3)
    plain, scaled = trainer.train(
        [(METHODS[name], 0.1, 5e-4) for name in ("ce", "lws")], seed=0
    )
    factors = scaled.bias / plain.bias
    np.testing.assert_allclose(scaled.kernel, plain.kernel * factors, rtol=1e-5)
    # Even draws make more of the rarest class.
    assert factors[2] > factors[0] > 0


def test_a_control_has_the_mean_weight_of_the_batch_on_every_sample():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(20, 3)).astype("float32")
    labels = generator.integers(0, 3, 20).astype("int32")
    per_sample = {"from_logits": True, "reduction": None}
    for name, tau in (("ce×c(batch)", 0.0), ("la×c(batch)[tau=1]", 1.0)):
        prior = np.array(COUNTS) / sum(COUNTS)
        plain = keras_ccar.LogitAdjustedLoss(COUNTS, tau=tau, **per_sample)
        terms = keras.ops.convert_to_numpy(plain(labels, logits)).astype("float64")
        adjusted = (logits + tau * np.log(prior)).astype("float32")
        ccar = keras_ccar.CCARLoss(COUNTS, **per_sample)
        weighted = keras.ops.convert_to_numpy(ccar(labels, adjusted))
        expected = terms.mean() * np.mean(weighted / terms)
        found = METHODS[name].build(COUNTS)(labels, keras.ops.convert_to_tensor(logits))
        np.testing.assert_allclose(float(found), expected, rtol=1e-5)


@pytest.mark.parametrize("block", ["prior", "weights", "cosine", "two-stage", "step"])
def test_every_kind_of_method_learns(block, short):
    x, y = examples()
    (x,) = standardised(x)
    trainer = Trainer(x, y, 3)
    methods = [method for method in BLOCKS[block] if method.after is None]
    heads = trainer.train([(method, 0.1, 5e-4) for method in methods], seed=0)
    for method, head in zip(methods, heads, strict=True):
        assert measures(head, x, y, {})["balanced"] > 55, method.name


def test_the_better_learning_rate_is_chosen(short):
    methods = BLOCKS["prior"][:3]
    tuned = tune(methods, examples(), 3)
    for method in methods:
        assert [row[:2] for row in tuned[method.name]["tried"]] == [[1e-9, 0], [0.3, 0]]
        assert tuned[method.name]["best"] == [0.3, 0.0]


def test_the_probe_measures_the_setting_that_was_chosen(short):
    found = linear_probe.probe(examples(), examples(seed=1), seeds=2)
    assert found["best"] == [0.3, 0.0]
    assert len(found["accuracies"]) == 2
    assert found["accuracy"] == pytest.approx(np.mean(found["accuracies"]))
    assert found["accuracy"] > 55


def made_results(seeds=10, ccar=0.0, focal=0.0, up=0.0):
    """Runs in which CCAR and focal are better than logit adjustment by so much.

    `up` raises few-shot accuracy of CCAR above the curve of logit adjustment.
    """
    generator = np.random.default_rng(0)
    gains = {"la": 0.0, CCAR_LA: ccar, "focal+la": focal, "inverse+la": -1.0}
    rows = []

    def add(name, family, tau, seed, balanced, many, few):
        noise = generator.normal(scale=0.02, size=3)
        values = np.array([balanced, many, few]) + noise
        groups = dict(zip(("balanced", "many", "few"), values, strict=True))
        rows.append(
            {
                "method": name,
                "family": family,
                "tau": tau,
                "seed": seed,
                "commit": "c0ffee",
                "medium": 50.0,
                **groups,
            }
        )

    for seed in range(seeds):
        base = 55 + generator.normal()
        for family, gain in gains.items():
            for tau in TAUS:
                name = (
                    f"{family[:-1]},tau={tau:g}]"
                    if family.endswith("]")
                    else f"{family}[tau={tau:g}]"
                )
                shift = -abs(tau - 1.5)
                many, few = 80 - 5 * tau, 20 + 8 * tau
                few += up if family == CCAR_LA else 0
                inside = 0.0 if family == "la" else 1.0 - tau / 2
                many, few = many - inside, few + 1.6 * inside
                add(name, family, tau, seed, base + shift + gain, many, few)
        add("ce", "ce", None, seed, base - 8, 80, 15)
        add("ccar", "ccar", None, seed, base - 8.2, 80, 15)
    scores = {row["method"]: row["balanced"] for row in rows if row["seed"] == 0}
    return {
        "configuration": {
            "data": "made",
            "imbalance_factor": 100,
            **pretrained_heads.CONFIGURATION,
        },
        "environment": ENVIRONMENT,
        "tuning": {
            name: {"tried": [[0.1, 0.0, score]], "best": [0.1, 0.0]}
            for name, score in scores.items()
        },
        "runs": rows,
    }


def test_the_trade_off_is_the_distance_from_the_curve():
    on_curve = Runs(made_results()).trade_off(CCAR_LA)
    above = Runs(made_results(up=3.0)).trade_off(CCAR_LA)
    assert abs(on_curve.mean) < 0.1
    assert above.mean == pytest.approx(3.0, abs=0.1)
    assert above.low > 2.8
    assert Runs(made_results()).trade_off("tau-norm") is None


def test_p_values_are_corrected_for_their_number():
    rows = Runs(made_results(ccar=2.0)).compared()
    assert len(rows) == 4 * len(TAUS) + 2
    told = {(row.method, row.baseline): row for row in rows}
    better = told["ccar+la[normalize,tau=1]", "la[tau=1]"]
    assert better.difference.mean == pytest.approx(2.0, abs=0.1)
    assert better.p < 0.001
    assert told["focal+la[tau=1]", "la[tau=1]"].p > 0.05


@pytest.mark.parametrize(
    ("gains", "words"),
    [
        ({}, "logit adjustment with τ tuned, without CCAR"),
        # Better, but along the curve; above it, but not better.
        ({"ccar": 2.0}, "logit adjustment with τ tuned, without CCAR"),
        ({"up": 2.0}, "logit adjustment with τ tuned, without CCAR"),
        ({"ccar": 2.0, "up": 2.0, "focal": 2.0}, "focal + logit adjustment does as"),
        ({"ccar": 2.0, "up": 2.0}, "CCAR (normalised) + logit adjustment, by the rule"),
        ({"ccar": -2.0, "up": 2.0}, "logit adjustment with τ tuned, without CCAR"),
    ],
)
def test_the_decision_follows_the_rule(gains, words):
    text = pretrained_page.page([made_results(**gains)])
    assert words in text.partition("**Which setting.**")[2].splitlines()[0]


def test_the_page_tells_what_is_missing():
    assert "Not yet run." in pretrained_page.page([])
    text = pretrained_page.page([made_results(seeds=3)])
    assert "`3` to `3` of `10` seeds" in text
    assert "preliminary" not in pretrained_page.page([made_results()])
    single = pretrained_page.page([made_results(seeds=1)])
    assert "| 1 " in single or "|       1 |" in single


def test_controls_of_the_step_and_the_probe_are_told():
    results = made_results(seeds=2)
    assert "also takes longer" not in pretrained_page.page([results])
    ce = [run for run in results["runs"] if run["method"] == "ce"]
    name = "ce×c(batch)"
    results["runs"] += [
        {**run, "method": name, "family": name, "balanced": run["balanced"] + 0.5}
        for run in ce
    ]
    results["tuning"][name] = results["tuning"]["ce"]
    header, *rows = pretrained_page.step_section(Runs(results))
    assert "were not planned" in header
    assert "+0.50" in rows[0]
    probe = {"best": [0.03, 0.005], "accuracies": [70.0, 72.0], "accuracy": 71.0}
    text = pretrained_page.page([results], probe={**probe, "command": "python p.py"})
    assert "reaches 71.0 % on the test images (mean of 2 seeds)" in text


def test_the_figure_is_drawn(tmp_path):
    assert pretrained_page.trade_off(Runs(made_results())).startswith(b"\x89PNG")


def test_imbalances_are_compared_and_may_have_no_few_shot_classes():
    mild = made_results(seeds=3, ccar=-2.0)
    mild["configuration"]["imbalance_factor"] = 10
    for run in mild["runs"]:
        run["medium"], run["few"] = run["few"], None
    main = made_results(ccar=2.0)
    assert (Runs(main).rare, Runs(mild).rare) == ("few", "medium")
    text = pretrained_page.page([main, mild])
    assert "at 1 of the 2 imbalances, and worse at 1." in text
    assert "Medium-shot against many-shot accuracy along τ" in text
    assert "No class here is few-shot." in text
    header, *rows = pretrained_page.imbalance_rows([main, mild])
    assert header[0] == "imbalance"
    assert [row[0] for row in rows] == ["10", "100"]
    assert [row[-1] for row in rows] == ["3", "10"]
    assert pretrained_page.trade_off(Runs(mild)).startswith(b"\x89PNG")
    assert "## By imbalance" not in pretrained_page.page([main])
