"""Sample weights: Ω and its siblings, functions of confidence and class frequency.

Shapes: `p_t` is any tensor of confidences, softmax probabilities of the true class;
`f_c` broadcasts against it and holds the frequency of that class.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_ccar.checks import check_number
from keras_ccar.frequencies import require_class_counts
from keras_ccar.numerics import SMALLEST_PROBABILITY, at_least
from keras_ccar.replicas import sum_over_replicas
from keras_ccar.serialization import deserialize_parts

__all__ = [
    "CCARWeighting",
    "EffectiveNumber",
    "Focal",
    "InverseFrequency",
    "Weighting",
    "ccar_weight",
]

# Below this confidence the `inverse` form stops growing, or one mislabelled
# example could outweigh a batch.
INVERSE_CONFIDENCE_FLOOR = 1e-3

# 1 - p_t of the most confident prediction that float32 tells from certainty.
SMALLEST_DOUBT = 2.0**-24

# Whatever the strength, Ω has a float32 value and gradient, and a loss multiplies by
# no more than products in float32 can take.
LARGEST_EXPONENT = 80.0
LARGEST_WEIGHT = 1e13

FORMS = ("exponential", "power", "information", "inverse")


def ccar_weight(
    p_t: Any,
    f_c: Any,
    pivot: float = 0.75,
    strength: float = 1.0,
    form: str | Callable = "exponential",
    num_classes: int | None = None,
    num_examples: float | None = None,
) -> Any:
    """The class-confidence-aware weight Ω(p_t, f_c).

    With the dual-phase frequency `f' = f_c` below the pivot ω and `f' = 1 - f_c`
    from it on, the first three forms are `exp(s κ (ω - p_t))` and differ in the
    capacity κ:

    - "exponential": `κ = 1 - f'`;
    - "power": `κ = ln(2 - f')`, a little milder;
    - "information": `κ = -ln f'`, the self-information of the class. Grows like
      `f_c^-ω` for rare classes: meant for `normalize=True`;
    - "inverse": `1 / (K f_c max(p_t, 0.001))` to the power `s`, without a pivot.

    Hard examples (`p_t < ω`) get more than weight 1, the more the rarer their
    class; easy ones get less, the less the more frequent their class.

    Args:
        p_t: confidence in the true class, in [0, 1], any shape.
        f_c: frequency of the true class, in [0, 1], broadcasts against `p_t`.
        pivot: ω in (0, 1]: the confidence at which the weight is 1.
        strength: s >= 0. At 0 every weight is 1.
        form: one of the above, or a callable `(p_t, f_c) -> weight`.
        num_classes: K. Needed by the "inverse" form alone.
        num_examples: N. Where given, the "information" and "inverse" forms keep
            frequencies at `1 / (N + 1)` or above, so that empty classes stay finite.

    Returns:
        A tensor of weights, of the broadcast shape of `p_t` and `f_c`.

    Raises:
        ValueError: for a pivot, strength or form outside the above, or a missing
            `num_classes`.

    Reference:
        Jagati et al. 2026, arXiv 2601.15924. The paper's exact capacity is not
        public; the forms satisfy all that is.

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
    check_ccar_arguments(pivot, strength, form)
    if callable(form):
        return form(p_t, f_c)
    p_t = _as_float_tensor(p_t)
    f_c = ops.cast(ops.convert_to_tensor(f_c), p_t.dtype)
    # A Python number: one of numpy would raise the precision of the result.
    floor = 0.0 if num_examples is None else float(1.0 / (num_examples + 1.0))
    if form == "inverse":
        if num_classes is None:
            raise ValueError(
                "`num_classes` must be given with form='inverse': its weight is "
                "1 / (num_classes * f_c * p_t). Received: num_classes=None"
            )
        weight = 1.0 / (
            num_classes * at_least(f_c, floor) * at_least(p_t, INVERSE_CONFIDENCE_FLOOR)
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
            capacity = -ops.log(at_least(dual_phase_frequency, floor))
    exponent = strength * capacity * (pivot - p_t)
    if form == "information":
        largest_capacity = -math.log(floor) if floor else math.inf
    else:
        largest_capacity = 1.0
    if strength * largest_capacity > LARGEST_EXPONENT:
        exponent = ops.minimum(exponent, LARGEST_EXPONENT)
    return ops.exp(exponent)


def check_ccar_arguments(pivot, strength, form):
    """Raises a `ValueError` for arguments that `ccar_weight` cannot take."""
    check_number("pivot", pivot, 0, 1, "the confidence at which the weight is 1")
    if pivot == 0:
        raise ValueError(f"`pivot` must be above 0. Received: pivot={pivot!r}")
    check_number("strength", strength, 0, meaning="0 is cross-entropy")
    if form not in FORMS and not callable(form):
        raise ValueError(
            f"`form` must be one of {', '.join(map(repr, FORMS))}, or a callable "
            f"(p_t, f_c) -> weight. Received: form={form!r}"
        )


class Weighting:
    """Base class of sample weights that a `LongTailedCrossentropy` can take.

    A subclass implements `__call__(p_t, f_c, prior)` with `keras.ops` and
    `get_config()`.

    Attributes:
        uses_confidence: whether the weight depends on `p_t`. One that does not is
            normalised over the training distribution, one that does over the batch.
        uses_frequency: whether the weight depends on `f_c`, so that the loss needs
            class counts.
    """

    uses_confidence = True
    uses_frequency = True

    def check(self, prior):
        """Raises a `ValueError` for a prior that the weight cannot be had from.

        Args:
            prior: the `keras_ccar.frequencies.ClassPrior`, or None if the loss has no
                class counts.
        """
        if self.uses_frequency:
            require_class_counts(prior, type(self).__name__)

    def __call__(self, p_t, f_c, prior):
        """Returns the weights of samples.

        Args:
            p_t: confidence in the true class, any shape.
            f_c: frequency of the true class, broadcasts against `p_t`.
            prior: the `keras_ccar.frequencies.ClassPrior` of the training data.
                Like `f_c`, None in a loss without class counts.

        Returns:
            A tensor that broadcasts against `p_t`.
        """
        raise NotImplementedError

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Makes the weighting again from `get_config()`."""
        return cls(**deserialize_parts(config))


@keras.saving.register_keras_serializable(package="keras_ccar")
class CCARWeighting(Weighting):
    """Ω(p_t, f_c) as a part for `LongTailedCrossentropy`; see `ccar_weight`.

    Args:
        pivot: as in `ccar_weight`.
        strength: as in `ccar_weight`.
        form: as in `ccar_weight`.

    Raises:
        ValueError: as `ccar_weight`.

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
        form: str | Callable = "exponential",
    ) -> None:
        check_ccar_arguments(pivot, strength, form)
        self.pivot = float(pivot)
        self.strength = float(strength)
        self.form = form

    def __call__(self, p_t, f_c, prior):
        """See `Weighting`."""
        weight = ccar_weight(
            p_t,
            f_c,
            self.pivot,
            self.strength,
            self.form,
            num_classes=prior.num_classes,
            num_examples=prior.num_examples,
        )
        if self.form in ("exponential", "power") and self.strength < 30:
            return weight  # at most e^strength
        return ops.minimum(weight, LARGEST_WEIGHT)

    def get_config(self):
        """See `Weighting`."""
        return {
            "pivot": self.pivot,
            "strength": self.strength,
            "form": keras.saving.serialize_keras_object(self.form),
        }


@keras.saving.register_keras_serializable(package="keras_ccar")
class InverseFrequency(Weighting):
    """Weights classes by `1 / (K f_c)`: every class weighs the same in total.

    A class without examples weighs as much as one with a single example would.

    Example:
    ```python
    import keras_ccar
    from keras_ccar.weightings import InverseFrequency

    loss = keras_ccar.LongTailedCrossentropy([75, 25], weighting=InverseFrequency())
    ```
    """

    uses_confidence = False

    def __call__(self, p_t, f_c, prior):
        """See `Weighting`."""
        return 1.0 / (prior.num_classes * at_least(f_c, prior.floor))


@keras.saving.register_keras_serializable(package="keras_ccar")
class EffectiveNumber(Weighting):
    """Weights classes by `(1 - β) / (1 - β^{n_c})`, scaled to sum to K.

    `(1 - β^n) / (1 - β)` is the effective number of `n` examples that overlap. The
    weights' mean over long-tailed training data is far below 1 (0.20 on CIFAR-100-LT
    with imbalance factor 100), which trains like a smaller learning rate: use the
    loss's `normalize=True`.

    Args:
        beta: β in [0, 1): 0 weighs all classes alike, 1 would be inverse frequency.

    Raises:
        ValueError: for a beta outside [0, 1).

    Reference:
        Cui et al. 2019, arXiv 1901.05555, Eq. 2 and Sec. 4.

    Example:
    ```python
    import keras_ccar
    from keras_ccar.weightings import EffectiveNumber

    loss = keras_ccar.LongTailedCrossentropy(
        [500, 20], weighting=EffectiveNumber(beta=0.999), normalize=True
    )
    ```
    """

    uses_confidence = False

    def __init__(self, beta: float = 0.9999) -> None:
        self.beta = check_number("beta", beta, 0, 1)
        if beta == 1:
            raise ValueError(
                "`beta` must be below 1; its limit is `InverseFrequency`. "
                f"Received: beta={beta!r}"
            )

    def __call__(self, p_t, f_c, prior):
        """See `Weighting`."""
        weight = self._unscaled(f_c, prior)
        scale = prior.num_classes / ops.sum(self._unscaled(prior.frequency, prior))
        return weight * scale

    def _unscaled(self, frequency, prior):
        if self.beta == 0:
            return ops.ones_like(frequency)
        counts = at_least(frequency, prior.floor) * prior.num_examples
        # 1 - β^n, without the cancellation of β near 1.
        return -(1.0 - self.beta) / ops.expm1(counts * math.log(self.beta))

    def get_config(self):
        """See `Weighting`."""
        return {"beta": self.beta}


@keras.saving.register_keras_serializable(package="keras_ccar")
class Focal(Weighting):
    """Weights samples by `(1 - p_t)^γ`: easy ones fade, whatever their class.

    Args:
        gamma: γ >= 0; 0 is cross-entropy.

    Raises:
        ValueError: for a negative or non-finite gamma.

    Reference:
        Lin et al. 2017, arXiv 1708.02002, Eq. 4. There gradients flow through the
        weight: `differentiate_weight=True` in the loss.

    Example:
    ```python
    import keras_ccar
    from keras_ccar.weightings import Focal

    loss = keras_ccar.LongTailedCrossentropy(
        [500, 20], weighting=Focal(gamma=1.0), differentiate_weight=True
    )
    ```
    """

    uses_frequency = False

    def __init__(self, gamma: float = 2.0) -> None:
        self.gamma = check_number("gamma", gamma, 0, meaning="0 is cross-entropy")

    def __call__(self, p_t, f_c, prior):
        """See `Weighting`."""
        if self.gamma == 0:
            return ops.ones_like(p_t)
        # Rounding can lift p_t above 1; below it, a power of 0 has no gradient.
        return at_least(1.0 - p_t, SMALLEST_DOUBT) ** self.gamma

    def get_config(self):
        """See `Weighting`."""
        return {"gamma": self.gamma}


def weigh_terms(weighting, confidence, prior, mass, labels=None, normalize=False):
    """Returns the weights of the terms of a loss.

    Args:
        weighting: a `Weighting`, or None for weight 1.
        confidence: p_t of each term: of each sample `(...)`, or with distributions of
            each class of each sample `(..., K)`.
        prior: the `keras_ccar.frequencies.ClassPrior`, or None.
        mass: how much each term counts in the mean of the batch.
        labels: int32 class of each term, None where the last axis is the class.
        normalize: whether to scale to a mean of 1: over the training distribution if
            the weight depends on the class alone, else over the batch, all replicas'
            shares of it.

    Returns:
        A tensor that broadcasts against the terms.
    """

    def of_terms(class_vector):
        return class_vector if labels is None else ops.take(class_vector, labels)

    if weighting is None:
        return ops.ones_like(confidence)
    if not weighting.uses_confidence:
        weight = weighting(None, prior.frequency, prior)
        if normalize:
            weight = weight / ops.sum(prior.frequency * weight)
        return of_terms(weight)
    frequency = None if prior is None else of_terms(prior.frequency)
    weight = weighting(confidence, frequency, prior)
    if normalize:
        sums = ops.stack([ops.sum(mass * weight), ops.sum(mass)])
        total, count = ops.unstack(sum_over_replicas(sums))
        mean = total / at_least(count, SMALLEST_PROBABILITY)
        weight = ops.minimum(
            weight / at_least(mean, 1 / LARGEST_WEIGHT), LARGEST_WEIGHT
        )
    return weight


def get(weighting):
    """Returns a `Weighting` from one, from a callable `(p_t, f_c) -> weight`, or None.

    Raises:
        TypeError: for anything else.
    """
    if weighting is None or isinstance(weighting, Weighting):
        return weighting
    if callable(weighting) and not isinstance(weighting, type):
        return CCARWeighting(form=weighting)
    raise TypeError(
        "`weighting` must be a `keras_ccar.weightings.Weighting`, a callable "
        f"(p_t, f_c) -> weight, or None. Received: weighting={weighting!r}"
    )


def _as_float_tensor(x):
    x = ops.convert_to_tensor(x)
    is_float = keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype))
    return x if is_float else ops.cast(x, keras.backend.floatx())
