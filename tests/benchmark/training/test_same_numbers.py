"""What of a run is the same on every backend; `test_loop.py` has what is on one."""

import hashlib

import numpy as np
import pytest
from published_code import drop, forward, last_layers, operations, sgd

from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.benchmark.training.augmentation import augmentations
from keras_ccar.benchmark.training.batches import SeededBatches


def digest_of_draws(recipe, seed, epoch):
    labels = np.arange(1000) % 10
    images = np.zeros((1000, 32, 32, 3), "uint8")
    batches = SeededBatches(images, labels, 128, seed, augmentations(recipe))
    batches.begin_epoch(epoch)
    found = hashlib.sha256()
    for step in range(batches.num_batches):
        for part in batches[step]:
            found.update(np.ascontiguousarray(part, "<i4").tobytes())
    return found.hexdigest()[:16]


@pytest.mark.parametrize(
    ("name", "seed", "epoch", "digest"),
    [
        ("plain", 0, 0, "e7e1fd7ee27f97a7"),
        ("plain", 3, 7, "1ddc0bf0ce752a47"),
        ("strong", 1, 2, "c6941ae561c10aef"),
    ],
)
def test_order_and_augmentation_are_the_same_everywhere(name, seed, epoch, digest):
    assert digest_of_draws(RECIPES[name], seed, epoch) == digest


@pytest.mark.parametrize("head", ["linear", "cosine"])
def test_the_same_weights_give_the_same_logits_on_every_backend(head):
    forward(head)


@pytest.mark.parametrize("make", [sgd, drop, operations, last_layers])
def test_steps_and_augmentation_are_those_of_the_published_code(make):
    make()
