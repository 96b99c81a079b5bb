import keras
import numpy as np
import pytest

import keras_ccar


def fit(loss, y, units, sample_weight=None):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])
    model.compile("sgd", loss)
    x = np.ones((8, 3), "float32")
    callback = keras_ccar.CCARCallback()
    return model.fit(
        x, y, sample_weight=sample_weight, callbacks=[callback], verbose=0, epochs=2
    )


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="steps are not compiled on torch"
)
@pytest.mark.parametrize("mark", [-1.0, np.nan])
def test_a_missing_label_names_the_remedies_which_work(mark):
    y = np.tile([[0.0, 1.0]], (8, 1)).astype("float32")
    y[3, 1] = mark
    counts = [[7, 1], [2, 6]]
    with pytest.warns(UserWarning, match=r"`ignore_value`.*`sample_weight`.*\(N, K\)"):
        fit(keras_ccar.BinaryLogitAdjustedLoss(counts, from_logits=True), y, 2)
    loss = keras_ccar.BinaryLogitAdjustedLoss(
        counts, from_logits=True, ignore_value=mark
    )
    assert np.isfinite(fit(loss, y, 2).history["loss"]).all()
    loss = keras_ccar.BinaryLogitAdjustedLoss(counts, from_logits=True)
    weights = np.ones((8, 2), "float32")
    weights[3, 1] = 0
    assert np.isfinite(fit(loss, y, 2, weights).history["loss"]).all()


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="steps are not compiled on torch"
)
def test_a_label_that_is_no_class():
    y = np.array([0, 1, 2, 255, 0, 1, 2, 0])
    with pytest.warns(
        UserWarning, match="number the classes from 0 on.*`ignore_class`"
    ):
        fit(keras_ccar.CCARLoss([3, 2, 2], from_logits=True), y, 3)
