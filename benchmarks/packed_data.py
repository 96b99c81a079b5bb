"""Compares methods on CIFAR-100-LT on a machine that has no TensorFlow.

    python benchmarks/packed_data.py pack packed.npz --imbalance-factors 100 200
    KERAS_BACKEND=jax python benchmarks/packed_data.py compare packed.npz \\
        cifar100-lt --recipe plain --methods ce bs --output runs/on-a-gpu

The first, where tensorflow-datasets has prepared the images, puts them into one small
file. The second is `keras-ccar compare` with the images of that file; its results say
which ordinary `keras-ccar compare` gives the same.
"""

import argparse
import io
import json
import pathlib
import sys

import numpy as np
from PIL import Image

import keras_ccar_command
from keras_ccar import datasets
from keras_ccar.datasets import LongTailedData, subset_digest

# Images of one picture, in rows of 20: a picture of many images is smaller than they.
ROW = 20
IN_PICTURE = ROW * ROW


def pack(path, all_data):
    """Writes data sets in memory, of RGB images of one size, into a file.

    An image that occurs in several of them is kept once, without loss.
    """
    images, places = [], {}
    arrays, described = {}, []
    for number, data in enumerate(all_data):
        for part in ("train", "test"):
            part_images, labels = getattr(data, f"{part}_arrays")
            for image in part_images:
                if image.tobytes() not in places:
                    places[image.tobytes()] = len(images)
                    images.append(image)
            order = [places[image.tobytes()] for image in part_images]
            arrays[f"{part}_{number}"] = np.array(order, "int32")
            arrays[f"{part}_labels_{number}"] = labels
        described.append(
            {
                "name": data.name,
                "class_names": data.class_names,
                "imbalance_factor": data.imbalance_factor,
                "seed": data.seed,
                "digest": data.digest,
            }
        )
    pictures = [
        _picture(np.stack(images[begin : begin + IN_PICTURE]))
        for begin in range(0, len(images), IN_PICTURE)
    ]
    np.savez(
        path,
        pictures=np.frombuffer(b"".join(pictures), "uint8"),
        ends=np.cumsum([len(picture) for picture in pictures]),
        data=json.dumps({"images": [len(images), *images[0].shape], "sets": described}),
        **arrays,
    )


def unpack(path):
    """Returns the data sets that `pack` wrote, as a list.

    Raises:
        ValueError: if their images are not those that were packed.
    """
    with np.load(path, allow_pickle=False) as file:
        content = {name: file[name] for name in file.files}
    described = json.loads(str(content["data"]))
    count, height, width, _ = described["images"]
    pictures = np.split(content["pictures"], content["ends"][:-1])
    images = np.concatenate([_images(part, height, width) for part in pictures])[:count]
    found = []
    for number, fields in enumerate(described["sets"]):
        parts = {
            f"{part}_arrays": (
                images[content[f"{part}_{number}"]],
                content[f"{part}_labels_{number}"],
            )
            for part in ("train", "test")
        }
        digest = subset_digest(*parts["train_arrays"])
        if digest != fields["digest"]:
            raise ValueError(
                f"{path} holds other images than those of {fields['name']} that were "
                f"packed: their digest is {digest} and was {fields['digest']}."
            )
        counts = np.bincount(parts["train_arrays"][1])
        names = tuple(fields.pop("class_names"))
        found.append(
            LongTailedData(class_counts=counts, class_names=names, **fields, **parts)
        )
    return found


def loader(all_data):
    """Returns a `datasets.load` that knows these data sets only."""

    def load(name, imbalance_factor=None, seed=0, data_dir=None, validation=False):
        for data in all_data:
            if (data.name, data.seed, validation) == (name, seed, False) and (
                imbalance_factor in (None, data.imbalance_factor)
            ):
                return data
        packed = [(data.name, data.imbalance_factor, data.seed) for data in all_data]
        raise ValueError(
            f"There is no {name} with imbalance factor {imbalance_factor}, seed {seed}"
            f"{' and validation images' if validation else ''} in the file, which has "
            f"{packed}. Pack it, or ask for one of these."
        )

    return load


def _picture(images):
    """Returns up to IN_PICTURE images as one WebP file without loss."""
    missing = IN_PICTURE - len(images)
    images = np.pad(images, [(0, missing), (0, 0), (0, 0), (0, 0)])
    _, height, width, channels = images.shape
    grid = images.reshape(ROW, ROW, height, width, channels).swapaxes(1, 2)
    picture = Image.fromarray(grid.reshape(ROW * height, ROW * width, channels))
    file = io.BytesIO()
    picture.save(file, "webp", lossless=True, quality=100, method=4)
    return file.getvalue()


def _images(picture, height, width):
    """Returns the IN_PICTURE images that `_picture` was given, and zeros."""
    grid = np.asarray(Image.open(io.BytesIO(picture.tobytes())))
    grid = grid.reshape(ROW, height, ROW, width, -1).swapaxes(1, 2)
    return grid.reshape(IN_PICTURE, height, width, -1)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="write the file")
    packing.add_argument("file", type=pathlib.Path)
    packing.add_argument("--imbalance-factors", type=float, nargs="+", default=[100])
    comparing = commands.add_parser("compare", help="compare methods on its images")
    comparing.add_argument("file", type=pathlib.Path)
    arguments, others = parser.parse_known_args()
    if arguments.command == "compare":
        datasets.load = loader(unpack(arguments.file))
        sys.exit(keras_ccar_command.main(["compare", *others]))
    if others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    pack(
        arguments.file,
        [
            datasets.load("cifar100-lt", imbalance_factor=factor)
            for factor in arguments.imbalance_factors
        ],
    )


if __name__ == "__main__":
    main()
