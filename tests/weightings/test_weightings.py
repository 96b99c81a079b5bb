import pytest

from keras_ccar import weightings
from keras_ccar.weightings import CCARWeighting


@pytest.mark.parametrize("weighting", ["exponential", 3, CCARWeighting])
def test_get_rejects_other_types(weighting):
    with pytest.raises(TypeError, match="`weighting` must be"):
        weightings.get(weighting)
