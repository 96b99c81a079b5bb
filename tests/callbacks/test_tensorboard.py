import keras
import numpy as np

import keras_ccar

COUNTS = [150, 40, 5]


def fitted(callback, *others, num_classes=3):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(num_classes)])
    counts = COUNTS + [1] * (num_classes - 3)
    model.compile("sgd", keras_ccar.CCARLoss(counts, from_logits=True))
    y = np.repeat(np.arange(2), [30, 10])  # the others are never seen
    return model.fit(
        np.ones((40, 4)), y, epochs=2, verbose=0, callbacks=[callback, *others]
    )


def events(folder):
    """Scalars and histograms as `{tag: {step: tensor}}`, of every file of a folder."""
    import tensorflow as tf

    found = {}
    for file in folder.glob("events.out.*"):
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                content = tf.make_ndarray(value.tensor)
                found.setdefault(value.tag, {})[event.step] = content
    return found


def test_tensorboard(tmp_path):
    names = ["cat", "dog", "axolotl"]
    callback = keras_ccar.CCARCallback(class_names=names, log_dir=tmp_path)
    fitted(callback, keras.callbacks.TensorBoard(tmp_path, write_graph=False))
    found = events(tmp_path / "train")
    for quantity in ("confidence", "weight"):
        for epoch, statistics in enumerate(callback.history):
            expected = statistics[f"mean_{quantity}"]
            for label in (0, 1):
                value = found[f"ccar_{quantity}/{names[label]}"][epoch]
                np.testing.assert_allclose(value, expected[label], rtol=1e-6)
            # Rows of left edge, right edge and number of classes.
            rows = found[f"ccar_{quantity}_by_class"][epoch]
            assert rows[:, 2].sum() == 2
            np.testing.assert_allclose(
                [rows[0, 0], rows[-1, 1]], np.sort(expected[:2]), rtol=1e-6
            )
        assert f"ccar_{quantity}/axolotl" not in found
        # Keras's own callback has what is in the logs.
        assert sorted(found[f"epoch_ccar_{quantity}_many"]) == [0, 1]


def test_tensorboard_of_many_classes(tmp_path):
    callback = keras_ccar.CCARCallback(log_dir=tmp_path)
    history = fitted(callback, num_classes=21).history
    found = events(tmp_path / "train")
    curves = {tag.split("/")[1] for tag in found if "/" in tag}
    assert curves == {"all", "many", "medium"}  # no sample of the others
    for epoch in (0, 1):
        np.testing.assert_allclose(
            found["ccar_weight/many"][epoch],
            history["ccar_weight_many"][epoch],
            rtol=1e-6,
        )
