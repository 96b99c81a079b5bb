"""SGD with the weight decay of the published recipes."""

import keras


@keras.saving.register_keras_serializable(package="keras_ccar")
class CoupledSGD(keras.optimizers.SGD):
    """SGD that adds `decay * variable` to the gradient, as PyTorch's does.

    The decay passes through the momentum, and applies to every trained variable.
    Keras's own `weight_decay` shrinks the variables beside the momentum instead,
    which under a momentum of 0.9 is about a tenth of the decay that the recipes
    mean.

    Args:
        learning_rate: learning rate.
        momentum: momentum, in [0, 1).
        decay: factor of the decay, 0 for none.
        **kwargs: see `keras.optimizers.Optimizer`.
    """

    def __init__(self, learning_rate=0.01, momentum=0.0, decay=0.0, **kwargs):
        super().__init__(learning_rate=learning_rate, momentum=momentum, **kwargs)
        self.decay = decay

    def update_step(self, gradient, variable, learning_rate):
        """Applies one step to one variable."""
        if self.decay:
            gradient = gradient + keras.ops.cast(self.decay, gradient.dtype) * (
                keras.ops.cast(variable, gradient.dtype)
            )
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        """Returns the constructor's arguments as plain JSON."""
        return {**super().get_config(), "decay": self.decay}
