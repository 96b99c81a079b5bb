"""SGD as the published recipes mean it: that of PyTorch."""

from collections.abc import Mapping, Sequence
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

    Layers that were trained before may learn at a smaller rate than new ones: a
    variable with a factor steps by `factor * learning_rate * v`. So its share stays the
    same under every schedule, and its decay is smaller in proportion.

    Clipping, averages of the variables, accumulated gradients and scaled losses are
    Keras's own; gradients are clipped before the decay is added, as in PyTorch.

    Args:
        learning_rate: as Keras's SGD takes it.
        momentum: the share of the velocity that a step keeps.
        decay: the decay, added to the gradient.
        factors: the share of the learning rate of some variables, by their path; others
            have all of it.
        **options: further arguments of Keras's SGD.

    Raises:
        ValueError: if `decay` is negative or not finite, for a `weight_decay`, or for a
            factor that is not above 0; on the first step, if a path with a factor is
            not that of one of the variables.
    """

    def __init__(
        self,
        learning_rate: Any,
        momentum: float,
        decay: float,
        factors: Mapping[str, float] | None = None,
        **options: Any,
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
        self.factors = {
            path: check_number(f"factors[{path!r}]", factor, above=0)
            for path, factor in (factors or {}).items()
        }
        self._factors: list[float] = []

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the velocities of some variables, and finds their factors."""
        super().build(variables)
        paths = [variable.path for variable in variables]
        wrong = [path for path in self.factors if paths.count(path) != 1]
        if wrong:
            raise argument_error(
                "factors",
                wrong[0],
                "factors of paths that one trained variable has each",
                f"{paths.count(wrong[0])} of {len(paths)} variables have this path; "
                f"they have paths such as {paths[0]!r}",
            )
        self._factors = [self.factors.get(path, 1.0) for path in paths]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Applies one step to one variable."""
        ops, dtype = keras.ops, variable.dtype
        index = self._get_variable_index(variable)
        step = ops.cast(gradient, dtype)
        if self.decay:
            step = ops.add(step, ops.multiply(variable, ops.cast(self.decay, dtype)))
        if self.momentum:
            gradient, momentum = step, ops.cast(self.momentum, dtype)
            velocity = self.momentums[index]
            step = ops.add(ops.multiply(velocity, momentum), gradient)
            self.assign(velocity, step)
            if self.nesterov:
                step = ops.add(ops.multiply(step, momentum), gradient)
        rate = ops.cast(learning_rate * self._factors[index], dtype)
        self.assign_sub(variable, ops.multiply(step, rate))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain JSON."""
        own = {"decay": self.decay, "factors": dict(self.factors)}
        return {**super().get_config(), **own}
