"""The class-confidence-aware weight Ω."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_ccar.arguments import (
    argument_error,
    check_choice,
    check_number,
    check_positive,
    check_share,
    optional,
)
from keras_ccar.frequencies import ClassPrior, replace_zero
from keras_ccar.ops.numerics import clip_min
from keras_ccar.serialization import warn_if_not_reloadable
from keras_ccar.weightings.base import LARGEST_WEIGHT, Weighting

# Below this confidence the `inverse` form stops growing. Otherwise one mislabelled
# example could outweigh a batch.
INVERSE_CONFIDENCE_FLOOR = 1e-3
# Keeps Ω and its gradient finite in float32, whatever the strength.
LARGEST_EXPONENT = 80.0
FORMS = ("exponential", "power", "information", "inverse")
FREQUENCY_SCALES = ("total", "largest")


def ccar_weight(
    p_t: Any,
    f_c: Any,
    pivot: float = 0.75,
    strength: float = 1.0,
    form: str | Callable[..., Any] = "exponential",
    num_classes: Any = None,
    num_examples: Any = None,
) -> Any:
    """The class-confidence-aware weight Ω(p_t, f_c).

    With the dual-phase frequency `f' = f_c` below the pivot ω and `f' = 1 - f_c`
    from it on, the first three forms are `exp(s κ (ω - p_t))` and differ in the
    capacity κ:

    - "exponential": `κ = 1 - f'`;
    - "power": `κ = ln(2 - f')`, a little milder;
    - "information": `κ = -ln f'`, the self-information of the class. It grows like
      `f_c^-ω` for rare classes, so use it with `normalize=True`;
    - "inverse": `1 / (K f_c max(p_t, 0.001))` to the power `s`, without a pivot.

    Hard examples (`p_t < ω`) weigh more than 1, and the more the rarer their class.
    Easy ones weigh less than 1, and the less the more frequent their class.

    Args:
        p_t: confidence in the true class, in [0, 1], any shape.
        f_c: frequency of the true class, in [0, 1], broadcasts against `p_t`.
        pivot: ω in (0, 1]: the confidence at which the weight is 1.
        strength: s >= 0. At 0 every weight is 1.
        form: one of the forms above, or a callable `(p_t, f_c) -> weight`.
        num_classes: K, the number of classes with examples. Only the "inverse" form
            needs it.
        num_examples: N. If given, the "information" and "inverse" forms take a
            frequency of 0 for `1 / (N + 1)`, so that the weights of classes without
            examples stay finite.

    Returns:
        A tensor of weights, of the broadcast shape of `p_t` and `f_c`.

    Raises:
        ValueError: for a pivot, strength or form other than these, or a missing
            `num_classes`; for numbers outside of a tensor that are out of range.

    Reference:
        Jagati et al. 2026, arXiv 2601.15924. The paper's exact capacity is not
        public; the forms agree with everything that is.

    Example:
    ```python
    import numpy as np
    from keras import ops
    from keras_ccar.weightings import ccar_weight

    rare_and_hard = ccar_weight(p_t=0.25, f_c=0.01)
    np.testing.assert_allclose(
        ops.convert_to_numpy(rare_and_hard), np.exp(0.99 * 0.5), rtol=1e-6
    )
    ```
    """
    pivot, strength = check_ccar_arguments(pivot, strength, form)
    check_share("p_t", p_t)
    check_share("f_c", f_c)
    num_classes = optional(check_positive, "num_classes", num_classes)
    num_examples = optional(check_positive, "num_examples", num_examples)
    if callable(form):
        return form(p_t, f_c)
    p_t = _as_float_tensor(p_t)
    f_c = ops.cast(ops.convert_to_tensor(f_c), p_t.dtype)
    floor = 0.0
    if num_examples is not None:
        floor = ops.cast(1.0 / (num_examples + 1.0), p_t.dtype)
    if form == "inverse":
        if num_classes is None:
            raise ValueError(
                "`num_classes` must be given with form='inverse': its weight is "
                "1 / (num_classes * f_c * p_t). Received: num_classes=None"
            )
        weight = 1.0 / (
            ops.cast(num_classes, p_t.dtype)
            * replace_zero(f_c, floor)
            * clip_min(p_t, INVERSE_CONFIDENCE_FLOOR)
        )
        if strength in (0, 1):
            return weight if strength else ops.ones_like(weight)
        return ops.minimum(weight, math.exp(LARGEST_EXPONENT / strength)) ** strength
    exploring = p_t < pivot
    if form == "exponential":
        capacity = ops.where(exploring, 1.0 - f_c, f_c)
    else:
        dual_phase_frequency = ops.where(exploring, f_c, 1.0 - f_c)
        if form == "power":
            capacity = ops.log(2.0 - dual_phase_frequency)
        else:
            capacity = -ops.log(replace_zero(dual_phase_frequency, floor))
    exponent = strength * capacity * (pivot - p_t)
    if form == "information" or strength > LARGEST_EXPONENT:
        exponent = ops.minimum(exponent, LARGEST_EXPONENT)
    return ops.exp(exponent)


def check_ccar_arguments(pivot: Any, strength: Any, form: Any) -> tuple[float, float]:
    """Returns the pivot and the strength; checks the form as well."""
    meaning = "the confidence at which the weight is 1"
    pivot = check_number("pivot", pivot, high=1, meaning=meaning, above=0)
    strength = check_number("strength", strength, 0, meaning="0 is cross-entropy")
    is_function = callable(form) and not isinstance(form, type)
    if not is_function and not (isinstance(form, str) and form in FORMS):
        expected = (
            f"one of {', '.join(map(repr, FORMS))}, or a callable (p_t, f_c) -> weight"
        )
        raise argument_error("form", form, expected)
    return pivot, strength


@keras.saving.register_keras_serializable(package="keras_ccar")
class CCARWeighting(Weighting):
    """The weight Ω(p_t, f_c) of `ccar_weight`, for `LongTailedCrossentropy`.

    Args:
        pivot: as in `ccar_weight`.
        strength: as in `ccar_weight`.
        form: as in `ccar_weight`. A function of your own must be registered, so that a
            saved model can be loaded in another process.
        frequency_scale: what the frequency f_c is relative to. With "total" it is the
            share of all examples, which is small for every class if there are many
            classes. With "largest" it is relative to the most frequent class, which
            has 1; hard examples of that class keep the weight 1 in all forms but
            "inverse". There the capacity of easy examples in the "information" form is
            `ln(N + 1)`, with N training examples.

    Raises:
        ValueError: as `ccar_weight`; for another `frequency_scale`.

    Warns:
        UserWarning: if another process could not load the function.

    Example:
    ```python
    import keras_ccar
    from keras_ccar.weightings import CCARWeighting

    loss = keras_ccar.LongTailedCrossentropy(
        [500, 20], weighting=CCARWeighting(form="information"), normalize=True
    )
    ```
    """

    def __init__(
        self,
        pivot: float = 0.75,
        strength: float = 1.0,
        form: str | Callable[..., Any] = "exponential",
        frequency_scale: str = "total",
    ) -> None:
        self.pivot, self.strength = check_ccar_arguments(pivot, strength, form)
        warn_if_not_reloadable("form", form)
        self.form = form
        self.frequency_scale = check_choice(
            "frequency_scale", frequency_scale, FREQUENCY_SCALES
        )

    def __call__(self, p_t: Any, f_c: Any, prior: ClassPrior) -> Any:
        """See `Weighting`."""
        num_classes = num_examples = None
        if self.form == "inverse":
            num_classes = prior.num_present_classes
        if self.form in ("information", "inverse"):
            num_examples = prior.num_examples
            f_c = prior.replace_zero(f_c)
        if self.frequency_scale == "largest":
            # Of yes-or-no labels, the more frequent answer of each.
            f_c = f_c / ops.max(prior.frequency, axis=0)
        weight = ccar_weight(
            p_t,
            f_c,
            self.pivot,
            self.strength,
            self.form,
            num_classes=num_classes,
            num_examples=num_examples,
        )
        if self.form in ("exponential", "power") and self.strength < 30:
            return weight  # at most e^strength
        return ops.minimum(weight, LARGEST_WEIGHT)

    def get_config(self) -> dict[str, Any]:
        """See `Weighting`."""
        return {
            "pivot": self.pivot,
            "strength": self.strength,
            "form": keras.saving.serialize_keras_object(self.form),
            "frequency_scale": self.frequency_scale,
        }


def _as_float_tensor(x: Any) -> Any:
    x = ops.convert_to_tensor(x)
    is_float = keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype))
    return x if is_float else ops.cast(x, keras.backend.floatx())
