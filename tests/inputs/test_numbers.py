import decimal

import numpy as np
import pytest
from keras import ops

from keras_ccar.inputs.numbers import check_numbers, check_positive, check_share


def test_numbers_become_float64():
    for values in (
        [1, 2],
        range(1, 3),
        np.array([1, 2], "uint8"),
        [decimal.Decimal(2)],
    ):
        found = check_numbers("x", values, "numbers")
        assert (found.dtype, found[-1]) == ("float64", 2)


@pytest.mark.parametrize("value", ["1", ["1"], [True], ["1", None], 10**400, 1j, {1}])
def test_what_numpy_would_convert_is_no_number(value):
    with pytest.raises(ValueError, match=r"`x` must be numbers\. Received: x="):
        check_numbers("x", np.array(value, object), "numbers")


def test_shares_and_positive_numbers():
    check_share("x", [0.0, 0.5, 1.0005])
    for wrong in (-0.1, [1.5], float("nan")):
        with pytest.raises(ValueError, match=r"`x` must be .* in \[0, 1\]"):
            check_share("x", wrong)
    assert check_positive("x", 2) == 2
    for wrong in (0, [], [1, float("inf")]):
        with pytest.raises(ValueError, match=r"`x` must be .* above 0"):
            check_positive("x", wrong)


def test_tensors_pass():
    tensor = ops.convert_to_tensor([-1.0])
    assert check_positive("x", tensor) is tensor
    check_share("x", tensor)
