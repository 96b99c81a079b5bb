"""How rows of the table make labels unusual, and how advice sets them right."""

import keras
import numpy as np
from unusual.outcomes import RIGHT, Error, nan_when_compiled
from unusual.rows import MULTI_CLASS, Row
from unusual.subjects import tensor_subjects


def row(name, *variants, families=MULTI_CLASS, **details):
    return Row("Labels", name, variants, families, **details)


def labels(make):
    """Gives integer labels, or the targets of a binary loss, in another way."""
    return lambda call: call.give(labels=make(np.array(call.indices)))


def one_hot(dtype):
    return lambda call: call.give(labels=call.meaning.labels.astype(dtype))


def distributions(make):
    """Gives distributions that are made of one-hot labels, and mean them."""

    def change(call):
        made = make(np.array(call.meaning.labels))
        return call.give(labels=made).mean(labels=np.asarray(made, "float64"))

    return change


def first(value, dtype="float32"):
    """Puts a value in place of the first label, or target."""
    return lambda call: call.replace_first(value, dtype)


def ignoring(value):
    """The call without its first sample, whose label or target has this value."""

    def fix(call, subject=None):
        argument = "ignore_value" if call.is_binary else "ignore_class"
        return call.leave_first_out().pass_(**{argument: value})

    return fix


def weight_zero(call, subject=None):
    """The first sample has a weight of 0, with which it is in the mean."""
    return call.weigh_first_zero()


def passing(**arguments):
    return lambda call, subject: call.pass_(**arguments)


def as_tags(call, subject):
    """The binary loss, which several ones in a row are for."""
    binary = next(s for s in tensor_subjects() if s.family == "binary")
    targets = np.asarray(call.labels)
    sane = binary.sane_call((6,)).give(labels=targets)
    return binary, sane.mean(labels=targets.astype("float64"))


def as_tag_metric(call, subject):
    """The metric of independent labels, as the message says."""

    def run():
        tags = call.pass_(multi_label=True, from_logits=True)
        if subject.takes_counts:
            tags = tags.give(counts=[500, 100, 20, 5])
        result = keras.tree.flatten(subject.run_eagerly(tags))
        assert all(0 <= np.nanmean(np.array(part)) <= 1 for part in result)

    return run


def divided(call, subject):
    """Every row divided by its sum."""
    rows = np.asarray(call.labels)
    return distributions(lambda y: rows / rows.sum(-1, keepdims=True))(call)


def data_error(says, fix=None):
    """An error about data, which names the argument to change or begins with them."""
    return Error(r"\w+", says, fix)


def no_label(fix):
    """What comes of an integer label that is no class, and a target that is none."""
    says = "pass their label as `ignore_class`, or a `sample_weight` of 0"
    unknown = "passing their value as `ignore_value`.*or by a `sample_weight` of 0"
    return {
        "*": nan_when_compiled("y_true", says, fix),
        "binary": nan_when_compiled("y_true", unknown, fix),
    }


# What data and `fit` take as losses do.
EVERYWHERE = dict.fromkeys(("callbacks", "counting", "sampling", "subsets"), RIGHT)
IN_FIT = {"callbacks": RIGHT, "counting": RIGHT}
NO_LABEL_OF_IMAGE = Error("labels", "must have shape")
NO_CLASS_OF_IMAGE = Error("labels", "must be whole numbers >= 0")
NOT_WHOLE = data_error("whole numbers")
NOT_ONE_HOT = data_error("must be one-hot")
