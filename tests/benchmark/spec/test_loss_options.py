import pytest

from keras_ccar.benchmark.spec.loss_options import (
    LossOptions,
    changed_loss_options,
    describe_setting,
    format_setting,
    read_settings,
)


@pytest.mark.parametrize(
    ("name", "value", "text", "title"),
    [
        ("strength", 3.0, "strength=3", "s = 3"),
        ("tau", 0.1234567, "tau=0.1234567", "τ = 0.1234567"),
        ("form", "information", "form=information", "information form"),
        (
            "frequency_scale",
            "largest",
            "frequency_scale=largest",
            "frequency relative to the largest",
        ),
        ("normalize", True, "normalize", "normalised"),
        ("normalize", False, "normalize=false", "not normalised"),
    ],
)
def test_settings_as_text(name, value, text, title):
    assert format_setting(name, value) == text
    assert read_settings("ccar", text, [name]) == {name: value}
    assert describe_setting(name, value) == title


def test_changed_options_are_described_in_a_fixed_order():
    assert changed_loss_options(vars(LossOptions())) == []
    options = vars(LossOptions(tau=2.0, normalize=True, scale=1.5))
    assert changed_loss_options(options) == ["normalised", "τ = 2"]
