"""The methods of the benchmark, by name."""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_ccar.benchmark.spec import loss_builders as build
from keras_ccar.benchmark.spec.configurations import loss_config
from keras_ccar.benchmark.spec.loss_builders import Builder
from keras_ccar.benchmark.spec.loss_options import (
    CCAR_SETTINGS,
    LossOptions,
    describe_setting,
    format_setting,
    read_settings,
)


@dataclass(frozen=True)
class Method:
    """One row of the comparison.

    Attributes:
        name: the name that `--methods` takes.
        title: the name in tables, figures and sentences.
        source: where the method comes from.
        build_loss: builds a loss on logits.
        settings: names of the `LossOptions` that affect the method.
        head: last layer of the network, as `build_model` takes it.
        deferral: share of the epochs that pass before the loss weights its samples.
        build_correction: builds the layer that corrects the logits when the trained
            network is evaluated; None for no correction.
        scaled_by: name of the method whose mean weight, with the same seed, scales the
            loss.
        scales_by_epoch: whether the loss is scaled by that method's mean weight of each
            epoch, not by its mean over the whole training.
        learning_rate_factors: factors of the recipe's learning rate to try on
            validation images, also if the recipe tunes no learning rate; the method is
            trained with the best of them.
    """

    name: str
    title: str
    source: str
    build_loss: Builder
    settings: tuple[str, ...] = ()
    head: str = "linear"
    deferral: float = 0.0
    build_correction: Builder | None = None
    scaled_by: str | None = None
    scales_by_epoch: bool = False
    learning_rate_factors: tuple[float, ...] = ()

    def to_config(
        self, class_counts: Sequence[int], options: LossOptions
    ) -> dict[str, Any]:
        """Returns what reports show of the method, as plain JSON.

        Raises:
            ValueError: if the loss or the correction rejects an option.
        """
        loss = self.build_loss(class_counts, options)
        saved = keras.saving.serialize_keras_object(loss)
        return {"loss": saved, **self._training_config(class_counts, options)}

    def to_identity(
        self, class_counts: Sequence[int], options: LossOptions
    ) -> dict[str, Any]:
        """Returns everything that distinguishes the method, as plain JSON.

        The same for two methods that compute the same, whatever they are called.

        Raises:
            ValueError: if the loss or the correction rejects an option.
        """
        loss = self.build_loss(class_counts, options)
        return {
            "loss": loss_config(loss),
            **self._training_config(class_counts, options),
        }

    def _training_config(
        self, class_counts: Sequence[int], options: LossOptions
    ) -> dict[str, Any]:
        correct = self.build_correction
        correction = correct and correct(class_counts, options)
        return {
            "head": self.head,
            "deferral": self.deferral,
            "correction": correction and correction.get_config(),
            "scales_by_epoch": self.scales_by_epoch,
        }


# The learning rates that are tried on validation images, over the recipe's.
LEARNING_RATE_FACTORS = (0.5, 1.0, 2.0, 4.0)
_CCAR_PAPER = "Jagati et al. 2026, arXiv 2601.15924"
_LDAM_PAPER = "Cao et al. 2019, arXiv 1906.07413"
_ADJUSTMENT_PAPER = "Menon et al. 2021, arXiv 2007.07314"
_METHODS = (
    Method("ce", "cross-entropy", "", build.CROSSENTROPY),
    Method("focal", "focal loss", "Lin et al. 2017, arXiv 1708.02002", build.FOCAL),
    Method(
        "cb",
        "class-balanced weights",
        "Cui et al. 2019, arXiv 1901.05555",
        build.CLASS_BALANCED,
    ),
    Method(
        "inverse", "inverse frequency", "King and Zeng 2001", build.INVERSE_FREQUENCY
    ),
    Method("ldam", "LDAM", _LDAM_PAPER, build.LDAM, head="cosine"),
    Method(
        "ldam-drw", "LDAM-DRW", _LDAM_PAPER, build.LDAM_DRW, head="cosine", deferral=0.8
    ),
    Method(
        "bs",
        "Balanced Softmax",
        "Ren et al. 2020, arXiv 2007.10740",
        build.BALANCED_SOFTMAX,
    ),
    Method("la", "logit adjustment", _ADJUSTMENT_PAPER, build.LOGIT_ADJUSTED, ("tau",)),
    Method(
        "la-posthoc",
        "post hoc logit adjustment",
        _ADJUSTMENT_PAPER,
        build.CROSSENTROPY,
        ("tau",),
        build_correction=build.build_logit_correction,
    ),
    Method("ccar", "CCAR", _CCAR_PAPER, build.CCAR, CCAR_SETTINGS),
    Method(
        "ccar+la",
        "CCAR + logit adjustment",
        _CCAR_PAPER,
        build.CCAR_LA,
        (*CCAR_SETTINGS, "tau"),
    ),
    Method(
        "ccar+bs",
        "CCAR + Balanced Softmax (CCAR + logit adjustment at τ = 1)",
        _CCAR_PAPER,
        build.CCAR_BS,
        CCAR_SETTINGS,
    ),
    Method(
        "ccar+ldam",
        "CCAR + LDAM",
        _CCAR_PAPER,
        build.CCAR_LDAM,
        CCAR_SETTINGS,
        head="cosine",
    ),
    Method(
        "ce×c",
        "cross-entropy × CCAR's mean weight",
        "control",
        build.SCALED_CE,
        CCAR_SETTINGS,
        scaled_by="ccar",
    ),
    Method(
        "la×c",
        "logit adjustment × the mean weight of CCAR + logit adjustment",
        "control",
        build.SCALED_LA,
        (*CCAR_SETTINGS, "tau"),
        scaled_by="ccar+la",
    ),
    Method(
        "ce×c(t)",
        "cross-entropy × CCAR's mean weight of each epoch",
        "control",
        build.SCALED_CE_BY_EPOCH,
        CCAR_SETTINGS,
        scaled_by="ccar",
        scales_by_epoch=True,
    ),
    Method(
        "la×c(t)",
        "logit adjustment × the mean weight of CCAR + logit adjustment of each epoch",
        "control",
        build.SCALED_LA_BY_EPOCH,
        (*CCAR_SETTINGS, "tau"),
        scaled_by="ccar+la",
        scales_by_epoch=True,
    ),
    Method(
        "ce-tuned",
        "cross-entropy, tuned learning rate",
        "control",
        build.CROSSENTROPY,
        learning_rate_factors=LEARNING_RATE_FACTORS,
    ),
)
METHODS = {method.name: method for method in _METHODS}
# The demonstration trains only these, so that it takes two minutes.
DIGITS_METHODS = ("ce", "bs", "ccar", "ccar+la")
# Names for keyboards without ×, and for shells, to which brackets mean something.
ALIASES = {"cexc": "ce×c", "laxc": "la×c", "cexct": "ce×c(t)", "laxct": "la×c(t)"}


def get_method(name: str) -> Method:
    """Returns a method by its name.

    Settings of its loss may follow in brackets, such as `ccar[strength=3,normalize]`.
    They replace the settings of the whole comparison, so that it can include several
    variants of a method. The name of the variant lists its settings in a fixed order.

    Raises:
        ValueError: if there is no such method, or for settings that it does not
            have, that are given twice, or whose value is malformed.
    """
    match = re.fullmatch(r"([^\[\]]+)(?:\[([^\[\]]*)\])?", name)
    base = ALIASES.get(match[1], match[1]) if match else name
    if match is None or base not in METHODS:
        raise ValueError(
            f"method {name!r} is unknown; expected one of {', '.join(METHODS)}, or one "
            "with settings, such as 'ccar[strength=3,normalize]'."
        )
    method = METHODS[base]
    if match[2] is None:
        return method
    given = read_settings(name, match[2], method.settings)
    words = [format_setting(setting, value) for setting, value in given.items()]
    titles = [describe_setting(setting, value) for setting, value in given.items()]
    suffix = f"[{','.join(words)}]"

    def with_settings(builder: Builder) -> Builder:
        return lambda class_counts, options: builder(
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
