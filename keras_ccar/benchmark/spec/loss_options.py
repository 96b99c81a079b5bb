"""Settings of the losses, parsed from text and formatted as text."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_ccar.benchmark.spec.settings import format_number, setting
from keras_ccar.weightings.ccar import FORMS, FREQUENCY_SCALES


@dataclass(frozen=True)
class LossOptions:
    """Settings of the losses that the command line can change.

    The `help` of each field describes it, and its `title` names a value in reports.

    Attributes:
        scale: factor on the loss, set by an earlier run; see `Method.scaled_by`.
        epoch_scales: factors on the loss, one for each epoch, set by an earlier run;
            see `Method.scales_by_epoch`.
    """

    pivot: float = setting(0.75, help="CCAR's pivot ω", title="ω = {}")
    strength: float = setting(1.0, help="CCAR's strength s", title="s = {}")
    form: str = setting(
        "exponential", help="form of CCAR's weight", title="{} form", choices=FORMS
    )
    normalize: bool = setting(
        False,
        help="scale CCAR's weights to a mean of 1",
        title=("not normalised", "normalised"),
    )
    differentiate_weight: bool = setting(
        False,
        help="let gradients through CCAR's weight",
        title=("weight held constant", "weight differentiated"),
    )
    frequency_scale: str = setting(
        "total",
        help="what CCAR's class frequency is relative to: all examples, or the most "
        "frequent class",
        title="frequency relative to the {}",
        choices=FREQUENCY_SCALES,
    )
    tau: float = setting(1.0, help="τ of logit adjustment", title="τ = {}")
    scale: float = 1.0
    epoch_scales: tuple[float, ...] = ()


SETTINGS = {item.name: item for item in dataclasses.fields(LossOptions)}
CCAR_SETTINGS = (
    "pivot",
    "strength",
    "form",
    "normalize",
    "differentiate_weight",
    "frequency_scale",
)


def shown_loss_options(options: LossOptions) -> dict[str, Any]:
    """Returns the settings for `results.json`, without what earlier runs decide."""
    return {
        name: getattr(options, name)
        for name, item in SETTINGS.items()
        if "title" in item.metadata
    }


def changed_loss_options(options: dict[str, Any]) -> list[str]:
    """Returns the changed loss settings, such as `["s = 3", "normalised"]`.

    The `options` are those of `results.json`; the order of the settings is fixed.
    """
    return [
        describe_setting(name, options[name])
        for name, item in SETTINGS.items()
        if "title" in item.metadata and options.get(name, item.default) != item.default
    ]


def read_settings(method: str, text: str, allowed: Sequence[str]) -> dict[str, Any]:
    """Parses settings such as `strength=3,normalize`; returns them in a fixed order.

    A boolean without a value is True. Messages name the `method`.

    Raises:
        ValueError: for a setting that is not allowed, given twice or malformed.
    """
    values: dict[str, Any] = {}
    for word in text.split(","):
        name, equals, value = (part.strip() for part in word.partition("="))
        if name not in allowed:
            expected = f"expected {', '.join(allowed)}" if allowed else "it has none"
            raise ValueError(
                f"setting {name!r} of method {method!r} is unknown; {expected}."
            )
        if name in values:
            raise ValueError(f"setting {name!r} of method {method!r} is given twice.")
        values[name] = _read_value(method, name, value if equals else None)
    return {name: values[name] for name in SETTINGS if name in values}


def _read_value(method: str, name: str, text: str | None) -> Any:
    choices = SETTINGS[name].metadata.get("choices")
    if SETTINGS[name].type is bool:
        booleans = {None: True, "true": True, "false": False}
        if text in booleans:
            return booleans[text]
        expected = f"{name}, {name}=true or {name}=false"
    elif choices:
        if text in choices:
            return text
        expected = f"one of {', '.join(choices)}"
    else:
        try:
            return float(text or "")
        except ValueError:
            expected = f"a number, such as {name}={SETTINGS[name].default:g}"
    raise ValueError(
        f"setting {name!r} of method {method!r} must be {expected}. Received: {text!r}."
    )


def format_setting(name: str, value: Any) -> str:
    """Returns a setting as `read_settings` parses it, such as `strength=3`."""
    return name if value is True else f"{name}={_format_value(value)}"


def describe_setting(name: str, value: Any) -> str:
    """Returns a setting as reports show it, such as `s = 3`."""
    title = SETTINGS[name].metadata["title"]
    is_switch = isinstance(value, bool)
    return title[value] if is_switch else title.format(_format_value(value))


def _format_value(value: Any) -> str:
    if value is False:
        return "false"
    return value if isinstance(value, str) else format_number(value)
