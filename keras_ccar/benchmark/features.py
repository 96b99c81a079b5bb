"""Features of images from a pretrained backbone, computed once and kept on disk."""

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from keras_ccar.arguments import (
    argument_error,
    check_boolean,
    check_path,
    check_whole_number,
    optional,
)
from keras_ccar.benchmark import pretrained
from keras_ccar.datasets.digests import image_hashes
from keras_ccar.datasets.images.bit_depth import BitDepth
from keras_ccar.datasets.images.decoding import decode_image
from keras_ccar.datasets.progress import progress_bar
from keras_ccar.files import write_atomic

# Images in a file of the cache: what is lost when a run is stopped.
_PART = 500
_PART_OF_MAPS = 50
_IMAGES = (
    "uint8 images of shape (N, height, width, 1 or 3), or a list of paths of image "
    "files"
)


def backbone_features(
    preset: str | Path,
    images: np.ndarray | Sequence[str | Path],
    image_size: int | None = None,
    folder: str | Path = "runs/features",
    batch_size: int = 16,
    *,
    before_last_stage: bool = False,
) -> np.ndarray:
    """Returns the features of images from a pretrained backbone of KerasHub.

    The features of each image are kept in `folder`, under digests of the preset, of
    the size and of the image. So no image is computed twice, whatever set it is part
    of, and a call that was stopped goes on where it was. Several processes may share
    a folder.

    A map of features is averaged over its places, a sequence over its tokens.

    Args:
        preset: a preset of KerasHub with a backbone and an image converter: a folder,
            or a name such as `"resnet_18_imagenet"`, which KerasHub downloads.
        images: uint8 images of shape `(N, height, width, channels)`, grey or RGB, or
            paths of image files, which may differ in size.
        image_size: side in pixels that images are resized to. Defaults to that of the
            preset.
        folder: where features are kept.
        batch_size: images that go through the network at a time.
        before_last_stage: whether to return the maps that the last stage of the
            backbone takes, so that this stage can be trained. They take more space: of
            a ResNet-50 at 224 pixels, 0.8 MB an image.

    Returns:
        float32 array of shape `(N, features)`, in the order of the images, or of maps,
        mostly `(N, height, width, channels)`.

    Raises:
        ValueError: for arguments other than these, a preset that has no backbone for
            images, or none with a last stage where that is asked for, or a file that
            is no image or no longer whole.
        OSError: if a file cannot be read or written.
        ModuleNotFoundError: if KerasHub is not installed.

    Example:
    ```python
    import keras_hub
    import numpy as np
    from keras_ccar.benchmark.features import backbone_features

    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block",
    )
    backbone.save_to_preset("preset")
    keras_hub.layers.ResNetImageConverter(image_size=(16, 16)).save_to_preset("preset")
    images = np.zeros((2, 8, 8, 3), "uint8")
    assert backbone_features("preset", images).shape == (2, 64)
    ```
    """
    preset = str(check_path("preset", preset))
    image_size = optional(check_whole_number, "image_size", image_size, 1)
    folder = Path(check_path("folder", folder))
    batch_size = check_whole_number("batch_size", batch_size, 1)
    before_last_stage = check_boolean("before_last_stage", before_last_stage)
    hashes = _hash_images(images)
    folder = folder / preset_digest(preset, image_size, before_last_stage)
    rows = _Rows(hashes)
    for names, features in _read_parts(folder):
        rows.fill(names, features)
    missing = rows.missing()
    if missing:
        network = _Network(preset, image_size, before_last_stage)
        size = _PART_OF_MAPS if before_last_stage else _PART
        for start in progress_bar(range(0, len(missing), size), "Features"):
            part = missing[start : start + size]
            features = network.features([images[index] for index in part], batch_size)
            names = [hashes[index] for index in part]
            _write_part(folder, names, features)
            rows.fill(names, features)
    assert rows.values is not None
    return rows.values


class _Rows:
    """Features of images, in the order of the images, that come part by part.

    Each part is copied and let go, because maps of all images fill the memory once.
    """

    def __init__(self, hashes: list[bytes]) -> None:
        self._count = len(hashes)
        self._places: dict[bytes, list[int]] = {}
        for index, name in enumerate(hashes):
            self._places.setdefault(name, []).append(index)
        self.values: np.ndarray | None = None

    def fill(self, hashes: list[bytes], features: np.ndarray) -> None:
        """Takes the features of some images; others than ours are left out."""
        if self.values is None:
            self.values = np.empty((self._count, *features.shape[1:]), "float32")
        for name, values in zip(hashes, features, strict=True):
            if places := self._places.pop(name, None):
                self.values[places] = values

    def missing(self) -> list[int]:
        """Returns the index of an image for each content that there are none of."""
        return sorted(places[0] for places in self._places.values())


class _Network:
    """The backbone of a preset, from images to features, or to its last stage."""

    def __init__(
        self, preset: str, image_size: int | None, before_last_stage: bool
    ) -> None:
        size = {"image_size": (image_size, image_size)} if image_size else {}
        self._converter = pretrained.read_converter(preset, "preset", **size)
        if self._converter.image_size is None:
            raise argument_error(
                "image_size", None, "given for a preset whose converter has no size"
            )
        part = (
            pretrained.frozen_part if before_last_stage else pretrained.whole_backbone
        )
        self._network = part(preset, "preset")

    def features(self, images: list[Any], batch_size: int) -> np.ndarray:
        """Returns the features, or maps, of images or of files as float32."""
        found, depth = [], BitDepth()
        for start in range(0, len(images), batch_size):
            pixels = [_read_image(x, depth) for x in images[start : start + batch_size]]
            if len({image.shape for image in pixels}) == 1:
                converted = self._convert(np.stack(pixels))
            else:
                converted = np.concatenate([self._convert(x[None]) for x in pixels])
            missing = batch_size - len(pixels)
            # Batches of one size, so that the network is compiled once.
            padded = np.pad(converted, [(0, missing)] + [(0, 0)] * 3)
            batch = self._network.predict_on_batch(padded)
            found.append(np.asarray(batch, "float32")[: len(pixels)])
        depth.warn_of_unused("`images`")
        return np.concatenate(found)

    def _convert(self, pixels: np.ndarray) -> np.ndarray:
        return ops.convert_to_numpy(self._converter(pixels.astype("float32")))


def _hash_images(images: Any) -> list[bytes]:
    if isinstance(images, np.ndarray) and images.ndim == 4:
        if images.dtype != "uint8" or images.shape[-1] not in (1, 3) or not images.size:
            raise argument_error("images", images, _IMAGES)
        return image_hashes(images).tolist()
    is_text = isinstance(images, str | bytes | Mapping)
    if is_text or not isinstance(images, Sequence) or not len(images):
        raise argument_error("images", images, _IMAGES)
    if not all(isinstance(path, str | os.PathLike) for path in images):
        raise argument_error("images", images, _IMAGES)
    return [
        hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest().encode()
        for path in images
    ]


def _read_image(image: Any, depth: BitDepth) -> np.ndarray:
    if isinstance(image, np.ndarray):
        return np.repeat(image, 3, -1) if image.shape[-1] == 1 else image
    return decode_image(Path(image).read_bytes(), str(image), depth)


def preset_digest(
    preset: str, image_size: int | None, before_last_stage: bool = False
) -> str:
    """Identifies a preset and a size: a folder by its contents, others by name.

    What comes `before_last_stage` has a digest of its own.
    """
    part = "before the last stage|" if before_last_stage else ""
    content = hashlib.sha256(f"{image_size}|{part}".encode())
    if Path(preset).is_dir():
        for path in sorted(Path(preset).rglob("*")):
            # Metadata holds the date of writing.
            if path.is_file() and path.name != "metadata.json":
                content.update(f"{path.relative_to(preset).as_posix()}|".encode())
                content.update(path.read_bytes())
    else:
        content.update(preset.encode())
    return content.hexdigest()[:16]


def _read_parts(folder: Path) -> Iterator[tuple[list[bytes], np.ndarray]]:
    """Yields the hashes of images and their features, file by file of a folder."""
    for path in sorted(folder.glob("*.npz")):
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as part:
                hashes, features = part["hashes"].tolist(), part["features"]
            if len(hashes) != len(features):
                raise ValueError(f"{len(hashes)} images, {len(features)} features")
        except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
            raise ValueError(
                f"{path} does not hold whole features ({error}): delete it, and they "
                "are computed again."
            ) from error
        yield hashes, features


def _write_part(folder: Path, hashes: list[bytes], features: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.savez(content, hashes=np.array(hashes, "S32"), features=features)
    name = hashlib.sha256(b"".join(hashes)).hexdigest()[:16]
    write_atomic(folder / f"{name}.npz", content.getbuffer())
