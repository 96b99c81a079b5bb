"""Trains a classifier of long-tailed digits and exports it for TensorFlow Serving.

Usage: python export_model.py [FOLDER], by default the folder that compose.yaml serves.
"""

import sys
from pathlib import Path

import keras

import keras_ccar


def main(folder):
    """Writes `<folder>/digits/1` and returns it."""
    keras.utils.set_random_seed(0)
    data = keras_ccar.datasets.load("digits-lt")
    images, labels = data.train_arrays
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(data.num_classes),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    model.fit(images, labels, epochs=20, verbose=0)
    return keras_ccar.serving.export(
        model,
        Path(folder) / "digits",
        class_names=[f"digit {name}" for name in data.class_names],
        correction=keras_ccar.LogitCorrection(data.class_counts),
    )


if __name__ == "__main__":
    default = Path(__file__).parent / "models"
    print(main(sys.argv[1] if len(sys.argv) > 1 else default))
