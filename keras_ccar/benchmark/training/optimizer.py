"""SGD with the weight decay of the published recipes."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="keras_ccar")
class CoupledSGD(keras.optimizers.SGD):
    """SGD that adds `decay * variable` to the gradient, as PyTorch's SGD does.

    The decay applies to every trained variable and passes through the momentum. Keras's
    own `weight_decay` shrinks the variables beside the momentum: at a momentum of 0.9,
    that is about a tenth of the decay that the recipes mean.
    """

    def __init__(
        self, learning_rate: Any, momentum: float, decay: float, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate=learning_rate, momentum=momentum, **kwargs)
        self.decay = decay

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Applies one step to one variable."""
        if self.decay:
            gradient = gradient + keras.ops.cast(self.decay, gradient.dtype) * (
                keras.ops.cast(variable, gradient.dtype)
            )
        super().update_step(gradient, variable, learning_rate)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain JSON."""
        return {**super().get_config(), "decay": self.decay}
