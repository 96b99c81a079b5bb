"""What answers cost, checked and in one form."""

from typing import Any

import numpy as np

from keras_ccar.arguments import argument_error, check_numbers


def check_costs(costs: Any) -> np.ndarray:
    """Returns costs of shape `(K, K)` as float64.

    Raises:
        ValueError: for anything else, costs that decide alike, and gains.
    """
    expected = (
        "finite numbers of shape (K, K), the cost of each answer (column) for each "
        "truth (row), of two classes or more"
    )
    numbers = check_numbers("costs", costs, expected)
    shape = numbers.shape
    is_square = len(shape) == 2 and shape[0] == shape[1] and shape[0] > 1
    if not is_square or not np.isfinite(numbers).all():
        raise argument_error("costs", costs, expected)
    if (numbers == numbers[:, :1]).all():
        raise argument_error(
            "costs", costs, "different for different answers", "All decide alike."
        )
    refuse_gains("costs", costs, numbers)
    return numbers


def refuse_gains(name: str, given: Any, costs: np.ndarray) -> None:
    """Raises a `ValueError` for costs by which no wrong answer costs anything.

    The decision would be the worst one. Such are scores and profits, which are high for
    what is right.

    Args:
        name: the name of the argument.
        given: what was passed, for the message.
        costs: of shape `(..., K, K)`.
    """
    right = np.diagonal(costs, axis1=-2, axis2=-1)[..., None]
    if (right >= costs).all(axis=(-2, -1)).any():
        raise argument_error(
            name,
            given,
            "higher for some wrong answer than for the right one",
            "Costs are what is lost: of gains, such as scores or profits, pass the "
            "negative numbers.",
        )


def regrets(costs: np.ndarray) -> np.ndarray:
    """Returns what each answer costs more than the best one, in units of the largest.

    Decisions stay the same, and float32 does not round differences between large costs.

    Args:
        costs: float64 of shape `(..., K, K)`.
    """
    # Twice the largest number may be infinite.
    scaled = costs / max(np.abs(costs).max(), np.finfo("float64").tiny)
    relative = scaled - scaled.min(axis=-1, keepdims=True)
    return relative / max(relative.max(), np.finfo("float64").tiny)
