"""Shares, empty classes and priors that follow the data, in every loss."""

import json

import numpy as np
import pytest
from keras import ops
from loss_checks import COUNTS, NUM_CLASSES, public_cases

from keras_ccar.adjustments import LDAMMargin, LogitAdjustment
from keras_ccar.weightings import EffectiveNumber, InverseFrequency

FORMS = ("exponential", "power", "information", "inverse")
every_loss = pytest.mark.parametrize("case", public_cases(), ids=lambda case: case.name)


def numpy(x):
    return ops.convert_to_numpy(x)


def variants(case):
    """Arguments that choose the parts of a loss."""
    found = [{}]
    if "form" in case.parameters:
        found = [{"form": form} for form in FORMS]
    if "smoothing" in case.parameters:
        found.append({"smoothing": 1.0})
    return found


@every_loss
def test_shares_give_what_counts_give(case):
    labels, predictions = case.labels(), case.predictions()
    counts = np.array([9000, 900, 90, 40])

    def loss(scale, **arguments):
        if case.is_binary:
            arguments["num_examples"] = counts.sum() / scale
        return case.loss(class_counts=counts / scale, **arguments)

    for variant in variants(case):
        expected = numpy(loss(1, **variant)(labels, predictions))
        for scale in (counts.sum(), counts.sum() / 100):
            needs_numbers = "beta" in case.parameters and "alpha" not in case.parameters
            if needs_numbers or "smoothing" in variant:
                with pytest.raises(ValueError, match="Multiply shares by the number"):
                    loss(scale, **variant)
            else:
                actual = loss(scale, **variant)(labels, predictions)
                np.testing.assert_allclose(numpy(actual), expected, rtol=1e-5)


@every_loss
def test_an_empty_class_changes_no_other(case):
    if case.is_binary:
        return  # every label is a problem of its own
    labels = np.array([0, 1, 2, 3, 0])
    predictions = case.predictions((5,))
    # The class 2 of five has no example, and no model predicts it.
    wide = np.insert(predictions, 2, -1e9, axis=-1)
    moved = np.where(labels >= 2, labels + 1, labels)
    for variant in variants(case):
        if "smoothing" in case.parameters and not variant:
            continue  # refuses empty classes
        for normalize in (False, True):
            arguments = {**variant, "normalize": normalize, "reduction": None}
            with_empty = case.loss(class_counts=np.insert(COUNTS, 2, 0), **arguments)
            # Smoothing adds a constant to the sum of counts, and so to every logit.
            without = case.loss(**arguments)
            np.testing.assert_allclose(
                numpy(with_empty(moved, wide)),
                numpy(without(labels, predictions)),
                rtol=2e-5,
                atol=1e-6,
            )


@every_loss
def test_advice_for_empty_classes_can_be_followed(case):
    own = "smoothing" in case.parameters
    if not own and "adjustment" not in case.parameters:
        return  # needs no logarithm
    counts = [500, 100, 0, 5]
    way = {} if own else {"adjustment": LogitAdjustment()}
    empty = "label 2 without an example of yes"
    if not case.is_binary:
        empty = "class 2 without examples"
    with pytest.raises(ValueError, match=empty) as error:
        case.loss(class_counts=counts, **way)
    if own:
        assert "pass `smoothing=1` to" in str(error.value)
        assert f"`{case.name}`" in str(error.value)
        way = {"smoothing": 1}
    else:
        advised = "`adjustment=LogitAdjustment(smoothing=1)` to any other loss"
        assert advised in str(error.value)
        way = {"adjustment": LogitAdjustment(smoothing=1)}
    loss = case.loss(class_counts=counts, **way)
    assert np.isfinite(numpy(loss(case.labels(), case.predictions())))


@every_loss
def test_a_loss_that_follows_ends_where_one_that_knew_is(case):
    labels, predictions = case.labels(), case.predictions()
    parts = variants(case)
    if "adjustment" in case.parameters:
        parts += [
            {"adjustment": LogitAdjustment(smoothing=1)},
            {"adjustment": LDAMMargin()},
        ]
    if "weighting" in case.parameters:
        parts += [
            {"weighting": EffectiveNumber(0.99)},
            {"weighting": InverseFrequency()},
        ]
    for part in parts:
        known = case.loss(**part)
        unknown = {"num_examples": 2} if case.is_binary else {}
        following = case.loss(class_counts=[1] * NUM_CLASSES, **unknown, **part)
        if known.statistics_counts is None:
            continue  # a focal loss without class counts
        seen = np.array(known.statistics_counts, "float64")
        for _ in range(60):
            following.blend_prior(seen, 0.5)
        expected = numpy(known(labels, predictions))
        actual = numpy(following(labels, predictions))
        np.testing.assert_allclose(actual, expected, rtol=1e-5)
        config = json.loads(json.dumps(following.get_config()))
        reloaded = case.loss_class.from_config(config)
        np.testing.assert_array_equal(numpy(reloaded(labels, predictions)), actual)
