"""SGD as the published recipes mean it: that of PyTorch."""

from typing import Any

import keras

from keras_ccar.arguments import argument_error, check_number


@keras.saving.register_keras_serializable(package="keras_ccar")
class CoupledSGD(keras.optimizers.SGD):
    """SGD with momentum and weight decay that steps as PyTorch's SGD does.

    For a gradient `g` of a variable `w`, with its velocity `v` from zero:

        v = momentum * v + (g + decay * w)
        w = w - learning_rate * v

    Keras's own SGD keeps `learning_rate * v` instead of `v`. After the rate drops to a
    hundredth, its steps stay as long as they were until the momentum forgets them; here
    the next step is a hundredth already. Keras's own `weight_decay` shrinks the
    variables beside the momentum: at a momentum of 0.9, that is about a tenth of the
    decay that the recipes mean. Here it applies to every trained variable.

    Clipping, averages of the variables, accumulated gradients and scaled losses are
    Keras's own; gradients are clipped before the decay is added, as in PyTorch.

    Raises:
        ValueError: if `decay` is negative or not finite, or for a `weight_decay`.
    """

    def __init__(
        self, learning_rate: Any, momentum: float, decay: float, **options: Any
    ) -> None:
        if options.get("weight_decay") is not None:
            raise argument_error(
                "weight_decay",
                options["weight_decay"],
                "None, because it would be added beside the momentum",
                "Pass it as `decay`",
            )
        super().__init__(learning_rate=learning_rate, momentum=momentum, **options)
        self.decay = check_number("decay", decay, 0)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Applies one step to one variable."""
        ops, dtype = keras.ops, variable.dtype
        step = ops.cast(gradient, dtype)
        if self.decay:
            step = ops.add(step, ops.multiply(variable, ops.cast(self.decay, dtype)))
        if self.momentum:
            gradient, momentum = step, ops.cast(self.momentum, dtype)
            velocity = self.momentums[self._get_variable_index(variable)]
            step = ops.add(ops.multiply(velocity, momentum), gradient)
            self.assign(velocity, step)
            if self.nesterov:
                step = ops.add(ops.multiply(step, momentum), gradient)
        rate = ops.cast(learning_rate, dtype)
        self.assign_sub(variable, ops.multiply(step, rate))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain JSON."""
        return {**super().get_config(), "decay": self.decay}
