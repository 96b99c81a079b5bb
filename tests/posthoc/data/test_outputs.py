"""One output of several, with the loss that it was trained with."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_ccar
from keras_ccar.layers import LogitCorrection
from keras_ccar.posthoc import calibrate, chain, one_output, tune_logit_correction
from keras_ccar.posthoc.data.predictions import predict
from keras_ccar.posthoc.retraining.classifier_head import find_classifier_head

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype("float32")
GRADES, TAGS = np.arange(40) % 3, (RNG.random((40, 2)) < 0.5).astype("float32")
COUNTS, TAG_COUNTS = [500, 100, 20], [[90, 10], [95, 5]]


def two_outputs(form, loss=True):
    """A model of grades and tags, with a loss that adjusts each."""
    inputs = keras.Input((4,), name="x")
    grade = keras.layers.Dense(3, name="to_grade")(inputs)
    tags = keras.layers.Dense(2, name="to_tags")(inputs)
    losses = [
        keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True),
        keras_ccar.BinaryLogitAdjustedLoss(TAG_COUNTS, from_logits=True),
    ]
    names = {
        "dict": ("grade", "tags"),
        "names": ("to_grade", "to_tags"),
        "list": (0, 1),
        "dict of layers": ("grade", "tags"),
    }[form]
    outputs, given = [grade, tags], losses
    if form.startswith("dict"):
        outputs = dict(zip(names, outputs, strict=True))
    if form != "list":
        keys = ("to_grade", "to_tags") if form == "dict of layers" else names
        given = dict(zip(keys, losses, strict=True))
    model = keras.Model(inputs, outputs)
    if loss:
        model.compile("adam", given)
    return model, names, losses


FORMS = ["dict", "names", "list"]


@pytest.mark.parametrize("form", FORMS)
def test_the_part_knows_its_loss(form):
    model, names, losses = two_outputs(form)
    expected = keras.tree.flatten(model.predict(X, verbose=0))
    for place, name in enumerate(names):
        for asked in (name, place):
            part = one_output(model, asked)
            assert part.loss is losses[place]
            np.testing.assert_allclose(part.predict(X, verbose=0), expected[place])
    one_output(model, ("to_grade", "to_tags")[0])


@pytest.mark.parametrize("form", FORMS)
def test_what_a_loss_tells_is_known(form):
    model, (grade, tags), _ = two_outputs(form)
    part = one_output(model, grade)
    with pytest.warns(UserWarning, match="BalancedSoftmaxLoss.*the prior twice"):
        chain(part, LogitCorrection(COUNTS))
    with pytest.raises(ValueError, match="unless `adjusted=True`"):
        tune_logit_correction(part, (X, GRADES), COUNTS)
    # Rows of labels that look one-hot are labels all the same.
    answers = np.eye(2)[np.arange(40) % 2]
    found = predict(one_output(model, tags), (X, answers))
    assert found.are_labels
    assert not predict(part, (X, np.eye(3)[GRADES])).are_labels


def test_one_loss_for_all_one_output_and_none():
    inputs = keras.Input((4,))
    model = keras.Model(
        inputs, [keras.layers.Dense(2)(inputs), keras.layers.Dense(2)(inputs)]
    )
    assert not one_output(model, 1).compiled
    model.compile("adam", "mse")
    assert one_output(model, 1).loss == "mse"
    model.compile("adam", {model.output_names[0]: "mse", model.output_names[1]: None})
    assert not one_output(model, 1).compiled
    single = keras.Sequential([inputs, keras.layers.Dense(2, name="only")])
    single.compile("adam", "mse")
    assert one_output(single, "only").loss == "mse"
    assert one_output(single, 0).loss == "mse"


def test_it_is_saved(tmp_path):
    model, (grade, _), _ = two_outputs("dict")
    part = one_output(model, grade)
    part.save(tmp_path / "part.keras")
    read = keras.models.load_model(tmp_path / "part.keras")
    with pytest.warns(UserWarning, match="the prior twice"):
        chain(read, LogitCorrection(COUNTS))


@pytest.mark.parametrize("name", [0.0, "size", 2, -1, True, None, [0]])
def test_no_such_output(name):
    model, _, _ = two_outputs("dict")
    with pytest.raises(ValueError, match=r"`output` must be .*\['grade', 'tags'\]"):
        one_output(model, name)


def test_models_without_outputs():
    class Own(keras.Model):
        def call(self, x):
            return x, ops.sum(x)

    with pytest.raises(ValueError, match="`model` must be a Functional model"):
        one_output(Own(), 0)
    with pytest.raises(ValueError, match=r"`model` must be a keras\.Model"):
        one_output(X, 0)


@pytest.mark.parametrize(
    "use",
    [
        lambda model: calibrate(model, (X, GRADES)),
        lambda model: chain(model, LogitCorrection(COUNTS)),
        find_classifier_head,
    ],
)
@pytest.mark.parametrize(("form", "name"), [("dict", "grade"), ("list", "to_grade")])
def test_errors_say_how(use, form, name):
    model, _, _ = two_outputs(form)
    with pytest.raises(ValueError, match=rf"posthoc.one_output\(model, '{name}'\)"):
        use(model)
