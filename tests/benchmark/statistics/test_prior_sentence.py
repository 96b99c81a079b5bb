"""Who takes a model is told of which class frequencies its probabilities are."""

import pytest

from keras_ccar.benchmark.statistics.prior_sentence import describe_prior_gap

NAMES = ["fine", "faulty"]
CORRECTION = '`keras_ccar.LogitCorrection(class_counts, trained_prior="balanced")`'


def run(method, mean=0.3, **chosen):
    if mean is not None:
        chosen["prior_gap"] = [1, mean, 0.05]
    return {"method": method, "seed": 2, "chosen": chosen}


def method(name, derived_from=None, **more):
    base = derived_from or name
    prior = {"trained_prior": '"balanced"'} if base.endswith("la") else {}
    return {"name": name, "derived_from": derived_from, **prior, **more}


def describe(told, *others, derived_from=None):
    methods = [method(told["method"], derived_from)]
    return describe_prior_gap(told, [told, *others], methods, NAMES)


def test_a_loss_that_adjusts():
    for name in ("la", "ccar+la"):
        told = describe(run(name), run("ce", None))
        assert "but of classes that are more equally frequent" in told
        assert "that of faulty is 0.3 on average, and its share is 0.05" in told
        assert f"put {CORRECTION}" in told
        assert "the model that `finish()` returns" in told
        assert told.endswith(
            "and calibrate the result by `keras_ccar.posthoc.calibrate`."
        )
        # A temperature that was chosen is one for the probabilities before.
        told = describe(run(name, temperature=1.3), run("ce", None))
        assert f'behind `comparison.model("{name}", 2)`, the model without the' in told
        assert "without the temperature, and calibrate the result" in told
    weighted = {**method("cb"), "trained_prior": "the class counts times their weights"}
    told = describe_prior_gap(run("cb"), [], [weighted], NAMES)
    assert "trained_prior=the class counts times their weights)" in told


@pytest.mark.parametrize("base", ["ce", "la", "ccar+la"])
def test_a_last_layer_that_was_trained_on_balanced_draws(base):
    told = describe(run(f"{base}+crt"), derived_from=base)
    assert f"put {CORRECTION}" in told
    assert "the model that `finish()` returns" in told


@pytest.mark.parametrize("base", ["la", "ccar+la"])
@pytest.mark.parametrize("stage", ["thresholds", "tau", "tau-norm"])
def test_what_is_made_of_a_loss_that_adjusts(base, stage):
    """Its probabilities are corrected before it decides or is changed."""
    told = describe(run(f"{base}+{stage}"), run(base), derived_from=base)
    assert f"put {CORRECTION}" in told
    assert f'behind `comparison.model("{base}", 2)`, the model without' in told


@pytest.mark.parametrize("stage", ["tau", "tau-norm"])
def test_what_is_made_of_a_loss_that_knows_no_class_counts(stage):
    """The model that there was before is the answer, however good it is."""
    told = describe(run(f"ce+{stage}"), run("ce", None), derived_from="ce")
    assert 'as they are, take `comparison.model("ce", 2)`, the model without' in told
    assert "LogitCorrection" not in told
    told = describe(run(f"ce+{stage}"), run("ce", 0.08), derived_from="ce")
    assert 'as they are, take `comparison.model("ce", 2)`, the model without' in told
    assert "there that of faulty is 0.08 on average" in told


def test_a_loss_of_which_it_is_not_known_why():
    for told in (
        describe(run("ce")),
        describe(run("ce+thresholds", thresholds=[0.2]), derived_from="ce"),
    ):
        assert "more equally frequent" not in told
        assert f"put {CORRECTION}" in told
        assert "if the loss or the training data balance the classes" in told
        assert "otherwise train for more epochs" in told


def test_nothing_to_say():
    assert describe(run("ce", None)) == ""
    told = run("ce+thresholds", None, thresholds=[0.2])
    assert describe(told, derived_from="ce") == ""
    assert describe({"method": "ce", "seed": 0}) == ""
