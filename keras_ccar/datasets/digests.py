"""Identifies images and subsets by their content, whatever their order and source."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_ccar.arguments import argument_error
from keras_ccar.inputs.checks import integer_labels

_IMAGES = "an array of images, or a sequence of their arrays"


def image_hashes(images: Iterable[ArrayLike], seed: int | str = "") -> np.ndarray:
    """Returns a hash of each image's shape, dtype and values, as `(N,)` hex bytes.

    Another seed puts the same images into another, unrelated order.
    """
    return np.array([_hash(np.asarray(image), seed) for image in images], dtype="S32")


def _hash(image: np.ndarray, seed: int | str) -> bytes:
    image = image.astype(image.dtype.newbyteorder("<"), copy=False)
    content = hashlib.blake2b(digest_size=16)
    content.update(f"{seed}|{image.dtype.str}|{image.shape}|".encode())
    content.update(np.ascontiguousarray(image).data)
    return content.hexdigest().encode()


def check_num_images(images: Any) -> int:
    """Returns the number of images in an array or a sequence."""
    is_many = hasattr(images, "__len__") and hasattr(images, "__getitem__")
    if isinstance(images, str | bytes | Mapping | type) or not is_many:
        raise argument_error("images", images, _IMAGES)
    try:
        count = len(images)
    except TypeError:  # an array without an axis
        count = 0
    if not count:
        raise argument_error("images", images, _IMAGES)
    return count


def subset_digest(images: Sequence[Any] | np.ndarray, labels: ArrayLike) -> str:
    """Returns a digest of a set of labelled images, whatever their order.

    Two results come from the same data if and only if their digests are equal.

    Args:
        images: array of shape `(N, ...)` or sequence of N arrays.
        labels: integer labels of shape `(N,)`.

    Returns:
        64 hexadecimal digits.

    Raises:
        ValueError: if the number of labels is not the number of images.

    Example:
    ```python
    import numpy as np
    from keras_ccar.datasets import subset_digest

    images = np.arange(8, dtype="uint8").reshape(2, 2, 2)
    digest = subset_digest(images, [0, 1])
    assert subset_digest(images[::-1], [1, 0]) == digest
    assert subset_digest(images, [1, 0]) != digest
    ```
    """
    checked_labels = integer_labels(labels, check_num_images(images))
    return digest_of_hashes(image_hashes(images), checked_labels)


def digest_of_hashes(hashes: Iterable[bytes], labels: np.ndarray) -> str:
    """Returns the digest of a set of examples, given a hash of each."""
    examples = sorted(
        b"%d %s\n" % example for example in zip(labels.tolist(), hashes, strict=True)
    )
    return hashlib.sha256(b"".join(examples)).hexdigest()
