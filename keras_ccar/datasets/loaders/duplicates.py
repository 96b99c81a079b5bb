"""Reports images that are in the training set and in the test set."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np


def warn_of_duplicates(
    train_hashes: np.ndarray,
    test_hashes: np.ndarray,
    train_name: Callable[[int], Any],
    test_name: Callable[[int], Any],
) -> None:
    """Warns if test images have the content of training images, and names some.

    Args:
        train_hashes: the hash of each training image, from `image_hashes`.
        test_hashes: the same for the test images.
        train_name: function of a number that names the training image.
        test_name: the same for the test images.
    """
    place = {content: i for i, content in enumerate(train_hashes)}
    found = [(i, place[h]) for i, h in enumerate(test_hashes) if h in place]
    if not found:
        return
    shown = [f"{test_name(i)} is {train_name(j)}" for i, j in found[:3]]
    others = " and others" if len(found) > len(shown) else ""
    warnings.warn(
        f"{len(found):,} of {len(test_hashes):,} test images are in the training set "
        f"too: {', '.join(shown)}{others}. Accuracy on them says nothing about new "
        "images: take them out of one of the two.",
        stacklevel=3,
    )
