"""The methods of the benchmark, by name."""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass

import keras

from keras_ccar.adjustments import LDAMMargin, LogitAdjustment
from keras_ccar.benchmark.spec.loss_builders import (
    SCALED_MARGIN,
    balanced_softmax,
    ccar,
    class_balanced,
    crossentropy,
    focal,
    inverse_frequency,
    ldam,
    logit_adjusted,
    logit_adjustment,
    logit_correction,
    not_adjusted,
    reweighted_ldam,
    scaled,
)
from keras_ccar.benchmark.spec.loss_options import (
    CCAR_SETTINGS,
    SETTINGS,
    LossOptions,
    describe_setting,
    format_setting,
    read_settings,
)


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

    def to_config(self, class_counts, options):
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


_CCAR_PAPER = "Jagati et al. 2026, arXiv 2601.15924"
_LDAM_PAPER = "Cao et al. 2019, arXiv 1906.07413"
METHODS = {
    method.name: method
    for method in (
        Method("ce", "cross-entropy", "", crossentropy),
        Method("focal", "focal loss", "Lin et al. 2017, arXiv 1708.02002", focal),
        Method(
            "cb",
            "class-balanced weights",
            "Cui et al. 2019, arXiv 1901.05555",
            class_balanced,
        ),
        Method(
            "inverse",
            "inverse frequency",
            "King and Zeng 2001",
            inverse_frequency,
        ),
        Method("ldam", "LDAM", _LDAM_PAPER, ldam, head="cosine"),
        Method(
            "ldam-drw",
            "LDAM-DRW",
            _LDAM_PAPER,
            reweighted_ldam,
            head="cosine",
            deferral=0.8,
        ),
        Method(
            "bs",
            "Balanced Softmax",
            "Ren et al. 2020, arXiv 2007.10740",
            balanced_softmax,
        ),
        Method(
            "la",
            "logit adjustment",
            "Menon et al. 2021, arXiv 2007.07314",
            logit_adjusted,
            settings=("tau",),
        ),
        Method(
            "la-posthoc",
            "post hoc logit adjustment",
            "Menon et al. 2021, arXiv 2007.07314",
            crossentropy,
            settings=("tau",),
            build_correction=logit_correction,
        ),
        Method("ccar", "CCAR", _CCAR_PAPER, ccar(not_adjusted), CCAR_SETTINGS),
        Method(
            "ccar+la",
            "CCAR + logit adjustment",
            _CCAR_PAPER,
            ccar(logit_adjustment),
            settings=(*CCAR_SETTINGS, "tau"),
        ),
        Method(
            "ccar+bs",
            "CCAR + Balanced Softmax (CCAR + logit adjustment at τ = 1)",
            _CCAR_PAPER,
            ccar(lambda options: LogitAdjustment(1.0)),
            settings=CCAR_SETTINGS,
        ),
        Method(
            "ccar+ldam",
            "CCAR + LDAM",
            _CCAR_PAPER,
            ccar(lambda options: LDAMMargin(**SCALED_MARGIN)),
            settings=CCAR_SETTINGS,
            head="cosine",
        ),
        Method(
            "ce×c",
            "cross-entropy × CCAR's mean weight",
            "control",
            scaled(not_adjusted),
            settings=CCAR_SETTINGS,
            scaled_by="ccar",
        ),
        Method(
            "la×c",
            "logit adjustment × the mean weight of CCAR + logit adjustment",
            "control",
            scaled(logit_adjustment),
            settings=(*CCAR_SETTINGS, "tau"),
            scaled_by="ccar+la",
        ),
        Method(
            "ce-tuned",
            "cross-entropy, tuned learning rate",
            "control",
            crossentropy,
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
    from keras_ccar.benchmark.spec.loss_options import LossOptions
    from keras_ccar.benchmark.spec.methods import get_method

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
    given = read_settings(name, match[2], method.settings)
    # In the order of `LossOptions`.
    given = {setting: given[setting] for setting in SETTINGS if setting in given}
    words = [format_setting(setting, value) for setting, value in given.items()]
    titles = [describe_setting(setting, value) for setting, value in given.items()]
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
