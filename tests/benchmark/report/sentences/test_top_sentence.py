"""The opening sentence follows from the numbers, whatever they are."""

import re

import pytest
from made_results import made_results

from keras_ccar.benchmark.report.sentences.top_sentence import find_answer

TOP = "The best was chosen by the test data that the numbers are of"


def sentence_of(balanced, own=False, **changes):
    made = made_results(balanced, **changes)
    if own:
        made.dataset["kind"] = "softmax"
    return find_answer(made).sentence


def test_a_clear_winner():
    balanced = {
        "ce": [50, 51, 52, 50, 51],
        "la": [56, 57.2, 58.1, 55.9, 57.1],
        "ccar+la": [56.3, 57, 57.8, 56.2, 56.9],
        "focal": [50.1, 50.8, 52.1, 50.2, 50.8],
    }
    answer = find_answer(made_results(balanced))
    # Differences 6, 6.2, 6.1, 5.9 and 6.1: mean 6.06, deviation 0.1140, and
    # t(0.975, 4) = 2.7764, so 6.06 ± 0.14.
    assert answer.sentence == (
        "On cifar100-lt logit adjustment gives +6.1 points of balanced accuracy over "
        "cross-entropy (95 % 5.9 to 6.2, 5 seeds); CCAR + logit adjustment cannot be "
        "told apart from it."
    )
    assert answer.warning == ""
    assert len(answer.notes) == 1
    assert answer.notes[0].startswith(TOP)
    assert sentence_of(balanced, own=True).startswith("On your data logit adjustment ")


def test_a_winner_that_beats_all():
    balanced = {
        "ce": [50, 51, 52],
        "la": [60, 61.1, 61.9],
        "focal": [55, 56.2, 56.8],
    }
    assert sentence_of(balanced).endswith("; every other method is measurably worse.")
    del balanced["focal"]
    assert sentence_of(balanced).endswith(" 3 seeds).")


def test_a_tie():
    balanced = {"ce": [50, 51, 52], "ccar": [55, 49, 53], "la": [50, 51, 50]}
    sentence = sentence_of(balanced)
    # Differences 5, -2 and 1: mean 1.333, deviation 3.512, t(0.975, 2) = 4.3027.
    assert sentence == (
        "On cifar100-lt no method can be said to be better than cross-entropy: the "
        "best, CCAR, gives +1.3 points of balanced accuracy over cross-entropy (95 % "
        "−7.4 to 10.1, 3 seeds). Take the simpler one, cross-entropy."
    )


def test_a_gain_that_does_not_outlive_the_correction():
    # p is between 0.025 and 0.05 alone, and twice that among two methods.
    made = made_results({"ce": [50, 50.1, 49.9, 50], "ccar": [51, 50.9, 50, 50.6]})
    difference = made.summary.set_index("method").loc["ccar"]
    assert 0.025 < difference["p"] < 0.05
    assert "CCAR gives +0.6 points" in find_answer(made).sentence
    made = made_results(
        {
            "ce": [50, 50.1, 49.9, 50],
            "ccar": [51, 50.9, 50, 50.6],
            "la": [51, 48, 52, 50],
        }
    )
    sentence = find_answer(made).sentence
    assert "no method can be said to be better than cross-entropy" in sentence
    told = "; corrected by Holm for 2 methods it may be chance. Take the simpler one, "
    assert sentence.endswith(told + "cross-entropy.")


def test_a_loss():
    sentence = sentence_of(
        {"ce": [50, 51, 52], "ccar": [48, 49.1, 49.9], "la": [50, 50, 52.1]}
    )
    assert sentence == (
        "On cifar100-lt no method improves on cross-entropy, 51.0 % balanced accuracy "
        "(3 seeds); the closest, logit adjustment, gives −0.3 points of balanced "
        "accuracy over cross-entropy (95 % −1.8 to 1.2, 3 seeds); logit adjustment "
        "cannot be told apart from it."
    )
    worse = sentence_of({"ce": [50, 51, 52], "ccar": [48, 49.1, 49.9]})
    assert worse.endswith(", and every other method is measurably worse.")


def test_one_seed_says_so():
    answer = find_answer(made_results({"ce": [50], "ccar": [60], "la": [55]}))
    assert answer.sentence == (
        "On cifar100-lt CCAR gives +10.0 points of balanced accuracy over "
        "cross-entropy (1 seed); one seed cannot tell methods apart."
    )
    assert answer.warning == "This proves nothing: one seed."
    assert sentence_of({"ce": [60], "ccar": [50]}).endswith(
        "gives −10.0 points of balanced accuracy over cross-entropy (1 seed); one seed "
        "cannot tell methods apart."
    )


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({"recipe": "plain-smoke", "epochs": 2}, "a smoke test and 2 epochs"),
        ({"epochs": 4}, "4 epochs"),
        ({"epochs": 1}, "1 epoch"),
        ({"epochs": 5}, ""),
    ],
)
def test_what_proves_nothing(change, warning):
    answer = find_answer(made_results({"ce": [50, 51], "ccar": [60, 61.1]}, **change))
    assert answer.warning == (warning and f"This proves nothing: {warning}.")


def test_a_method_that_failed():
    made = made_results(
        {"ce": [50, 51, 52], "ccar": [None, None, None], "la": [56, None, 57.9]}
    )
    answer = find_answer(made)
    # With fewer seeds than others, logit adjustment is not chosen.
    assert answer.sentence.startswith("On cifar100-lt no method improves on cross-ent")
    assert answer.notes[1:] == (
        "Every run of CCAR failed.",
        "1 of 3 runs of logit adjustment failed, so it could not be chosen.",
    )


def test_a_baseline_that_failed():
    made = made_results(
        {"ce": [None, None, None], "bs": [43, 44, 45], "la": [40, 41, 42.1]}
    )
    answer = find_answer(made)
    assert answer.sentence == (
        "On cifar100-lt Balanced Softmax has the highest balanced accuracy, 44.0 % (3 "
        "seeds); every other method is measurably worse; there is "
        "no finished baseline to compare it with."
    )
    assert answer.notes[-1] == "Every run of cross-entropy failed."


def test_no_baseline():
    sentence = sentence_of({"ccar": [43, 44, 45], "la": [43.1, 43.8, 45]})
    assert sentence.endswith(
        "logit adjustment cannot be told apart from it; there is no finished baseline "
        "to compare it with."
    )


def test_nothing_finished():
    answer = find_answer(made_results({"ce": [None], "ccar": [None]}))
    assert answer.sentence == "No run has finished, so there is nothing to compare."


def test_one_method():
    assert sentence_of({"ce": [50, 51]}) == (
        "On cifar100-lt only cross-entropy has finished: 50.5 % balanced accuracy (2 "
        "seeds); there is nothing to compare it with."
    )


def test_equal_methods():
    balanced = {"ce": [50, 51, 52], "bs": [60, 61.1, 61.9], "la": [60, 61.1, 61.9]}
    made = made_results(balanced)
    sentence = find_answer(made).sentence
    assert "Balanced Softmax gives +10.0 points" in sentence
    assert sentence.endswith("; logit adjustment gives the same numbers.")
    # The two count once: p is that of a single comparison.
    alone = made_results({"ce": balanced["ce"], "bs": balanced["bs"]})
    assert made.summary["p"][0] == alone.summary["p"][0]
    same = sentence_of({"ce": [50, 51, 52], "ccar": [50, 51, 52]})
    assert "no method improves on cross-entropy, 51.0 %" in same
    assert "the closest, CCAR, gives the same numbers" in same
    assert same.count("CCAR") == 1


def test_a_control_is_not_chosen():
    made = made_results({"ce": [50, 51], "ce×c": [57, 58.2], "ccar": [55, 56.1]})
    made.methods[1]["source"] = "control"
    answer = find_answer(made)
    assert answer.sentence.startswith("On cifar100-lt CCAR gives ")
    assert "mean weight" not in answer.sentence
    assert made.best().ties == ("ce×c",)
    assert answer.notes[1] == (
        "A control, which is never chosen, cross-entropy × CCAR's mean weight, reaches "
        "57.6 % balanced accuracy."
    )


def with_validation(balanced, validation):
    made = made_results(balanced)
    made.dataset["kind"] = "softmax"
    for run in made.run_entries:
        value = validation[run["method"]][run["seed"]]
        run["splits"] = {"validation": {"balanced": value}}
    return made


def test_the_choice_is_made_on_validation_data():
    # On the test data CCAR is ahead by chance; validation data chose logit adjustment.
    made = with_validation(
        {"ce": [50, 51, 52], "la": [55, 56.1, 56.9], "ccar": [55.5, 57.1, 56.7]},
        {"ce": [50, 51, 52], "la": [58, 58, 58], "ccar": [54, 54, 54]},
    )
    answer = find_answer(made)
    assert answer.sentence == (
        "On your data logit adjustment gives +5.0 points of balanced accuracy over "
        "cross-entropy (95 % 4.8 to 5.2, 3 seeds); CCAR cannot be told apart from it."
    )
    assert answer.notes == (
        "The method was chosen on the validation data; the numbers are of the test "
        "data, which had no part in the choice.",
    )
    best = made.best()
    assert (best.chosen_on, best.measured_on, best.mean) == ("validation", "test", 56.0)
    assert made.summary["method"].tolist() == ["la", "ccar", "ce"]


def test_a_choice_that_is_worse_on_the_test_data_is_not_called_the_best():
    made = with_validation(
        {"ce": [50, 51, 52], "la": [46, 50, 50.7], "ccar": [51, 50, 53]},
        {"ce": [50, 51, 52], "la": [58, 58, 58], "ccar": [54, 54, 54]},
    )
    # Differences -4, -1 and -1.3: mean -2.1, deviation 1.652, t(0.975, 2) = 4.3027.
    assert find_answer(made).sentence == (
        "On your data no method can be said to be better than cross-entropy. Chosen on "
        "the validation data: logit adjustment; on the test data it has 2.1 points "
        "less balanced accuracy than cross-entropy (95 % −6.2 to 2.0, 3 seeds). Take "
        "the simpler one, cross-entropy."
    )


def test_the_methods_that_were_shown_to_be_better_are_named():
    balanced = {
        "ce": [50, 51, 52],
        "la": [55, 56.1, 56.9],
        "bs": [54, 55.1, 56],
        "ccar": [50, 70, 54],
    }
    # Differences of CCAR 0, 19 and 2: mean 7, deviation 10.44, t(0.975, 2) = 4.3027.
    assert sentence_of(balanced) == (
        "On cifar100-lt logit adjustment and Balanced Softmax were shown to be better "
        "than cross-entropy; CCAR has the highest balanced accuracy, but of it this "
        "was not shown: +7.0 points of balanced accuracy over cross-entropy (95 % "
        "−18.9 to 32.9, 3 seeds)."
    )
    made = with_validation(
        {"ce": [50, 51, 52], "la": [55, 56.1, 56.9], "ccar": [49, 51.1, 51]},
        {"ce": [50, 51, 52], "la": [54, 54, 54], "ccar": [58, 58, 58]},
    )
    # Differences -1, 0.1 and -1: mean -0.633, deviation 0.635.
    assert find_answer(made).sentence == (
        "On your data logit adjustment was shown to be better than cross-entropy; of "
        "CCAR, chosen on the validation data, this was not shown: on the test data it "
        "has 0.6 points less balanced accuracy than cross-entropy (95 % −2.2 to 0.9, 3 "
        "seeds)."
    )


def test_a_baseline_that_validation_data_chose():
    made = with_validation(
        {"ce": [50, 51, 52], "ccar": [51, 50, 53]},
        {"ce": [60, 60, 60], "ccar": [54, 54, 54]},
    )
    assert find_answer(made).sentence.startswith(
        "On your data cross-entropy was chosen on the validation data; on the test "
        "data it has 51.0 % balanced accuracy (3 seeds); the next, CCAR, gives +0.3 "
    )


def test_one_seed_of_a_choice_on_other_data():
    made = with_validation({"ce": [50], "la": [48]}, {"ce": [50], "la": [58]})
    assert find_answer(made).sentence == (
        "On your data logit adjustment was chosen on the validation data; on the test "
        "data it has 2.0 points less balanced accuracy than cross-entropy (1 seed); "
        "one seed cannot tell methods apart."
    )


def test_validation_data_alone():
    made = made_results({"ce": [50, 51], "la": [55, 56.1]})
    made.split = "validation"
    (note,) = find_answer(made).notes
    assert note.startswith("The best was chosen by the validation data that the numb")


def test_yes_or_no():
    """An error, which is best where it is lowest, and has no unit."""
    made = made_results({"ce": [50, 51, 52], "ccar": [50, 51, 52]})
    made.dataset["kind"] = "binary"
    made.metrics = {"average_precision": "average precision", "log_loss": "log loss"}
    made.metric = "log_loss"
    for run in made.run_entries:
        gain = {"ce": 0.0, "ccar": -0.05 + 0.001 * run["seed"]}[run["method"]]
        run["log_loss"] = 0.4 + gain
        run["average_precision"] = 60 - 100 * gain + run["seed"]
    assert find_answer(made).sentence == (
        "On your data CCAR gives −0.049 of log loss against cross-entropy (95 % −0.051 "
        "to −0.047, 3 seeds)."
    )
    made.metric = "average_precision"
    assert re.match(
        r"On your data CCAR gives \+4.9 points of average precision over cross-entropy",
        find_answer(made).sentence,
    )
