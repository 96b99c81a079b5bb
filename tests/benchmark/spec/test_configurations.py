import itertools

import keras
import numpy as np
import pytest

from keras_ccar import losses
from keras_ccar.benchmark.spec.configurations import loss_config
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import METHODS, get_method

COUNTS = [500, 100, 20, 5]
LABELS = np.array([0, 1, 2, 3, 3, 0])
LOGITS = np.random.default_rng(3).normal(0, 2, (6, 4)).astype("float32")
ENGINE = losses.LongTailedCrossentropy


def described(name, **options):
    return loss_config(get_method(name).build_loss(COUNTS, LossOptions(**options)))


def values(name, **options):
    loss = get_method(name).build_loss(COUNTS, LossOptions(**options))
    return keras.ops.convert_to_numpy(loss.call(LABELS, LOGITS))


@pytest.mark.parametrize("tau", [1.0, 2.0])
def test_losses_are_described_alike_where_they_compute_the_same(tau):
    for one, other in itertools.combinations(METHODS, 2):
        is_equal = np.array_equal(values(one, tau=tau), values(other, tau=tau))
        # At a scale of 1 this control is cross-entropy, but it is scaled later.
        if "×c" not in one + other:
            assert (described(one, tau=tau) == described(other, tau=tau)) == is_equal


def test_two_names_of_balanced_softmax():
    assert described("bs") == described("la") == described("la[tau=1]")
    assert described("ccar+bs", pivot=0.5) == described("ccar+la[tau=1]", pivot=0.5)
    assert described("bs") != described("la", tau=0.5)


def test_named_losses_change_nothing_that_the_engine_computes():
    named = [getattr(losses, name) for name in losses.__all__]
    softmax = [loss for loss in named if issubclass(loss, ENGINE)]
    assert len(softmax) > 5
    computing = ("__call__", "call", "_losses", "_smooth", "compute_weights")
    for loss in softmax:
        for name in computing:
            assert getattr(loss, name) is getattr(ENGINE, name), loss


def test_another_loss_is_described_as_keras_saves_it():
    class Twice(losses.BalancedSoftmaxLoss):
        def call(self, y_true, y_pred):
            return 2 * super().call(y_true, y_pred)

    own = Twice(COUNTS, from_logits=True)
    assert loss_config(own) == keras.saving.serialize_keras_object(own)
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert loss_config(plain) == keras.saving.serialize_keras_object(plain)
