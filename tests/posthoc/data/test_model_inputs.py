"""Columns of a table, as a model with an input for each takes them."""

import keras
import numpy as np
import pandas as pd
import pytest

from keras_ccar.posthoc.data.model_inputs import inputs_for
from keras_ccar.posthoc.data.predictions import predict

TABLE = pd.DataFrame({"amount": [1.0, 2.0, 4.0, 3.0], "code": [0.0, 1.0, 1.0, 0.0]})
YES = np.array([0, 1, 1, 0])


def model_of_columns():
    inputs = {name: keras.Input((1,), name=name) for name in TABLE}
    joined = keras.layers.Concatenate()(list(inputs.values()))
    dense = keras.layers.Dense(1, "sigmoid", kernel_initializer="ones")
    return keras.Model(inputs, dense(joined))


@pytest.mark.parametrize(
    "form",
    [
        lambda name: TABLE[[name]].to_numpy("float32"),
        lambda name: TABLE[name].to_numpy(),
        lambda name: TABLE[name],
        lambda name: TABLE[[name]],
    ],
)
def test_columns_of_every_form(form):
    columns = {name: form(name) for name in TABLE}
    expected = TABLE.sum(axis=1).to_numpy()[:, None]
    for data in ((columns, YES), iter([(columns, YES)])):
        found = predict(model_of_columns(), data)
        np.testing.assert_allclose(found.logits, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (np.array(["a", "b", "a", "b"]), r"'code' of `model` must be numbers.*\['a'\]"),
        (np.array(["a", "b", "a", "b"], object), "must be numbers.*Encode them"),
        (np.array([1.0, 2, 3, 4], object), r"of type float.*`.astype\(\"float32\"\)`"),
        (np.array(["a", None, 3, 4], object), "objects of type NoneType"),
    ],
)
def test_what_is_no_number(code, message):
    columns = {"amount": TABLE["amount"], "code": code}
    with pytest.raises(ValueError, match=message):
        predict(model_of_columns(), (columns, YES))


def test_a_whole_table():
    with pytest.raises(ValueError, match=r"a dict.*a DataFrame") as e:
        predict(model_of_columns(), (TABLE, YES))
    advice = str(e.value).split("`")[3]
    columns = eval(advice, {"table": TABLE})
    assert len(predict(model_of_columns(), (columns, YES)).labels) == 4
    one = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
    assert len(predict(one, (TABLE, YES)).labels) == 4


@pytest.mark.tensorflow_only
@pytest.mark.parametrize("kind", [str, object])
def test_texts(kind):
    text = keras.Input((1,), dtype="string", name="code")
    look = keras.layers.StringLookup(vocabulary=["web"], output_mode="one_hot")
    model = keras.Model({"code": text}, keras.layers.Dense(1, "sigmoid")(look(text)))
    words = np.array(["web", "pos", "web", "pos"]).astype(kind)
    for given in (words, words[:, None], pd.Series(words)):
        found = predict(model, ({"code": given}, YES)).logits
        assert found[0] == found[2] != found[1]


def test_models_that_prepare_their_inputs():
    class Prepares(keras.Model):
        def preprocess_samples(self, x, y=None):
            return x

    words = np.array(["a"])
    assert inputs_for(Prepares(), words) is words
