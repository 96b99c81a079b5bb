"""Settings of the losses, read from and written as text."""

import dataclasses
from dataclasses import dataclass, field

from keras_ccar.benchmark.spec.recipes import format_number
from keras_ccar.weightings.ccar import FORMS


def _option(default, meaning, title, **metadata):
    return field(default=default, metadata={"help": meaning, "title": title} | metadata)


@dataclass(frozen=True)
class LossOptions:
    """Settings of the losses that the command line can change.

    Attributes:
        scale: factor on the loss, which a run before has decided; see
            `Method.scaled_by`.
    """

    pivot: float = _option(0.75, "CCAR's pivot ω", "ω = {}")
    strength: float = _option(1.0, "CCAR's strength s", "s = {}")
    form: str = _option(
        "exponential", "form of CCAR's weight", "{} form", choices=FORMS
    )
    normalize: bool = _option(
        False, "scale CCAR's weights to a mean of 1", ("not normalised", "normalised")
    )
    differentiate_weight: bool = _option(
        False,
        "let gradients through CCAR's weight",
        ("weight held constant", "weight differentiated"),
    )
    tau: float = _option(1.0, "τ of logit adjustment", "τ = {}")
    scale: float = 1.0


# Those that CCAR heeds.
CCAR_SETTINGS = ("pivot", "strength", "form", "normalize", "differentiate_weight")
SETTINGS = {item.name: item for item in dataclasses.fields(LossOptions)}


def changed_loss_options(options):
    """Returns in words the settings of losses that a comparison changed.

    Args:
        options: the part `options` of the dict of `results.json`.

    Returns:
        A list such as `["s = 3", "normalised"]`, in a fixed order.
    """
    return [
        describe_setting(name, options[name])
        for name, setting in SETTINGS.items()
        if "title" in setting.metadata
        and options.get(name, setting.default) != setting.default
    ]


def read_settings(name, text, allowed):
    values = {}
    for word in text.split(","):
        setting, equals, value = (part.strip() for part in word.partition("="))
        if setting not in allowed:
            expected = f"expected {', '.join(allowed)}" if allowed else "it has none"
            raise ValueError(
                f"setting {setting!r} of method {name!r} is unknown; {expected}."
            )
        if setting in values:
            raise ValueError(f"setting {setting!r} of method {name!r} is given twice.")
        values[setting] = _read_value(name, setting, value if equals else None)
    return values


def _read_value(name, setting, text):
    kind = SETTINGS[setting].type
    choices = SETTINGS[setting].metadata.get("choices")
    if kind is bool:
        booleans = {None: True, "true": True, "false": False}
        if text in booleans:
            return booleans[text]
        expected = f"{setting}, {setting}=true or {setting}=false"
    elif choices:
        if text in choices:
            return text
        expected = f"one of {', '.join(choices)}"
    else:
        try:
            return float(text)
        except (TypeError, ValueError):
            expected = f"a number, such as {setting}={SETTINGS[setting].default:g}"
    raise ValueError(
        f"setting {setting!r} of method {name!r} must be {expected}; received {text!r}."
    )


def format_setting(setting, value):
    if value is True:
        return setting
    return f"{setting}={_format_value(value)}"


def describe_setting(setting, value):
    title = SETTINGS[setting].metadata["title"]
    if isinstance(value, bool):
        return title[value]
    return title.format(_format_value(value))


def _format_value(value):
    """Returns a value as text that reads back as the same value."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else format_number(value)
