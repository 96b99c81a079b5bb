"""What is compared: the methods of the benchmark, by name."""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import keras
from keras import ops

from keras_ccar.adjustments import Adjustment, LDAMMargin, LogitAdjustment
from keras_ccar.benchmark.models import COSINE_SCALE
from keras_ccar.benchmark.recipes import number_text
from keras_ccar.layers import LogitCorrection
from keras_ccar.losses import (
    BalancedSoftmaxLoss,
    CCARLoss,
    ClassBalancedLoss,
    FocalLoss,
    InverseFrequencyLoss,
    LDAMLoss,
    LogitAdjustedLoss,
    LongTailedCrossentropy,
)
from keras_ccar.weightings import FORMS, EffectiveNumber, Weighting


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


_SETTINGS = {item.name: item for item in dataclasses.fields(LossOptions)}
_CCAR = ("pivot", "strength", "form", "normalize", "differentiate_weight")


@dataclass(frozen=True)
class Method:
    """One row of the comparison.

    Attributes:
        name: what `--methods` calls it.
        title: what tables, figures and sentences call it.
        source: where it comes from.
        build_loss: `(class_counts, options) -> keras.losses.Loss` on logits.
        settings: names of the `LossOptions` that it heeds.
        head: last layer of the network, as `build_model` takes it.
        deferral: share of the epochs that pass before the loss weighs its samples.
        build_correction: `(class_counts, options) -> keras.layers.Layer` that the
            logits pass through when the trained network is evaluated, or None.
        scaled_by: name of the method whose mean weight, with the same seed, is the
            `scale` of the loss.
        learning_rate_factors: factors of the recipe's learning rate that are tried
            on validation images; the best of them trains the method.
    """

    name: str
    title: str
    source: str
    build_loss: Callable[[list, LossOptions], keras.losses.Loss]
    settings: tuple[str, ...] = ()
    head: str = "linear"
    deferral: float = 0.0
    build_correction: Callable[[list, LossOptions], keras.layers.Layer] | None = None
    scaled_by: str | None = None
    learning_rate_factors: tuple[float, ...] = ()

    def configuration(self, class_counts, options):
        """Returns everything that sets the method apart, as plain JSON.

        Args:
            class_counts: training examples of each class.
            options: the `LossOptions`.

        Raises:
            ValueError: for an option that the loss or the correction rejects.
        """
        loss = self.build_loss(class_counts, options)
        correction = self.build_correction and self.build_correction(
            class_counts, options
        )
        return {
            "loss": keras.saving.serialize_keras_object(loss),
            "head": self.head,
            "deferral": self.deferral,
            "correction": correction and correction.get_config(),
        }


@keras.saving.register_keras_serializable(package="keras_ccar")
class ConstantWeight(Weighting):
    """The same weight for every sample: what a larger learning rate would do.

    Args:
        weight: the weight.
    """

    uses_confidence = False

    def __init__(self, weight):
        self.weight = float(weight)

    def __call__(self, p_t, f_c, prior):
        """See `Weighting`."""
        return ops.full_like(f_c, self.weight)

    def get_config(self):
        """See `Weighting`."""
        return {"weight": self.weight}


def _crossentropy(class_counts, options):
    # With neither part the engine is cross-entropy, and the callback can watch it.
    return LongTailedCrossentropy(class_counts, from_logits=True)


def _focal(class_counts, options):
    return FocalLoss(gamma=2.0, class_counts=class_counts, from_logits=True)


def _class_balanced(class_counts, options):
    # As published the mean weight is 0.2 at an imbalance factor of 100: the method
    # would train at a fifth of the learning rate of what it is compared with.
    return ClassBalancedLoss(class_counts, normalize=True, from_logits=True)


def _inverse_frequency(class_counts, options):
    return InverseFrequencyLoss(class_counts, from_logits=True)


def _balanced_softmax(class_counts, options):
    return BalancedSoftmaxLoss(class_counts, from_logits=True)


def _logit_adjusted(class_counts, options):
    return LogitAdjustedLoss(class_counts, tau=options.tau, from_logits=True)


def _logit_correction(class_counts, options):
    # Keras numbers the layers that it names itself, and a run would change its id.
    return LogitCorrection(class_counts, tau=options.tau, name="logit_correction")


# The cosine head has the scale in it, so that evaluation sees calibrated logits:
# S (cos - m) = S cos - S m.
_MARGIN = {"max_margin": 0.5 * COSINE_SCALE, "scale": 1.0}


def _ldam(class_counts, options, weighting=None):
    # The published code divides by the sum of the weights of the batch.
    return LDAMLoss(class_counts, weighting=weighting, normalize=True, **_MARGIN)


def _reweighted_ldam(class_counts, options):
    return _ldam(class_counts, options, EffectiveNumber(beta=0.9999))


def _not_adjusted(options):
    return None


def _logit_adjustment(options):
    return LogitAdjustment(options.tau)


def _scaled(adjust: Callable[[LossOptions], Adjustment | None]):
    def build_loss(class_counts, options):
        return LongTailedCrossentropy(
            class_counts,
            weighting=ConstantWeight(options.scale),
            adjustment=adjust(options),
            from_logits=True,
        )

    return build_loss


def _ccar(adjust: Callable[[LossOptions], Adjustment | None]):
    def build_loss(class_counts, options):
        return CCARLoss(
            class_counts,
            adjustment=adjust(options),
            from_logits=True,
            **{name: getattr(options, name) for name in _CCAR},
        )

    return build_loss


_CCAR_PAPER = "Jagati et al. 2026, arXiv 2601.15924"
_LDAM_PAPER = "Cao et al. 2019, arXiv 1906.07413"

METHODS = {
    method.name: method
    for method in (
        Method("ce", "cross-entropy", "", _crossentropy),
        Method("focal", "focal loss", "Lin et al. 2017, arXiv 1708.02002", _focal),
        Method(
            "cb",
            "class-balanced weights",
            "Cui et al. 2019, arXiv 1901.05555",
            _class_balanced,
        ),
        Method(
            "inverse",
            "inverse frequency",
            "King and Zeng 2001",
            _inverse_frequency,
        ),
        Method("ldam", "LDAM", _LDAM_PAPER, _ldam, head="cosine"),
        Method(
            "ldam-drw",
            "LDAM-DRW",
            _LDAM_PAPER,
            _reweighted_ldam,
            head="cosine",
            deferral=0.8,
        ),
        Method(
            "bs",
            "Balanced Softmax",
            "Ren et al. 2020, arXiv 2007.10740",
            _balanced_softmax,
        ),
        Method(
            "la",
            "logit adjustment",
            "Menon et al. 2021, arXiv 2007.07314",
            _logit_adjusted,
            settings=("tau",),
        ),
        Method(
            "la-posthoc",
            "post hoc logit adjustment",
            "Menon et al. 2021, arXiv 2007.07314",
            _crossentropy,
            settings=("tau",),
            build_correction=_logit_correction,
        ),
        Method("ccar", "CCAR", _CCAR_PAPER, _ccar(_not_adjusted), _CCAR),
        Method(
            "ccar+la",
            "CCAR + logit adjustment",
            _CCAR_PAPER,
            _ccar(_logit_adjustment),
            settings=(*_CCAR, "tau"),
        ),
        Method(
            "ccar+bs",
            "CCAR + Balanced Softmax (CCAR + logit adjustment at τ = 1)",
            _CCAR_PAPER,
            _ccar(lambda options: LogitAdjustment(1.0)),
            settings=_CCAR,
        ),
        Method(
            "ccar+ldam",
            "CCAR + LDAM",
            _CCAR_PAPER,
            _ccar(lambda options: LDAMMargin(**_MARGIN)),
            settings=_CCAR,
            head="cosine",
        ),
        Method(
            "ce×c",
            "cross-entropy × CCAR's mean weight",
            "control",
            _scaled(_not_adjusted),
            settings=_CCAR,
            scaled_by="ccar",
        ),
        Method(
            "la×c",
            "logit adjustment × the mean weight of CCAR + logit adjustment",
            "control",
            _scaled(_logit_adjustment),
            settings=(*_CCAR, "tau"),
            scaled_by="ccar+la",
        ),
        Method(
            "ce-tuned",
            "cross-entropy, tuned learning rate",
            "control",
            _crossentropy,
            learning_rate_factors=(0.5, 1.0, 2.0, 4.0),
        ),
    )
}
# Of the demonstration, which shall take two minutes.
DIGITS_METHODS = ("ce", "bs", "ccar", "ccar+la")
# What a keyboard without × can type.
_ALIASES = {"cexc": "ce×c", "laxc": "la×c"}


def get_method(name):
    """Returns a method by its name.

    Settings of its loss may follow in brackets, instead of those that hold for the
    whole comparison: `ccar[strength=3,normalize]`. So several variants of a method
    can be compared. The method is named by its settings in a fixed order, however
    they were given.

    Args:
        name: a key of `METHODS`, with or without settings.

    Raises:
        ValueError: if there is no such method, or for settings that it does not
            have, that are given twice, or whose value is none.

    Example:
    ```python
    from keras_ccar.benchmark.methods import LossOptions, get_method

    method = get_method("ccar[strength=3,normalize]")
    assert method.title == "CCAR (s = 3, normalised)"
    assert method.build_loss([50, 5], LossOptions()).strength == 3
    ```
    """
    match = re.fullmatch(r"([^\[\]]+)(?:\[([^\[\]]*)\])?", name)
    base = match and _ALIASES.get(match[1], match[1])
    if base not in METHODS:
        raise ValueError(
            f"method {name!r} is unknown; expected one of {', '.join(METHODS)}, or one "
            "with settings, such as 'ccar[strength=3,normalize]'."
        )
    method = METHODS[base]
    if match[2] is None:
        return method
    given = _read_settings(name, match[2], method.settings)
    # In the order of `LossOptions`.
    given = {setting: given[setting] for setting in _SETTINGS if setting in given}
    words = [_written(setting, value) for setting, value in given.items()]
    titles = [_title(setting, value) for setting, value in given.items()]
    suffix = f"[{','.join(words)}]"

    def with_settings(build):
        return lambda class_counts, options: build(
            class_counts, dataclasses.replace(options, **given)
        )

    return dataclasses.replace(
        method,
        name=method.name + suffix,
        title=f"{method.title} ({', '.join(titles)})",
        build_loss=with_settings(method.build_loss),
        build_correction=method.build_correction
        and with_settings(method.build_correction),
        scaled_by=method.scaled_by and method.scaled_by + suffix,
    )


def changed_options(options):
    """Returns in words the settings of losses that a comparison changed.

    Args:
        options: the part `options` of the dict of `results.json`.

    Returns:
        A list such as `["s = 3", "normalised"]`, in a fixed order.
    """
    return [
        _title(name, options[name])
        for name, setting in _SETTINGS.items()
        if "title" in setting.metadata
        and options.get(name, setting.default) != setting.default
    ]


def _read_settings(name, text, allowed):
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
    kind = _SETTINGS[setting].type
    choices = _SETTINGS[setting].metadata.get("choices")
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
            expected = f"a number, such as {setting}={_SETTINGS[setting].default:g}"
    raise ValueError(
        f"setting {setting!r} of method {name!r} must be {expected}; received {text!r}."
    )


def _written(setting, value):
    if value is True:
        return setting
    return f"{setting}={_plain(value)}"


def _title(setting, value):
    title = _SETTINGS[setting].metadata["title"]
    if isinstance(value, bool):
        return title[value]
    return title.format(_plain(value))


def _plain(value):
    """Returns a value as text that reads back as the same value."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else number_text(value)
