"""Unusual predictions, weights and masks."""

import keras
import numpy as np
from keras import ops
from unusual import oracle
from unusual.calls import COUNTS, K
from unusual.outcomes import NAN, RIGHT, Documented, Error, Right, nan_when_compiled
from unusual.rows import LABELLED, TENSOR_FAMILIES, Row
from unusual.subjects import tensor_subjects

MULTI_CLASS = ("losses", "metrics", "calibration", "correction")
KINDS = ("losses", "binary", "calibration", "correction")


def row(name, *variants, families=TENSOR_FAMILIES, **details):
    return Row("Predictions", name, variants, families, **details)


def weight_row(name, *variants, families=LABELLED, **details):
    return Row("Weights and masks", name, variants, families, **details)


def predictions(make):
    """Gives predictions that are made of the sane ones, and mean what they hold."""

    def change(call):
        made = make(call.predictions)
        meant = ops.convert_to_numpy(ops.cast(made, "float32")).astype("float64")
        return call.give(predictions=made).mean(predictions=meant)

    return change


def probabilities(call):
    """Probabilities of the logits."""
    z = call.meaning.predictions
    p = 1 / (1 + np.exp(-z)) if call.is_binary else np.exp(oracle.log_softmax(z))
    return predictions(lambda _: p.astype("float32"))(call)


def say_probabilities(call, subject=None):
    return call.pass_(from_logits=False)


def say_logits(call, subject=None):
    return call.pass_(from_logits=True)


def put(value, as_tensor=False):
    """Puts a value into the first prediction of an array, or of a tensor."""

    def change(call):
        made = np.array(call.predictions)
        made.flat[0] = value
        return call.give(predictions=ops.convert_to_tensor(made) if as_tensor else made)

    return change


def classes_first(call):
    return call.give(predictions=np.moveaxis(call.predictions, -1, 1))


def classes_first_labels(call):
    """The same with one-hot labels, whose classes are on axis 1 as well."""
    labels = np.moveaxis(call.meaning.labels, -1, 1).astype("float32")
    return classes_first(call).give(labels=labels)


def say_axis(call, subject=None):
    return call.pass_(axis=1)


def as_given(call):
    """Classes on axis 1, read as the last axis, as nothing tells them apart."""
    call = classes_first(call)
    return call.mean(predictions=call.predictions.astype("float64"))


def one_column(call):
    """Logits of yes, which stand for two classes."""
    z, labels = call.predictions[:, :1], call.labels % 2
    both = np.concatenate([0 * z, z], axis=-1).astype("float64")
    call = call.give(predictions=z, labels=labels)
    return call.mean(predictions=both, labels=np.eye(2)[labels])


def as_binary(call, subject):
    """The loss for one sigmoid output."""
    binary = next(s for s in tensor_subjects() if s.family == "binary")
    sane = binary.sane_call((6,))
    meant = sane.meaning
    targets = np.asarray(call.labels, "float64")[:, None]
    return binary, sane.give(
        labels=call.labels, predictions=call.predictions, counts=COUNTS[:1]
    ).mean(
        labels=targets,
        predictions=np.asarray(call.predictions, "float64"),
        weights=meant.weights[:, :1],
        included=meant.included[:, :1],
        counts=np.array(COUNTS[:1], "float64"),
    )


def as_two_columns(call, subject):
    """Yes and no with a column each, as the message shows."""

    def run():
        z = ops.convert_to_tensor(call.predictions)
        both = ops.concatenate([0 * z, z], axis=-1)
        given = call.give(labels=call.labels, predictions=both, counts=[620, 5])
        result = subject.run_eagerly(given)
        assert np.isfinite(np.array(keras.tree.flatten(result))).any()

    return run


def as_one_question(call, subject):
    """Counts of no and yes, as the message shows."""

    def run():
        given = call.give(labels=None, counts=[620, 5])
        result = np.asarray(subject.run_eagerly(given), "float64")
        expected = np.asarray(call.predictions, "float64") + np.log(620 / 5)
        np.testing.assert_allclose(result, expected, rtol=1e-5)

    return run


def as_two_classes(call, subject):
    """A metric of two classes, no and yes."""

    def run():
        given = call.give(counts=[620, 5]).pass_(from_logits=True)
        given = given if subject.takes_counts else given.pass_(num_classes=2)
        result = subject.run_eagerly(given)
        assert np.isfinite(np.array(keras.tree.flatten(result))).any()

    return run


COUNTS_CLASSES = (
    "AveragePrecision",
    "BalancedAccuracy",
    "GeometricMean",
    "MacroF1",
    "PerClassRecall",
)
ONE_COLUMN = {
    "*": Error("y_pred", "pass `num_classes=2`", as_two_classes),
    "ExpectedCalibrationError": RIGHT,
    "losses": Error("y_pred", "For one sigmoid output use `Binary", as_binary),
    "correction": Error("inputs", r"=\[no, yes\]`", as_one_question),
}
NOT_PROBABILITIES = {
    "*": nan_when_compiled("y_pred", "pass `from_logits=True`", say_logits),
    "correction": nan_when_compiled("inputs", "pass `from_logits=True`", say_logits),
}
HALF = Right(rtol=5e-3)

ROWS = [
    row("probabilities", lambda c: say_probabilities(probabilities(c)), families=KINDS),
    row(
        "logits where probabilities are expected",
        say_probabilities,
        families=KINDS,
        outcomes=NOT_PROBABILITIES,
    ),
    row(
        "probabilities where logits are expected",
        probabilities,
        families=KINDS,
        outcomes={"*": Documented("from_logits", "look like any other logits")},
    ),
    row(
        "probabilities that do not sum to 1",
        lambda c: predictions(lambda p: p * 0.5)(say_probabilities(probabilities(c))),
        families=("losses", "calibration", "correction"),
    ),
    row(
        "probabilities of exactly 0 and 1",
        lambda c: _certain(c),
        families=("losses", "calibration"),
    ),
    row(
        "half precision",
        predictions(lambda z: ops.cast(z, "float16")),
        predictions(lambda z: ops.cast(z, "bfloat16")),
        outcomes={"correction": RIGHT, "head": HALF},
    ),
    row(
        "double precision, integers",
        predictions(lambda z: z.astype("float64")),
        predictions(lambda z: np.rint(z).astype("int32")),
    ),
    row(
        "logits of ±10,000",
        predictions(lambda z: np.sign(z) * np.float32(1e4) + z),
        families=("losses", "binary", "metrics", "calibration", "correction"),
    ),
    row(
        "NaN in an array",
        put(float("nan")),
        outcomes={
            "*": NAN,
            "losses": Error("y_pred", "must hold finite numbers", is_nan=True),
            "binary": Error("y_pred", "must hold finite numbers", is_nan=True),
        },
    ),
    row(
        "NaN in a tensor, of a model that diverged",
        put(float("nan"), as_tensor=True),
        outcomes={"*": NAN},
    ),
    row(
        "NaN of a sample of weight 0",
        lambda c: c.weigh_first_zero().give(
            predictions=put(float("nan"), as_tensor=True)(c).predictions
        ),
        families=LABELLED,
        outcomes={"losses": NAN, "binary": NAN},
    ),
    row(
        "classes on axis 1, `axis=1`",
        lambda c: say_axis(classes_first(c)),
        lambda c: say_axis(classes_first_labels(c)),
        families=MULTI_CLASS,
        shape=(6, 3),
        outcomes={"callbacks": RIGHT},
    ),
    row(
        "classes on axis 1, `axis=1`, where K is the width",
        lambda c: say_axis(classes_first(c)),
        lambda c: say_axis(classes_first_labels(c)),
        families=MULTI_CLASS,
        shape=(6, 4),
        outcomes={"callbacks": RIGHT},
    ),
    row(
        "classes on axis 1 without `axis`",
        classes_first,
        families=MULTI_CLASS,
        shape=(6, 3),
        outcomes={
            "*": Error("class_counts", "pass `axis=1`", say_axis),
            **dict.fromkeys(
                COUNTS_CLASSES, Error("num_classes", "pass `axis=1`", say_axis)
            ),
            "calibration": Error("y_true", "pass `axis=1`", say_axis),
        },
    ),
    row(
        "the same where K is the width",
        as_given,
        families=MULTI_CLASS,
        shape=(6, 4),
        outcomes={"*": Documented("the-class-axis", "nothing tells on which axis")},
    ),
    row(
        "one column",
        one_column,
        families=MULTI_CLASS,
        outcomes=ONE_COLUMN,
    ),
    row(
        "another number of classes",
        predictions(lambda z: z[:, :3]),
        predictions(lambda z: np.concatenate([z, z], axis=-1)),
        families=("losses", "binary", "metrics", "correction"),
        outcomes={
            "*": Error("class_counts", "must have one entry for each"),
            **dict.fromkeys(
                COUNTS_CLASSES, Error("num_classes", "must be the number of classes")
            ),
        },
    ),
    row(
        "a single row `(K,)`, a number",
        lambda c: c.give(predictions=c.predictions[0]),
        lambda c: c.give(predictions=np.float32(0)),
        families=("losses", "binary", "metrics", "calibration", "correction"),
        outcomes={
            "*": Error("\\w+", "rank of at least 2"),
        },
    ),
    row(
        "strings, ragged lists, None, complex numbers",
        lambda c: c.give(predictions=[["a", "b"], ["c", "d"]]),
        lambda c: c.give(predictions=[[1.0, 2.0], [3.0]]),
        lambda c: c.give(predictions=None),
        lambda c: c.give(predictions=c.predictions * 1j),
        families=LABELLED,
        outcomes={"*": Error("y_pred", "must be an array of (real )?numbers")},
        is_compiled=False,
    ),
    row(
        "an empty batch",
        lambda c: c,
        families=("correction", "head"),
        shape=(0,),
    ),
    weight_row(
        "one for each sample",
        lambda c: c.weigh(_weights(c)),
        lambda c: c.weigh(_weights(c)[:, None]),
        lambda c: c.weigh(_weights(c)).give(weights=_weights(c).tolist()),
        outcomes={"callbacks": RIGHT},
    ),
    weight_row(
        "one for each row of a map",
        lambda c: c.weigh(_weights(c)),
        lambda c: c.weigh(_weights(c)[:, None]),
        shape=(6, 3),
        outcomes={"callbacks": RIGHT},
    ),
    weight_row(
        "one for each label of a map",
        lambda c: c.weigh(_map_weights(c)),
        lambda c: _column_of_weights(c),
        shape=(6, 3),
        outcomes={"callbacks": RIGHT},
    ),
    weight_row(
        "booleans, integers",
        lambda c: c.weigh(_weights(c) > 0.5),
        lambda c: c.weigh(np.rint(_weights(c)).astype("int32")),
    ),
    weight_row(
        "all zero",
        lambda c: c.weigh(np.zeros(6, "float32")),
        outcomes={"callbacks": RIGHT},
    ),
    weight_row(
        "negative",
        lambda c: c.weigh(np.float32([2, -1, 1, 3, 1, 1])),
        # A precision of negative weights has no meaning.
        outcomes={"AveragePrecision": None},
    ),
    weight_row(
        "NaN, infinite",
        lambda c: c.give(weights=np.float32([float("nan"), 1, 1, 1, 1, 1])),
        lambda c: c.give(weights=np.float32([float("inf"), 1, 1, 1, 1, 1])),
        outcomes={
            **({"*": nan_when_compiled("sample_weight", "must hold finite numbers")}),
            "callbacks": nan_when_compiled("sample_weight", "must hold finite numbers"),
        },
    ),
    weight_row(
        "of another length, of too many axes",
        lambda c: c.give(weights=np.ones(5, "float32")),
        lambda c: c.give(weights=np.ones((6, 4, 2, 2), "float32")),
        outcomes={"*": Error("sample_weight", "must broadcast")},
    ),
    weight_row(
        "strings, ragged lists",
        lambda c: c.give(weights=["a"] * 6),
        lambda c: c.give(weights=[[1.0], [1.0, 2.0]]),
        outcomes={"*": Error("sample_weight", "must be an array of (real )?numbers")},
        is_compiled=False,
    ),
    weight_row(
        "a Keras mask",
        lambda c: c.attach_mask(np.arange(6) % 3 > 0),
        lambda c: c.attach_mask((np.arange(6) % 3 > 0).astype("float32")),
    ),
    weight_row(
        "a Keras mask over labels of padding",
        lambda c: c.replace_first(-1, "int32").attach_mask(np.arange(6) > 0),
        lambda c: c.replace_first(float("nan")).attach_mask(np.arange(6) > 0),
    ),
    weight_row(
        "a Keras mask of a map, of its rows",
        lambda c: c.attach_mask(np.arange(18).reshape(6, 3) % 3 > 0),
        lambda c: c.attach_mask(np.arange(6) % 3 > 0),
        shape=(6, 3),
    ),
    weight_row(
        "a Keras mask and weights",
        lambda c: c.weigh(_weights(c)).attach_mask(np.arange(6) % 3 > 0),
    ),
    weight_row(
        "a Keras mask of all samples", lambda c: c.attach_mask(np.zeros(6, bool))
    ),
    weight_row(
        "a Keras mask of another shape",
        lambda c: c.give(mask=np.ones((6, 7, 2, 2), bool)),
        outcomes={"*": Error("mask", "must broadcast")},
    ),
]


def _weights(call):
    return (np.arange(len(call.labels)) % 3 + 0.5).astype("float32")


def _map_weights(call):
    return (np.arange(18).reshape(6, 3) % 4 * 0.5).astype("float32")


def _column_of_weights(call):
    weights = _map_weights(call)
    return call.weigh(weights).give(weights=weights[..., None])


def _certain(call):
    """Probabilities of exactly 0 and 1."""
    largest = np.eye(K, dtype="float32")[call.predictions.argmax(-1)]
    return say_probabilities(predictions(lambda z: largest)(call))
