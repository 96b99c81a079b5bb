"""Post hoc logit adjustment, as the last layer of a trained model."""

import warnings

import keras
import numpy as np
from keras import ops

from keras_ccar.frequencies import ClassCounts, class_prior, format_class_list
from keras_ccar.inputs.checks import check_number
from keras_ccar.keras_internals import source_of
from keras_ccar.losses.class_aware_loss import ClassAwareLoss
from keras_ccar.ops.numerics import safe_log


@keras.saving.register_keras_serializable(package="keras_ccar")
class LogitCorrection(keras.layers.Layer):
    """Corrects the logits of a trained model: `z - τ log f + τ log g`.

    Takes the class prior `f` of the training data out of the logits of a model that was
    trained with plain cross-entropy, and, where the prior `g` of the data to predict is
    known, puts that in. A model that was trained with an adjusted loss, such as
    `BalancedSoftmaxLoss`, needs no correction: one on top would be applied twice.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`.
        tau: τ >= 0.
        target_prior: g, frequencies of the classes where the model will predict, of
            shape `(K,)`, none of them 0; None for a balanced distribution.
        from_logits: whether inputs are logits. If not, they and the outputs are
            probabilities.
        **arguments: further arguments of `keras.layers.Layer`.

    Input shape:
        `(..., K)`.

    Output shape:
        The same.

    Raises:
        ValueError: for counts or a target prior that are not such, or with a class
            that has none.

    Warns:
        UserWarning: if the layer is put on a model that was compiled with an adjusted
            loss of this package.

    Reference:
        Menon et al. 2021, arXiv 2007.07314, Eq. 9; Saerens et al. 2002, "Adjusting the
        Outputs of a Classifier to New a Priori Probabilities", for g.

    Example:
    ```python
    import keras
    import keras_ccar

    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    corrected = keras.Sequential(
        [model, keras_ccar.LogitCorrection([500, 100, 20], tau=1.0)]
    )
    ```
    """

    def __init__(
        self,
        class_counts: ClassCounts,
        tau: float = 1.0,
        target_prior: ClassCounts | None = None,
        from_logits: bool = True,
        **arguments,
    ) -> None:
        super().__init__(**arguments)
        trained_on = class_prior(class_counts)
        frequency = trained_on.frequency
        target = np.ones_like(frequency)
        if target_prior is not None:
            target = class_prior(target_prior, "target_prior").frequency
        if target.shape != frequency.shape:
            raise ValueError(
                "`target_prior` must have one entry for each class. Received "
                f"{len(target)} for {len(frequency)} classes."
            )
        for name, prior in (("class_counts", frequency), ("target_prior", target)):
            if not prior.all():
                raise ValueError(
                    f"`{name}` must be above 0 where its logarithm is taken, but is 0 "
                    f"for {format_class_list(prior == 0)}. Add 1 to every class's count."
                )
        self.class_counts = trained_on.counts
        self.tau = check_number("tau", tau, 0)
        self.target_prior = None if target_prior is None else target.tolist()
        self.from_logits = from_logits
        self.supports_masking = True
        self._correction = self.tau * (np.log(target) - np.log(frequency))

    def __call__(self, inputs, *args, **kwargs):
        """See `keras.layers.Layer`."""
        source = source_of(inputs)
        if source is not None:
            warn_if_adjusted(source[0], stacklevel=2)
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs):
        """Returns the corrected logits or probabilities."""
        correction = ops.cast(self._correction, "float32")
        logits = ops.cast(inputs, "float32")
        if not self.from_logits:
            logits = safe_log(logits)
        corrected = logits + correction
        if not self.from_logits:
            corrected = ops.softmax(corrected, axis=-1)
        return ops.cast(corrected, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Returns the input's shape."""
        return input_shape

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        return {
            **super().get_config(),
            "class_counts": self.class_counts,
            "tau": self.tau,
            "target_prior": self.target_prior,
            "from_logits": self.from_logits,
        }


def warn_if_adjusted(model, stacklevel):
    """Warns if a model to correct was compiled with an adjusted loss of this package.

    Args:
        model: a `keras.Model`, or anything else, which is passed over.
        stacklevel: that of the warning, as seen from the caller.
    """
    for loss in keras.tree.flatten(getattr(model, "loss", None)):
        if isinstance(loss, ClassAwareLoss) and getattr(loss, "adjustment", None):
            warnings.warn(
                f"The model was compiled with {type(loss).__name__}, whose logits are "
                "adjusted in training: correcting them again would apply the prior "
                "twice. Leave `LogitCorrection` out, or give it only the quotient of "
                "a target prior.",
                stacklevel=stacklevel + 1,
            )
