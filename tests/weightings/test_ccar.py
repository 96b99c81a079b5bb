import keras
import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

import keras_ccar
from keras_ccar.frequencies import ClassPrior
from keras_ccar.weightings import CCARWeighting, ccar, ccar_weight

PIVOTAL_FORMS = ("exponential", "power", "information")
COUNTS = np.array([500, 100, 20, 5])

frequencies = st.floats(1e-4, 1 - 1e-4)
pivots = st.floats(0.05, 1.0)
strengths = st.floats(0.1, 5.0)


def omega(p, f, **arguments):
    """In float64 where the backend has it: the properties are exact statements."""
    p, f = np.asarray(p, "float32"), np.asarray(f, "float32")
    return ops.convert_to_numpy(ccar_weight(p, f, **arguments)).astype("float64")


@pytest.mark.parametrize("form", ccar.FORMS)
@pytest.mark.parametrize("pivot", [0.3, 0.75, 1.0])
@pytest.mark.parametrize("strength", [0.0, 1.0, 2.5])
def test_equals_oracle(form, pivot, strength):
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, 500).astype("float32")
    f = rng.choice(COUNTS / COUNTS.sum(), 500)
    expected = oracles.ccar_weight(p, f, pivot, strength, form, COUNTS)
    if form == "inverse":
        expected **= strength
    actual = ccar_weight(
        p, f, pivot, strength, form, num_classes=4, num_examples=COUNTS.sum()
    )
    np.testing.assert_allclose(ops.convert_to_numpy(actual), expected, rtol=2e-6)


def test_the_largest_class_has_a_finite_capacity_of_ln_n_plus_1():
    prior = ClassPrior(COUNTS / COUNTS.sum(), float(COUNTS.sum()))
    weighting = CCARWeighting(form="information", frequency_scale="largest")
    p = np.array([0.0, 0.5, 0.75, 0.9, 1.0], "float32")
    weight = ops.convert_to_numpy(weighting(p, np.float32(prior.frequency[0]), prior))
    expected = (COUNTS.sum() + 1.0) ** np.minimum(0.75 - p, 0)
    np.testing.assert_allclose(weight, expected, rtol=1e-5)


@pytest.mark.parametrize("scale", ["smallest", None, 3])
def test_another_frequency_scale_is_refused(scale):
    with pytest.raises(ValueError, match="`frequency_scale` must be"):
        CCARWeighting(frequency_scale=scale)


def test_weightings_that_were_saved_before_the_frequency_scale_load_as_they_were():
    saved = {"pivot": 0.6, "strength": 2.0, "form": "power"}
    assert CCARWeighting.from_config(saved).frequency_scale == "total"


@pytest.mark.parametrize("form", PIVOTAL_FORMS)
class TestProperties:
    @given(f=frequencies, pivot=pivots, s=strengths)
    def test_continuity(self, form, f, pivot, s):
        pivot = float(np.float32(pivot))
        below, above = np.nextafter(np.float32(pivot), np.float32([0, 2]))
        weights = omega([below, pivot, above], f, pivot=pivot, strength=s, form=form)
        np.testing.assert_allclose(weights, 1, atol=1e-5)
        assert weights[1] == 1

    @given(f=frequencies, pivot=pivots, s=strengths, share=st.floats(0, 0.99))
    def test_amplification(self, form, f, pivot, s, share):
        p = share * pivot
        assert omega(p, f, pivot=pivot, strength=s, form=form) > 1

    @given(f=frequencies, s=strengths, share=st.floats(0.01, 1))
    def test_damping(self, form, f, s, share):
        p = 0.75 + share * 0.25
        assert omega(p, f, strength=s, form=form) <= 1
        # Strictly, where float32 can tell it from 1.
        assert omega(p, max(f, 0.01), strength=s, form=form) < 1

    @given(f=frequencies, pivot=pivots, s=strengths)
    def test_falls_in_confidence(self, form, f, pivot, s):
        p = np.linspace(0, 1, 101)
        weights = omega(p, f, pivot=pivot, strength=s, form=form)
        assert (np.diff(weights) <= 1e-6 * weights[:-1]).all()
        assert weights[0] > weights[-1]

    @given(p=st.floats(0, 1), pivot=pivots, s=strengths)
    def test_falls_in_frequency(self, form, p, pivot, s):
        f = np.linspace(0.001, 0.999, 101)
        weights = omega(p, f, pivot=pivot, strength=s, form=form)
        assert (np.diff(weights) <= 1e-6 * weights[:-1]).all()
        if abs(p - pivot) > 0.01:
            assert weights[0] > weights[-1]

    @given(p=st.floats(0.76, 1), s=strengths)
    def test_rare_and_easy_keeps_weight_1(self, form, p, s):
        np.testing.assert_allclose(omega(p, 1e-7, strength=s, form=form), 1, atol=1e-5)

    @given(p=st.floats(0, 0.75), s=strengths)
    def test_rare_and_hard_has_whole_amplification(self, form, p, s):
        f = 1e-7
        capacity = {
            "exponential": 1.0,
            "power": np.log(2.0),
            "information": -np.log(f),
        }[form]
        np.testing.assert_allclose(
            omega(p, f, strength=s, form=form),
            np.exp(s * capacity * (0.75 - np.float32(p))),
            rtol=1e-4,
        )

    @given(p=st.floats(0, 1), f=frequencies, pivot=pivots, s=strengths)
    def test_bounds(self, form, p, f, pivot, s):
        dual = f if np.float32(p) < pivot else 1 - f
        capacity = {
            "exponential": 1.0,
            "power": np.log(2.0),
            "information": -np.log(dual) + 1e-6,
        }[form]
        weight = omega(p, f, pivot=pivot, strength=s, form=form)
        assert np.exp(-s * capacity * (1 - pivot)) <= weight * (1 + 1e-5)
        assert weight <= np.exp(s * capacity * pivot) * (1 + 1e-5)

    @given(p=st.floats(0, 1), f=st.floats(0, 1))
    def test_off_switch(self, form, p, f):
        weight = omega(p, f, strength=0, form=form, num_examples=100)
        assert weight == 1


def test_callable_form():
    weight = ccar_weight(0.5, 0.1, form=lambda p_t, f_c: p_t * 10 + f_c)
    assert weight == pytest.approx(5.1)


def test_information_floor_keeps_empty_classes_finite():
    weight = omega(0.0, 0.0, form="information", num_examples=99)
    np.testing.assert_allclose(weight, 100**0.75, rtol=1e-5)


def test_inverse_gives_balanced_classes_one_over_confidence():
    weight = omega([0.5, 1e-9], 0.25, form="inverse", num_classes=4)
    np.testing.assert_allclose(weight, [2, 1000], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pivot": 0}, r"`pivot` must be .*0"),
        ({"pivot": 1.5}, r"`pivot` .*\(0, 1\].* pivot=1.5"),
        ({"pivot": "high"}, "`pivot` .*'high'"),
        ({"pivot": float("nan")}, "`pivot` .*nan"),
        ({"strength": -1}, "`strength` .*>= 0.*-1"),
        ({"strength": float("inf")}, "`strength` .*inf"),
        ({"strength": True}, "`strength` .*True"),
        ({"form": "linear"}, "`form` .*'exponential'.*'linear'"),
        ({"form": "inverse"}, "`num_classes` must be given"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ccar_weight(0.5, 0.1, **arguments)


@keras.saving.register_keras_serializable(package="tests")
def doubled(p_t, f_c):
    return 2.0 * p_t


@pytest.mark.parametrize("form", ["power", doubled])
def test_config_round_trip(form):
    weighting = CCARWeighting(pivot=0.5, strength=2, form=form)
    copy = CCARWeighting.from_config(weighting.get_config())
    assert (copy.pivot, copy.strength, copy.form) == (0.5, 2.0, form)


def test_weighting_knows_classes_and_examples():
    prior = ClassPrior(COUNTS / COUNTS.sum(), COUNTS.sum())
    weight = CCARWeighting(form="inverse")(np.float32(0.5), 0.2, prior)
    np.testing.assert_allclose(ops.convert_to_numpy(weight), 1 / (4 * 0.2 * 0.5))


@pytest.mark.parametrize("form", ccar.FORMS)
def test_any_strength_has_finite_weights(form):
    counts = [10**9, 1]
    loss = keras_ccar.CCARLoss(counts, strength=1000, form=form, reduction=None)
    weight = ops.convert_to_numpy(loss([1], np.float32([[1, 0]])))
    assert np.isfinite(weight).all()
    weight = omega(0.0, 1e-9, strength=1000, form=form, num_classes=2)
    assert np.isfinite(weight).all()
