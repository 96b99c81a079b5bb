import keras
import numpy as np
import pytest
from served_models import COUNTS, NAMES, X, softmax

import keras_ccar
from keras_ccar.serving import export


@pytest.fixture(scope="session")
def trained():
    """A model with state of every kind, trained with the callback."""
    model = keras.Sequential(
        [
            keras.Input((8,), name="x"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3),
        ]
    )
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS, from_logits=True))
    y = np.arange(7) % 3
    model.fit(X, y, epochs=2, verbose=0, callbacks=[keras_ccar.CCARCallback()])
    return model


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "animals"
    return export(trained, path, NAMES, keras_ccar.LogitCorrection(COUNTS, tau=0.5))


@pytest.fixture(scope="session")
def corrected(trained):
    logits = trained.predict(X, verbose=0).astype("float64")
    return softmax(logits - 0.5 * np.log(np.array(COUNTS) / sum(COUNTS)))
