"""The class frequencies in the configuration of a loss that training has updated."""

from typing import Any

import numpy as np

from keras_ccar.arguments import argument_error, check_number
from keras_ccar.frequencies import ClassPrior, class_counts_array


def read_saved_prior(
    prior: Any, frequency: Any, given: ClassPrior | None
) -> tuple[np.ndarray, float | None] | None:
    """Returns the class frequencies and the number of examples, or None for none.

    Args:
        prior: the entry of the configuration, a pair of both.
        frequency: what files of version 0.1.0 have instead, the frequencies alone.
        given: the prior that the loss was given.

    Raises:
        ValueError: if they are not those of the classes of the loss.
    """
    if prior is None:
        if frequency is None:
            return None
        return _check_frequency("frequency", frequency, given), None
    if not isinstance(prior, list | tuple) or len(prior) != 2:
        expected = "the frequencies of the classes and the number of examples"
        raise argument_error("prior", prior, expected)
    frequency, num_examples = prior
    meaning = "the number of examples"
    return (
        _check_frequency("prior", frequency, given),
        check_number("prior[1]", num_examples, meaning=meaning, above=0),
    )


def _check_frequency(name: str, frequency: Any, given: ClassPrior | None) -> np.ndarray:
    checked = class_counts_array(frequency, name)
    expected = 0 if given is None else given.num_classes
    if len(checked) != expected:
        raise ValueError(
            f"`{name}` must have one frequency for each of the {expected} classes of "
            f"`class_counts`. Received: {len(checked)} frequencies"
        )
    return checked
