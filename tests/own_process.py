"""A comparison on own data, as a process that may be killed: the folder comes first."""

import sys

import keras
from own_data import classes, compare, network

import keras_ccar


def build_model():
    return network()()


def main(folder, parallel=1):
    return compare(
        folder,
        build_model=build_model,
        losses={
            "ce": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "ccar": keras_ccar.CCARLoss([40, 20, 10], from_logits=True),
        },
        test=classes(2),
        seeds=1,
        epochs=60,
        batch_size=4,
        parallel=parallel,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
