"""Who takes a model is told of which class frequencies its probabilities are."""

from keras_ccar.benchmark.statistics.prior_sentence import describe_prior_gap

NAMES = ["fine", "faulty"]


def run(method, gap=True, **chosen):
    if gap:
        chosen["prior_gap"] = [1, 0.3, 0.05]
    return {"method": method, "seed": 2, "chosen": chosen}


def test_what_to_do_depends_on_the_method():
    told = describe_prior_gap(run("la"), [run("ce", gap=False)], NAMES)
    assert "that of faulty is 0.3 on average, and its share is 0.05" in told
    assert 'trained_prior="balanced"' in told
    # The last layer was trained on balanced draws.
    assert 'trained_prior="balanced"' in describe_prior_gap(run("ce+crt"), [], NAMES)
    for stage in ("tau", "tau-norm"):
        told = describe_prior_gap(
            run(f"ce+{stage}"), [run("ce", gap=False), run("la")], NAMES
        )
        assert 'take `comparison.model("ce", 2)`' in told
        told = describe_prior_gap(run(f"la+{stage}"), [run("la")], NAMES)
        assert "train with a loss that knows no class counts" in told


def test_nothing_to_say():
    assert describe_prior_gap(run("ce", gap=False), [], NAMES) == ""
    assert describe_prior_gap(run("ce+thresholds", thresholds=[0.2]), [], NAMES) == ""
    assert describe_prior_gap({"method": "ce", "seed": 0}, [], NAMES) == ""
