"""Names images and subsets by their content, so that order and source do not matter."""

import hashlib

import numpy as np

from keras_ccar.inputs.checks import integer_labels


def image_hashes(images, seed=""):
    """Returns a hash of each image's shape, dtype and values, as `(N,)` hex bytes.

    Another seed gives another, unrelated order of the same images.
    """
    return np.array([_hash(image, seed) for image in images], dtype="S32")


def _hash(image, seed):
    image = np.asarray(image)
    image = image.astype(image.dtype.newbyteorder("<"), copy=False)
    content = hashlib.blake2b(digest_size=16)
    content.update(f"{seed}|{image.dtype.str}|{image.shape}|".encode())
    content.update(np.ascontiguousarray(image).data)
    return content.hexdigest().encode()


def subset_digest(images, labels):
    """Returns a digest of a set of labelled images, whatever their order.

    Two results were made with the same data if and only if their digests agree.

    Args:
        images: array of shape `(N, ...)` or sequence of N arrays.
        labels: integer labels of shape `(N,)`.

    Returns:
        64 hexadecimal digits.

    Raises:
        ValueError: if there are not as many labels as images.

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
    labels = integer_labels(labels, len(images))
    return digest_of_hashes(image_hashes(images), labels)


def digest_of_hashes(names, labels):
    """Returns the digest of a set of examples that bytes `names` tell apart."""
    examples = sorted(
        b"%d %s\n" % example for example in zip(labels.tolist(), names, strict=True)
    )
    return hashlib.sha256(b"".join(examples)).hexdigest()
