"""Examples that belong together are drawn together."""

import numpy as np
import pandas
import pytest

from keras_ccar.posthoc import evaluate_classes, tune_logit_correction
from keras_ccar.posthoc.by_class.scores import resampled_weights

K = 3
COUNTS = [400, 90, 30]
RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(K), [60, 20, 9])
LOGITS = RNG.normal(size=(len(LABELS), K)) + 1.5 * np.eye(K)[LABELS]
TIMES = 4
BOUNDS = ["low", "high"]


def times(values):
    return np.repeat(values, TIMES, axis=0)


def evaluate(logits, labels, **options):
    return evaluate_classes(
        logits, labels, COUNTS, from_logits=True, resamples=30, **options
    )


@pytest.mark.parametrize(
    "form",
    [
        np.asarray,
        lambda ids: [f"patient {value}" for value in ids],
        lambda ids: pandas.Series(ids.astype(str), index=ids[::-1]),
        lambda ids: pandas.Categorical(ids),
        lambda ids: ids[:, None].astype(float),
    ],
)
def test_copies_of_an_example_tell_no_more_than_the_example(form):
    once = evaluate(LOGITS, LABELS)
    ids = form(times(np.arange(len(LABELS))))
    copies = evaluate(times(LOGITS), times(LABELS), resample_by=ids)
    pandas.testing.assert_frame_equal(copies.totals, once.totals)
    # A little wider, because the variance between few units is known badly.
    for score in ("precision", "recall"):
        for bound, sign in ((f"{score}_low", 1), (f"{score}_high", -1)):
            wider = sign * (once.classes[bound] - copies.classes[bound])
            assert (wider > -1e-9).all()
            assert (wider < 0.1).all()
    believed = evaluate(times(LOGITS), times(LABELS))
    assert (believed.classes["recall_low"] > once.classes["recall_low"] + 0.05).all()


def test_the_standard_error_of_tau_takes_them_together():
    taus = [0.0, 0.5, 1.0]
    once = tune_logit_correction(LOGITS, LABELS, COUNTS, taus=taus)
    ids = times(np.arange(len(LABELS)))
    copies = tune_logit_correction(
        times(LOGITS), times(LABELS), COUNTS, taus=taus, resample_by=ids
    )
    pandas.testing.assert_frame_equal(copies.curve, once.curve)


def test_pixels_go_with_their_image_and_ignored_ones_are_left_out():
    random = np.random.default_rng(1)
    labels = random.integers(0, K, (6, 4, 5))
    logits = random.normal(size=(6, 4, 5, K)) + np.eye(K)[labels]
    labels[1, 2:] = labels[4] = 255
    names = np.array(["a", "b", "a", "c", "d", "e"])
    by_pixel = np.broadcast_to(names[:, None, None], labels.shape)
    kept = labels != 255
    found = evaluate(logits, labels, ignore_class=255, resample_by=names)
    expected = evaluate(logits[kept], labels[kept], resample_by=by_pixel[kept])
    pandas.testing.assert_frame_equal(found.totals, expected.totals)
    pandas.testing.assert_frame_equal(found.classes, expected.classes)
    alone = evaluate(logits[kept], labels[kept])
    assert not found.totals[BOUNDS].equals(alone.totals[BOUNDS])


def test_yes_or_no_answers_go_with_their_row():
    random = np.random.default_rng(2)
    answers = (random.uniform(size=(50, 2)) < 0.3).astype(float)
    answers[:5, 0] = np.nan
    logits = random.normal(size=(50, 2)) + 2 * np.nan_to_num(answers)
    counts = [[70, 30], [70, 30]]
    options = {"from_logits": True, "resamples": 30, "ignore_value": np.nan}
    once = evaluate_classes(logits, answers, counts, **options)
    ids = times(np.arange(50))
    copies = evaluate_classes(
        times(logits), times(answers), counts, resample_by=ids, **options
    )
    pandas.testing.assert_frame_equal(copies.totals, once.totals)
    one = evaluate_classes(logits[:, :1], answers[:, :1], [70, 30], **options)
    copies = evaluate_classes(
        times(logits[:, :1]),
        times(answers[:, :1]),
        [70, 30],
        resample_by=ids,
        **options,
    )
    pandas.testing.assert_frame_equal(copies.totals, one.totals)


def test_a_unit_is_drawn_with_the_rarest_class_that_it_has():
    labels = np.array([0, 0, 0, 0, 1, 0, 1])
    units = np.array([0, 0, 1, 2, 3, 4, 4])
    for weights in resampled_weights(labels, 20, 0, units):
        assert weights[0] == weights[1]
        assert weights[5] == weights[6]
        assert weights[[0, 2, 3]].sum() == 3
        assert weights[[4, 6]].sum() == 2


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.arange(5), r"`resample_by` must be one value .* shape \(5,\) for 89 examp"),
        ("patient", "`resample_by` must be one value for each example.*'patient'"),
        (3, "`resample_by` must be one value for each example.*resample_by=3"),
        ([None] + [1] * 88, "1 missing values. Give each example that belongs to no"),
        (np.zeros((89, 2)), r"shape \(89, 2\) for 89 examples"),
    ],
)
@pytest.mark.parametrize("function", [evaluate_classes, tune_logit_correction])
def test_other_values_are_refused(ids, message, function):
    with pytest.raises(ValueError, match=message):
        function(LOGITS, LABELS, COUNTS, from_logits=True, resample_by=ids)
