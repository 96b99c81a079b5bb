import keras
import numpy as np
import pytest

from keras_ccar.benchmark.training.augmentation import Crop, Flip
from keras_ccar.benchmark.training.batches import SeededBatches, build_fed_model

AUGMENTATIONS = (Crop(2), Flip())


def make(seed=3, count=10, batch_size=4, augmentations=AUGMENTATIONS):
    images = np.zeros((count, 5, 6, 2), "uint8")
    return SeededBatches(images, np.arange(count), batch_size, seed, augmentations)


def epoch_of(batches, epoch):
    batches.begin_epoch(epoch)
    parts = [batches[step] for step in range(batches.num_batches)]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def test_an_epoch_depends_on_the_seed_and_its_number_alone():
    forward, backward = make(), make()
    ahead = [epoch_of(forward, epoch) for epoch in range(4)]
    behind = [epoch_of(backward, epoch) for epoch in reversed(range(4))][::-1]
    for (draws, labels), (same_draws, same_labels) in zip(ahead, behind, strict=True):
        np.testing.assert_array_equal(draws, same_draws)
        np.testing.assert_array_equal(labels, same_labels)
    assert not np.array_equal(epoch_of(make(seed=4), 0)[0], ahead[0][0])


def test_every_epoch_holds_every_example_once_in_another_order():
    batches = make()
    assert batches.num_batches == 3
    assert [len(batches[step][1]) for step in range(3)] == [4, 4, 2]
    orders = []
    for epoch in range(3):
        draws, labels = epoch_of(batches, epoch)
        assert draws.shape == (10, 4)
        np.testing.assert_array_equal(draws[:, 0], labels)
        orders.append(labels.tolist())
        assert sorted(orders[-1]) == list(range(10))
    assert orders[0] != orders[1] != orders[2]


@pytest.mark.parametrize("count", [8, 9])
@pytest.mark.parametrize("steps_per_execution", [1, 2, 8])
def test_training_sees_what_was_drawn(count, steps_per_execution):
    """The images that reach the network, against naive numpy."""
    if steps_per_execution > 1 and keras.backend.backend() == "torch":
        pytest.skip("Keras takes one step at a time on torch")
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 5, 6, 2)).astype("uint8")
    batches = SeededBatches(images, np.arange(count), 4, 5, AUGMENTATIONS)
    expected = np.zeros((5, 6, 2))
    for epoch in (1, 2):
        for number, top, left, mirrored in epoch_of(batches, epoch)[0]:
            padded = np.pad(images[number], ((2, 2), (2, 2), (0, 0))) * 0.5
            cut = padded[top : top + 5, left : left + 6]
            expected += cut[:, ::-1] if mirrored else cut

    # Its weights become the sum of all images that it has seen.
    network = keras.Sequential(
        [keras.Input((5, 6, 2)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    network.layers[-1].kernel.assign(np.zeros((60, 1)))
    trainer = build_fed_model(
        network,
        images,
        lambda pixels: keras.ops.cast(pixels, "float32") * 0.5,
        AUGMENTATIONS,
    )
    trainer.compile(
        keras.optimizers.SGD(1.0),
        lambda y_true, y_pred: -keras.ops.sum(y_pred),
        steps_per_execution=steps_per_execution,
    )
    trainer.fit(
        batches,
        initial_epoch=1,
        epochs=3,
        shuffle=False,
        verbose=0,
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: batches.begin_epoch(epoch)
            )
        ],
    )
    kernel = keras.ops.convert_to_numpy(network.layers[-1].kernel)
    np.testing.assert_allclose(kernel[:, 0], expected.ravel(), rtol=1e-5)


def test_weights_of_the_trainer_are_those_of_the_network(tmp_path):
    """Images are data: they are not trained, not saved, and not loaded."""
    network = keras.Sequential([keras.Input((5, 6, 2)), keras.layers.Flatten()])
    ones, twos = (np.full((3, 5, 6, 2), value, "uint8") for value in (1, 2))
    path = tmp_path / "trainer.weights.h5"
    build_fed_model(network, ones, lambda x: x).save_weights(path)
    trainer = build_fed_model(network, twos, lambda x: x)
    trainer.load_weights(path)
    assert trainer.trainable_weights == []
    seen = keras.ops.convert_to_numpy(trainer(np.array([[0]], "int32")))
    assert (seen == 2).all()
