import numpy as np
import pytest
from made_results import made_results

from keras_ccar.benchmark.report.sentences.verdicts import verdicts


def sentence_about(sentences, start):
    (sentence,) = [text for text in sentences if text.startswith(start)]
    return sentence


def test_a_gain_is_only_claimed_when_the_interval_excludes_zero():
    sure = verdicts(
        made_results({"ce": [50, 51, 52], "bs": [60, 61, 62], "ccar": [55, 56.1, 56.9]})
    )
    assert sure[0] == (
        "CCAR beat cross-entropy: 56.00 % against 51.00 % balanced accuracy, +5.00 "
        "points; the 95 % confidence interval +4.75 to +5.25, 3 paired seeds, "
        "excludes zero (Holm, p < 0.001)."
    )
    assert sure[1].startswith("CCAR lost to Balanced Softmax: 56.00 % against 61.00 %")
    unsure = verdicts(made_results({"ce": [50, 51, 52], "ccar": [55, 49, 53]}))
    assert unsure[0].startswith("CCAR did not measurably differ from cross-entropy")
    assert "+1.33 points" in unsure[0]
    assert unsure[0].endswith("includes zero.")
    assert unsure[-1] == (
        "Not compared here: Balanced Softmax, logit adjustment, CCAR + logit "
        "adjustment, cross-entropy × CCAR's mean weight of each epoch (its control), "
        "logit adjustment × the mean weight of CCAR + logit adjustment of each epoch "
        "(its control)."
    )


def test_one_seed_claims_nothing():
    sentences = verdicts(made_results({"ce": [50], "ce×c": [55], "ccar": [60]}))
    assert "+10.00 points, from 1 seed" in sentences[0]
    assert "no confidence interval" in sentences[0]
    control = sentence_about(sentences, "The control")
    assert control.endswith("from 1 seed there is no interval, and no share is given.")


def test_equal_gains_claim_nothing():
    made = made_results({"ce": [50, 51], "ce×c": [50.1, 51.1], "ccar": [50.2, 51.2]})
    sentences = verdicts(made)
    assert "+0.20 points, from 2 seeds that differ by the same" in sentences[0]
    assert sentences[0].endswith("neither can be said to be better.")
    control = sentence_about(sentences, "The control")
    assert control.endswith("there is no interval, and no share is given.")


def test_failed_runs_are_no_numbers():
    sentences = verdicts(made_results({"ce": [50, 51], "ccar": [None, None]}))
    assert sentences[0] == "CCAR against cross-entropy: no seed was finished by both."
    assert not [text for text in sentences if text.startswith("Speed")]


def test_what_ccar_adds_to_logit_adjustment():
    sentences = verdicts(
        made_results({"la": [40, 41, 42], "ccar+la": [41, 42.2, 42.9]})
    )
    assert sentences[0].startswith("CCAR + logit adjustment beat logit adjustment: ")
    assert "+1.03 points" in sentences[0]


def test_a_tuned_cross_entropy_is_a_rival():
    sentences = verdicts(made_results({"ce-tuned": [40, 41], "ccar": [40.1, 40.9]}))
    assert sentences[0].startswith(
        "CCAR did not measurably differ from cross-entropy, tuned learning rate"
    )


def test_the_share_of_the_control():
    # Gains 3, 4 and 5; the control reaches 1, 2 and 3 of them: half, 2 of 4.
    sentences = verdicts(
        made_results({"ce": [50, 51, 52], "ce×c": [51, 53, 55], "ccar": [53, 55, 57]})
    )
    control = sentence_about(sentences, "The control")
    assert "changed cross-entropy by +2.00 points" in control
    assert "where CCAR changed it by +4.00 points" in control
    assert "CCAR less the control is +2.00 points" in control
    assert "So the control explains 50 % of the gain" in control


def test_the_share_of_the_control_of_an_adjusted_loss():
    results = {"la": [50, 51, 52], "la×c": [51, 53, 55], "ccar+la": [53, 55, 57]}
    control = sentence_about(verdicts(made_results(results)), "The control")
    assert "the mean weight of CCAR + logit adjustment, changed logit adj" in control
    assert "where CCAR + logit adjustment changed it by +4.00 points" in control
    assert "So the control explains 50 % of the gain" in control


@pytest.mark.parametrize(
    ("ccar", "end"),
    [
        ([49, 50, 51.1], "CCAR gained nothing, so there is no share to explain."),
        ([55, 49, 53], "includes zero, so no share of it is given."),
    ],
)
def test_no_share_of_a_gain_that_is_none(ccar, end):
    sentences = verdicts(
        made_results({"ce": [50, 51, 52], "ce×c": [51, 52, 53.5], "ccar": ccar})
    )
    control = sentence_about(sentences, "The control")
    assert control.endswith(end)
    assert "explains" not in control


def test_speed_of_training():
    results = made_results({"ce": [50, 51], "ccar": [50, 51]}, epochs=4)
    for run in results.run_entries:
        rise = [0.1, 0.2, 0.5, 0.6] if run["method"] == "ce" else [0.2, 0.6, 0.7, 0.75]
        if run["method"] == "ccar" and run["seed"] == 1:
            rise = [0.2, 0.3, 0.4, 0.5]
        run["history"]["confidence"] = np.outer(rise, np.ones(100)).tolist()
    speed = sentence_about(verdicts(results), "Speed of training")
    assert "60.00 % under cross-entropy in the last of 4 epochs" in speed
    assert "by CCAR with 1 of 2 seeds, on average in epoch 2.0;" in speed
    # +15 and -10 points.
    assert "the two differ by +2.50 points" in speed


def test_overfitting_shows_in_the_second_half_of_the_training():
    results = made_results({"ce": [50, 51], "ccar": [52, 54]}, epochs=4)
    for run in results.run_entries:
        run["history"]["test"] = [
            {"epoch": 1, "balanced": 60},
            {"epoch": 2, "balanced": 53},
            {"epoch": 3, "balanced": 70},
        ]
    # From 53 to 50 and 51, and to 52 and 54; no other epoch counts, however high.
    half = sentence_about(verdicts(results), "Second half of the training")
    assert "changed by −2.50 points with cross-entropy and by +0.00 with CCAR;" in half
    assert "differ by +2.50 points" in half
    for run in results.run_entries:
        run["history"]["test"] = []
    assert not [text for text in verdicts(results) if text.startswith("Second half")]


def test_verdicts_are_corrected_for_their_number():
    # p is 0.048 for CCAR against cross-entropy.
    balanced = {"ce": [50, 50.1, 49.9, 50], "ccar": [51, 50.9, 50, 50.6]}
    alone = verdicts(made_results(balanced))[0]
    assert alone.startswith("CCAR beat cross-entropy: ")
    assert alone.endswith("excludes zero (Holm, p = 0.048).")
    balanced["bs"] = [51, 48, 52, 50]
    among, *_ = verdicts(made_results(balanced))
    assert among.startswith("CCAR cannot be told apart from cross-entropy: ")
    assert among.endswith(
        "excludes zero, but not once the number of comparisons is allowed for (Holm, "
        "p = 0.096)."
    )


def test_one_pair_has_one_p():
    balanced = {"ce": [50, 50.1, 49.9, 50], "ccar": [51, 50.9, 50, 50.6]}
    # No question is asked about it, but the ranking compares it with the baseline.
    made = made_results({**balanced, "focal": [51, 48, 52, 50]})
    ranked = made.summary.set_index("method")["p"]["ccar"]
    assert ranked == pytest.approx(0.096, abs=0.001)
    assert verdicts(made)[0].endswith("(Holm, p = 0.096).")
    # Pairs without the baseline are not in the ranking.
    two = {"la": [40, 40.1, 39.9, 40], "ccar+la": [41, 40.9, 40, 40.6]}
    (sentence,) = [x for x in verdicts(made_results(two)) if "Holm" in x]
    assert sentence.endswith("(Holm, p = 0.048).")


def test_the_same_numbers_are_no_difference():
    made = made_results({"ce": [50, 51], "bs": [60, 61], "ccar": [60, 61]})
    same = sentence_about(verdicts(made), "CCAR gave")
    assert same == (
        "CCAR gave the same numbers as Balanced Softmax with every seed: 60.50 % "
        "balanced accuracy (2 seeds)."
    )
