"""Losses are found wherever a user can put them, and nowhere else."""

import functools
import threading
import types

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar.keras_internals import LossFunctionWrapper
from keras_ccar.losses.find_losses import agreed_from_logits, find_losses

CCAR = keras_ccar.CCARLoss([3, 2, 1], from_logits=True)
OTHER = keras_ccar.CCARLoss([1, 1, 1], from_logits=True)
HOLDER = types.SimpleNamespace(ccar=CCAR)
MODULE = types.ModuleType("losses_of_a_user")
MODULE.ccar, MODULE.other = CCAR, OTHER


def dice(y_true, y_pred):
    return keras.ops.mean(y_pred)


def names_global(y_true, y_pred):
    return dice(y_true, y_pred) + CCAR(y_true, y_pred)


def calls_another(y_true, y_pred):
    return names_global(y_true, y_pred)


def names_global_within(y_true, y_pred):
    def part():
        return sum(CCAR(y_true, y_pred) for _ in range(2))

    return part()


def names_attribute(y_true, y_pred):
    return HOLDER.ccar(y_true, y_pred)


def names_module(y_true, y_pred):
    return MODULE.ccar(y_true, y_pred)


def has_default(y_true, y_pred, loss=CCAR):
    return loss(y_true, y_pred)


def has_keyword_default(y_true, y_pred, *, losses=(("dice", dice), ("ccar", CCAR))):
    return losses[1][1](y_true, y_pred)


def takes_loss(loss, y_true, y_pred):
    return loss(y_true, y_pred)


def closure(loss):
    def total(y_true, y_pred):
        return dice(y_true, y_pred) + loss(y_true, y_pred)

    return total


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


class Holds(keras.losses.Loss):
    def __init__(self, *parts):
        super().__init__()
        self.parts = {"parts": list(parts)}

    def call(self, y_true, y_pred):
        return sum(part(y_true, y_pred) for part in self.parts["parts"])


class HasItInItsClass(keras.losses.Loss):
    ccar = CCAR

    def call(self, y_true, y_pred):
        return self.ccar(y_true, y_pred)


class NamesGlobal(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return self.total(y_true, y_pred)

    @staticmethod
    def total(y_true, y_pred):
        return CCAR(y_true, y_pred)


class Property(keras.losses.Loss):
    @property
    def ccar(self):
        return CCAR

    def call(self, y_true, y_pred):
        return self.ccar(y_true, y_pred)


class Slots:
    __slots__ = ("ccar",)

    def __init__(self, ccar):
        self.ccar = ccar

    def __call__(self, y_true, y_pred):
        return self.ccar(y_true, y_pred)


class Trainer:
    """What people write around a model."""

    def __init__(self, ccar):
        self.model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        self.model.compile("sgd", OTHER)
        self.lock, self.data, self.ccar = threading.Lock(), np.ones((3, 3)), ccar

    def total(self, y_true, y_pred):
        return dice(y_true, y_pred) + self.part(y_true, y_pred)

    def part(self, y_true, y_pred):
        return self.ccar(y_true, y_pred)


class OwnModel(keras.Model):
    def __init__(self, ccar):
        super().__init__()
        self.dense, self.ccar, self.other = keras.layers.Dense(3), ccar, OTHER

    def call(self, x):
        return self.dense(x)

    def total(self, y_true, y_pred):
        return dice(y_true, y_pred) + self.part(y_true, y_pred)

    def part(self, y_true, y_pred):
        return self.ccar(y_true, y_pred) + 0 * self.total(y_true, y_pred)


class Subclass(keras_ccar.CCARLoss):
    def call(self, y_true, y_pred):
        return super().call(y_true, y_pred) + dice(y_true, y_pred)


PLACES = {
    "itself": CCAR,
    "list": [dice, {"b": (CCAR, dice)}],
    "global": names_global,
    "global of another": calls_another,
    "global within": names_global_within,
    "attribute of a global": names_attribute,
    "attribute of a module": names_module,
    "closure": closure(CCAR),
    "closure of a closure": closure(closure(CCAR)),
    "lambda": lambda t, p: dice(t, p) + CCAR(t, p),
    "default": has_default,
    "keyword default": has_keyword_default,
    "wrapped": logged(names_global),
    "partial": functools.partial(takes_loss, CCAR),
    "partial of a keyword": functools.partial(dice, losses=[CCAR]),
    "partial of a partial": functools.partial(functools.partial(closure(CCAR))),
    "method": Trainer(CCAR).total,
    "method of a model": OwnModel(CCAR).total,
    "object": Slots(CCAR),
    "loss": Holds(dice, Holds(CCAR)),
    "class of a loss": HasItInItsClass(),
    "method of a loss": NamesGlobal(),
    "property of a loss": Property(),
    "function in a loss": Holds(closure(CCAR)),
    "wrapper of Keras": LossFunctionWrapper(closure(CCAR)),
    "argument of a wrapper": LossFunctionWrapper(takes_loss, other=CCAR),
    "sum": keras_ccar.WeightedSum([(1.0, "mse"), (1.0, CCAR)]),
    "sum of sums": keras_ccar.WeightedSum(
        [(1.0, CCAR), (2.0, keras_ccar.WeightedSum([(1.0, CCAR)]))]
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_found_once(place):
    assert find_losses(PLACES[place]) == [CCAR]


def test_a_subclass_is_found_with_what_it_holds():
    loss = Subclass([3, 2, 1])
    loss.other = closure(CCAR)
    assert find_losses(loss) == [loss, CCAR]


def test_order_is_that_of_the_code():
    loss = Holds(OTHER, closure(CCAR), OTHER)
    assert find_losses(loss) == [OTHER, CCAR]
    assert find_losses([closure(CCAR), OTHER]) == [CCAR, OTHER]


def test_cycles_end():
    first, second = Holds(), Holds()
    first.parts["parts"] += [first, second, CCAR]
    second.parts["parts"] += [first, first.parts]
    assert find_losses(first) == [CCAR]


def names_only_an_attribute(y_true, y_pred):
    return y_true.CCAR + y_pred.OTHER


@pytest.mark.parametrize(
    "root",
    [
        None,
        "mse",
        dice,
        names_only_an_attribute,
        keras.losses.MeanSquaredError(),
        keras_ccar.CCARLoss,
        Trainer(CCAR).model,
        MODULE,
        np.array([CCAR]),
        [keras.ops.ones(3), keras.layers.Dense(2), 3],
        keras_ccar.WeightedSum([(1.0, "mse")]),
    ],
    ids=lambda root: type(root).__name__,
)
def test_not_found_elsewhere(root):
    assert find_losses(root) == []


def test_what_the_losses_say_of_logits():
    logits = keras.losses.CategoricalCrossentropy(from_logits=True)
    probabilities = keras.losses.CategoricalCrossentropy()
    assert agreed_from_logits(closure(CCAR)) is True
    assert agreed_from_logits([logits, Holds(CCAR)]) is True
    assert agreed_from_logits(closure(probabilities)) is False
    assert agreed_from_logits([logits, probabilities]) is None
    assert agreed_from_logits(dice) is None
