"""Chooses the examples of a long-tailed subset: counts and indices."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_ccar.arguments import (
    MOST_CLASSES,
    check_choice,
    check_number,
    check_whole_number,
)
from keras_ccar.datasets.digests import check_num_images, image_hashes
from keras_ccar.inputs.checks import integer_labels

PROFILES = ("exponential", "step", "pareto")
SELECTIONS = ("hash", "cao")
# Tail exponent of ImageNet-LT (Liu et al. 2019, arXiv 1904.05160).
_PARETO_ALPHA = 6.0
# Larger numbers are not exact as floats.
_MOST_EXAMPLES = 2**53


def long_tailed_counts(
    num_classes: int,
    head_count: int,
    imbalance_factor: float,
    profile: str = "exponential",
) -> np.ndarray:
    """Returns how many examples of each class a long-tailed subset holds.

    The first class has `head_count` examples, the last `head_count /
    imbalance_factor`. With `i = 0, ..., K - 1` and the imbalance factor `F`:

    - "exponential" (Cui et al. 2019, arXiv 1901.05555; Cao et al. 2019, arXiv
      1906.07413): `head_count * F^(-i / (K - 1))`, the profile of CIFAR-LT.
    - "step" (Buda et al. 2018, arXiv 1710.05381; Cao et al.): `head_count` for the
      first half of the classes, `head_count / F` for the others.
    - "pareto": the power law `head_count * (1 + c i)^-6`, with the exponent of
      ImageNet-LT (Liu et al. 2019) and `c` such that the last class has
      `head_count / F`.

    Counts are rounded down.

    Args:
        num_classes: number of classes, `K >= 2`.
        head_count: examples of the most frequent class.
        imbalance_factor: largest class count divided by the smallest, at least 1.
        profile: "exponential", "step" or "pareto".

    Returns:
        An int64 array of shape `(K,)`, from the most to the least frequent class.

    Raises:
        ValueError: if an argument is out of range, or a class would be left empty.

    Example:
    ```python
    from keras_ccar.datasets import long_tailed_counts

    counts = long_tailed_counts(num_classes=100, head_count=500, imbalance_factor=100)
    assert (counts[0], counts[-1], counts.sum()) == (500, 5, 10847)
    ```
    """
    num_classes = check_whole_number("num_classes", num_classes, 2, MOST_CLASSES)
    head_count = check_whole_number("head_count", head_count, 1, _MOST_EXAMPLES)
    imbalance_factor = check_imbalance_factor(imbalance_factor)
    check_choice("profile", profile, PROFILES)
    if imbalance_factor > head_count:
        raise ValueError(
            "`imbalance_factor` must not exceed `head_count`, or the last class is "
            f"left empty; received imbalance_factor={imbalance_factor:g} and "
            f"head_count={head_count}: lower it to at most {head_count}."
        )
    rank = np.arange(num_classes) / (num_classes - 1)
    if profile == "exponential":
        share = imbalance_factor**-rank
    elif profile == "step":
        is_head = np.arange(num_classes) < num_classes // 2
        share = np.where(is_head, 1.0, 1.0 / imbalance_factor)
    else:
        spread = imbalance_factor ** (1 / _PARETO_ALPHA) - 1
        share = (1 + spread * rank) ** -_PARETO_ALPHA
    exact = head_count * share
    # Rounding errors may put a whole number slightly below itself.
    nearest = np.round(exact)
    is_whole = np.isclose(exact, nearest, rtol=1e-12, atol=0)
    return np.where(is_whole, nearest, np.floor(exact)).astype("int64")


def long_tailed_indices(
    images: Sequence[Any] | np.ndarray,
    labels: ArrayLike,
    imbalance_factor: float,
    seed: int = 0,
    head_count: int | None = None,
    profile: str = "exponential",
    selection: str = "hash",
) -> np.ndarray:
    """Chooses the examples of a long-tailed subset.

    With `selection="hash"`, a hash of the image and the seed decides, so the subset and
    its order do not depend on the source or the order of the images.

    With `selection="cao"`, the examples are those of Cao et al. 2019 (arXiv 1906.07413)
    and the many repositories that adopted its code: the first of each class after a
    shuffle by NumPy's legacy generator. `images` and `labels` must be in the order of
    the original files. The papers use `seed=0`.

    Args:
        images: array of shape `(N, ...)`, or sequence of N arrays of any shapes.
        labels: integer labels of shape `(N,)`, with every class from 0 on present.
            Class 0 becomes the most frequent.
        imbalance_factor: as for `long_tailed_counts`.
        seed: another seed chooses other examples.
        head_count: examples of class 0. Defaults to the size of the smallest class.
        profile: as for `long_tailed_counts`.
        selection: "hash" or "cao".

    Returns:
        An int64 array of the chosen positions: in the order of their hashes, which
        mixes the classes, or class by class for "cao".

    Raises:
        ValueError: if a label is not a class index, a class is empty or has fewer
            examples than asked for, or an argument is out of range.

    Example:
    ```python
    import numpy as np
    from keras_ccar.datasets import long_tailed_indices

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 4, 4, 1), dtype="uint8")
    labels = np.arange(60) % 3
    chosen = long_tailed_indices(images, labels, imbalance_factor=10)
    assert np.bincount(labels[chosen]).tolist() == [20, 6, 2]

    reverse = long_tailed_indices(images[::-1], labels[::-1], imbalance_factor=10)
    assert (images[::-1][reverse] == images[chosen]).all()
    ```
    """
    class_indices = integer_labels(labels, check_num_images(images))
    imbalance_factor = check_imbalance_factor(imbalance_factor)
    check_choice("selection", selection, SELECTIONS)
    # NumPy's legacy generator takes seeds of 32 bits.
    largest_seed = 2**32 - 1 if selection == "cao" else 2**63 - 1
    seed = check_whole_number("seed", seed, 0, largest_seed)
    available = np.bincount(class_indices)
    if not available.all():
        empty = np.flatnonzero(available == 0).tolist()
        raise ValueError(
            f"`labels` must hold every class from 0 to {len(available) - 1}. Received "
            f"none of {empty[:10]}: number the classes without gaps."
        )
    if head_count is None:
        head_count = int(available.min())
    counts = long_tailed_counts(len(available), head_count, imbalance_factor, profile)
    check_available(counts, available)
    if selection == "cao":
        return _shuffled_by_class(class_indices, counts, seed)
    return select_per_class(image_hashes(images, seed), class_indices, counts)


def select_per_class(
    hashes: np.ndarray, labels: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Returns the positions of the `counts[c]` smallest hashes of each class c."""
    order = np.lexsort((labels, hashes))
    sorted_labels = labels[order]
    chosen = [np.flatnonzero(sorted_labels == c)[:n] for c, n in enumerate(counts)]
    return order[np.sort(np.concatenate(chosen))]


def check_available(counts: np.ndarray, available: np.ndarray) -> None:
    """Raises a `ValueError` if a class has fewer examples than asked for."""
    short = np.flatnonzero(counts > available)
    if short.size:
        label = short[0]
        raise ValueError(
            f"Class {label} has {available[label]} examples but {counts[label]} are "
            f"asked for ({short.size} classes have too few): lower `head_count`, or "
            "raise `imbalance_factor`."
        )


def check_imbalance_factor(imbalance_factor: Any) -> float:
    """Returns the imbalance factor, a number of at least 1."""
    meaning = "the largest class count divided by the smallest"
    factor = check_number("imbalance_factor", imbalance_factor, meaning=meaning)
    if factor < 1:
        hint = f": pass its inverse, {1 / factor:g}" if factor > 0 else ""
        raise ValueError(
            f"`imbalance_factor` must be a finite number >= 1, {meaning}; received "
            f"{factor:g}{hint}."
        )
    return factor


def _shuffled_by_class(labels: np.ndarray, counts: np.ndarray, seed: int) -> np.ndarray:
    generator = np.random.RandomState(seed)
    chosen = []
    for label, count in enumerate(counts):
        of_class = np.flatnonzero(labels == label)
        generator.shuffle(of_class)
        chosen.append(of_class[:count])
    return np.concatenate(chosen)
