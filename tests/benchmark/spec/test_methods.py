import dataclasses

import keras
import numpy as np
import pytest

from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import METHODS, get_method

COUNTS = [500, 100, 20, 5]
PRIOR = np.array(COUNTS) / sum(COUNTS)
LABELS = np.array([0, 1, 2, 3, 3, 0])
LOGITS = np.random.default_rng(3).normal(0, 2, (6, 4))
CCAR = {"pivot": 0.6, "strength": 2.0}


def loss_of(name, options=None):
    options = options or LossOptions()
    loss = get_method(name).build_loss(COUNTS, options)
    return np.asarray(
        keras.ops.convert_to_numpy(loss.call(LABELS, LOGITS.astype("float32")))
    )


def cross_entropy(logits):
    log_sum = np.log(np.exp(logits).sum(axis=1))
    return log_sum - logits[np.arange(len(LABELS)), LABELS]


def omega(loss, pivot=0.75, strength=1.0):
    p, f = np.exp(-loss), PRIOR[LABELS]
    return np.exp(strength * np.where(p < pivot, 1 - f, f) * (pivot - p))


def ldam_logits():
    """Logits of the head are S cos, so the margins are S m."""
    margins = 0.5 * (np.array(COUNTS) / 5) ** -0.25
    return LOGITS - 30 * margins[LABELS, None] * np.eye(4)[LABELS]


def class_weights(weights):
    """Scaled to a mean of 1 over the training distribution."""
    return (weights / (PRIOR * weights).sum())[LABELS]


def of_batch(weights):
    """Scaled to a mean of 1 over the batch, as PyTorch's cross-entropy scales them."""
    return weights[LABELS] / weights[LABELS].mean()


def expected(name):
    plain = cross_entropy(LOGITS)
    adjusted = cross_entropy(LOGITS + np.log(PRIOR))
    margin = cross_entropy(ldam_logits())
    effective = of_batch((1 - 0.9999) / (1 - 0.9999 ** np.array(COUNTS)))
    return {
        "ce": plain,
        "focal": (1 - np.exp(-plain)) ** 2 * plain,
        "cb": effective * plain,
        "inverse": class_weights(1 / PRIOR) * plain,
        "ldam": margin,
        "ldam-drw": effective * margin,
        "bs": adjusted,
        "la": adjusted,
        "la-posthoc": plain,
        "ccar": omega(plain) * plain,
        "ccar+la": omega(adjusted) * adjusted,
        "ccar+bs": omega(adjusted) * adjusted,
        "ccar+ldam": omega(margin) * margin,
        "ce×c": plain,
        "la×c": adjusted,
        # Twice, until the callback sets the weight of an epoch.
        "ce×c(t)": 2 * plain,
        "la×c(t)": 2 * adjusted,
        "ce-tuned": plain,
    }[name]


@pytest.mark.parametrize("name", METHODS)
def test_losses_are_those_of_the_papers(name):
    np.testing.assert_allclose(loss_of(name), expected(name), rtol=2e-5, atol=1e-6)


def test_the_scale_multiplies_the_loss_of_a_control():
    options = LossOptions(scale=1.7, tau=0.5)
    for name, logits in (
        ("ce×c", LOGITS),
        ("la×c", LOGITS + 0.5 * np.log(PRIOR)),
    ):
        expected = 1.7 * cross_entropy(logits)
        np.testing.assert_allclose(loss_of(name, options), expected, rtol=2e-5)


def test_post_hoc_correction_takes_the_prior_out():
    correction = get_method("la-posthoc[tau=2]").build_correction(COUNTS, LossOptions())
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(correction(LOGITS.astype("float32"))),
        LOGITS - 2 * np.log(PRIOR),
        rtol=1e-5,
    )


def test_settings_of_a_variant_take_the_place_of_those_of_the_comparison():
    options = LossOptions(strength=5.0, pivot=0.6)
    plain = cross_entropy(LOGITS)
    np.testing.assert_allclose(
        loss_of("ccar[strength=2]", options), omega(plain, **CCAR) * plain, rtol=2e-5
    )
    loss = get_method("ccar[normalize,differentiate_weight]").build_loss(
        COUNTS, LossOptions()
    )
    assert (loss.normalize, loss.differentiate_weight) == (True, True)
    loss = get_method("ccar[normalize=false]").build_loss(
        COUNTS, LossOptions(normalize=True)
    )
    assert loss.normalize is False


def test_a_variant_has_one_name_however_it_is_written():
    names = [
        "ccar+la[form=information, strength=3.0]",
        "ccar+la[strength=3,form=information]",
    ]
    variants = [get_method(name) for name in names]
    assert {method.name for method in variants} == {names[1]}
    assert variants[0].title == "CCAR + logit adjustment (s = 3, information form)"
    again = get_method("ccar[strength=0.1234567,normalize=false]")
    assert get_method(again.name).name == again.name
    assert again.title == "CCAR (s = 0.1234567, not normalised)"


def test_titles_tell_methods_apart():
    assert len({method.title for method in METHODS.values()}) == len(METHODS)
    assert "logit adjustment at τ = 1" in METHODS["ccar+bs"].title


def test_the_control_is_scaled_by_the_same_variant():
    assert get_method("cexc").name == "ce×c"
    control = get_method("cexc[strength=3]")
    assert (control.name, control.scaled_by) == ("ce×c[strength=3]", "ccar[strength=3]")
    control = get_method("laxc[tau=2]")
    assert (control.name, control.scaled_by) == ("la×c[tau=2]", "ccar+la[tau=2]")


def test_the_stricter_control_is_scaled_by_the_same_variant():
    control = get_method("cexct[strength=3]")
    assert (control.name, control.scaled_by) == (
        "ce×c(t)[strength=3]",
        "ccar[strength=3]",
    )
    assert get_method("laxct").scaled_by == "ccar+la"


@pytest.mark.parametrize("name", METHODS)
def test_a_configuration_is_the_same_each_time(name):
    method = get_method(name)
    for describe in (method.to_config, method.to_identity):
        assert describe(COUNTS, LossOptions()) == describe(COUNTS, LossOptions())


def test_a_configuration_is_plain_and_holds_what_sets_a_method_apart():
    def configuration(name):
        return get_method(name).to_config(COUNTS, LossOptions())

    assert configuration("la-posthoc[tau=2]") != configuration("la-posthoc")
    assert configuration("ldam-drw")["deferral"] == 0.8
    assert configuration("ldam")["head"] == "cosine"
    assert configuration("ccar")["loss"]["class_name"] == "CCARLoss"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sgd", "'sgd' is unknown; expected one of ce, focal"),
        ("", "unknown"),
        ("ccar[", "unknown"),
        ("ccar[strength=3", "unknown"),
        ("ccar[strength=3]]", "unknown"),
        ("[strength=3]", "unknown"),
        ("ccar[]", "setting '' of .* is unknown; expected pivot, strength"),
        ("ccar[power=3]", "setting 'power' of .* is unknown; expected pivot"),
        ("ccar[tau=1]", "setting 'tau' of .* is unknown"),
        ("ccar[scale=2]", "setting 'scale' of .* is unknown"),
        ("ce[strength=3]", "setting 'strength' of .* is unknown; it has none"),
        ("ccar[strength=3,strength=4]", "given twice"),
        ("ccar[strength]", r"must be a number, such as strength=1\. Received: None"),
        ("ccar[strength=high]", "must be a number, .* Received: 'high'"),
        ("ccar[form=linear]", "must be one of exponential, .* Received: 'linear'"),
        ("ccar[normalize=1]", "must be normalize, normalize=true or normalize=false"),
    ],
)
def test_malformed_names(name, message):
    with pytest.raises(ValueError, match=message):
        get_method(name)


def test_methods_are_data():
    for method in METHODS.values():
        assert dataclasses.replace(method) == method
        assert set(method.settings) <= set(LossOptions.__dataclass_fields__)
