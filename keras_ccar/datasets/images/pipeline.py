"""Batches of natural images, cropped and standardised as in the published recipes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_ccar.arguments import (
    argument_error,
    check_boolean,
    check_function,
    check_number,
    check_whole_number,
    optional,
)
from keras_ccar.datasets.images.decoding import decode

# Mean and standard deviation of red, green and blue. Those of ImageNet are the default;
# those of iNaturalist are from the published code of Kang et al. 2020.
_IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
_STATISTICS = {"inaturalist2018": ([0.466, 0.471, 0.380], [0.195, 0.194, 0.192])}

_EVALUATION_RESIZE = 256 / 224
_LARGEST_IMAGE = 2**15


def training_batches(
    data: Any,
    batch_size: int = 512,
    image_size: int = 224,
    color_jitter: float = 0.0,
    sampler: Callable[..., Any] | None = None,
    seed: int = 0,
    buffer_size: int = 4096,
    flip: bool = True,
) -> Any:
    """Streams augmented training batches of natural images.

    Each image is cropped at random to 8 to 100 % of its area with an aspect ratio of
    3:4 to 4:3 and resized (Szegedy et al. 2015, arXiv 1409.4842), flipped at random,
    jittered in colour, and standardised with the colour statistics of ImageNet or, for
    "inaturalist2018", of iNaturalist. The published recipes set `color_jitter=0.4` for
    ImageNet-LT and 0 for iNaturalist 2018 (Kang et al. 2020, arXiv 1910.09217).

    Args:
        data: a `LongTailedData` of RGB images, streamed or in memory.
        batch_size: images per batch; the last, smaller batch is dropped.
        image_size: height and width of the crops.
        color_jitter: brightness, contrast and saturation are scaled by random factors
            in `[1 - color_jitter, 1 + color_jitter]`.
        sampler: function `(dataset, class_counts, seed=..., buffer_size=...)` that
            chooses the examples, such as `class_balanced`. By default all are shuffled.
        seed: the same seed gives the same batches.
        buffer_size: encoded images in the shuffle buffer.
        flip: whether half of the images are mirrored.

    Returns:
        A `tf.data.Dataset` of `(images, labels)`: float32 `(batch_size, image_size,
        image_size, 3)` and int64 `(batch_size,)`, different in every iteration.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    import numpy as np
    from keras_ccar import datasets

    images = np.zeros((10, 40, 30, 3), "uint8")
    data = datasets.from_arrays((images, np.arange(10) % 2))
    batches = datasets.training_batches(data, batch_size=4, image_size=16)
    images, labels = next(iter(batches))
    assert images.shape == (4, 16, 16, 3)
    ```
    """
    _check_data(data)
    batch_size = check_whole_number("batch_size", batch_size, 1)
    image_size = check_whole_number("image_size", image_size, 1, _LARGEST_IMAGE)
    color_jitter = check_number("color_jitter", color_jitter, 0, 1)
    expected = "a function `(dataset, class_counts, ...)`"
    optional(check_function, "sampler", sampler, expected)
    seed = check_whole_number("seed", seed, 0)
    buffer_size = check_whole_number("buffer_size", buffer_size, 1)
    flip = check_boolean("flip", flip)
    import tensorflow as tf

    # Encoded images keep the shuffle buffer small.
    stream = data.encoded_train() if data.encoded_train else data.train
    if sampler is None:
        stream = stream.shuffle(buffer_size, seed=seed)
    else:
        stream = sampler(stream, data.class_counts, seed=seed, buffer_size=buffer_size)

    def prepare(example: Any, random: Any) -> tuple[Any, Any]:
        image, label = example
        image = decode(*image) if data.encoded_train else image
        seeds = tf.random.split(tf.stack([random, seed]), 5)
        image = _random_crop(image, image_size, seeds[0])
        if flip:
            image = tf.image.stateless_random_flip_left_right(image, seeds[1])
        if color_jitter:
            image = _jitter_colors(image, color_jitter, seeds[2:])
        return _standardised(image, data.name), label

    randoms = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    return (
        tf.data.Dataset.zip((stream, randoms))
        .map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def evaluation_batches(data: Any, batch_size: int = 512, image_size: int = 224) -> Any:
    """Streams test batches of natural images: the central crop at a fixed scale.

    The shorter side is resized to 256/224 of `image_size` and the centre is cropped;
    the colours are standardised as in `training_batches`.

    Args:
        data: a `LongTailedData` of RGB images, streamed or in memory.
        batch_size: images per batch; the last one may be smaller.
        image_size: height and width of the crops.

    Returns:
        A `tf.data.Dataset` of `(images, labels)`: float32 `(batch, image_size,
        image_size, 3)` and int64 `(batch,)`, in the order on disk.

    Raises:
        ValueError: if an argument is out of range, or `data` has no test set.

    Example:
    ```python
    import numpy as np
    from keras_ccar import datasets

    images = np.random.default_rng(0).integers(0, 256, (10, 40, 30, 3), "uint8")
    data = datasets.from_arrays((images, np.arange(10) % 2), test_per_class=3)
    images, labels = next(iter(datasets.evaluation_batches(data, image_size=16)))
    assert images.shape == (6, 16, 16, 3)
    ```
    """
    _check_data(data)
    batch_size = check_whole_number("batch_size", batch_size, 1)
    image_size = check_whole_number("image_size", image_size, 1, _LARGEST_IMAGE)
    import tensorflow as tf

    stream = data.test
    if stream is None:
        raise ValueError(
            f"`data` has no test set. Received: {data.name!r}. Pass a test set to its "
            "loader."
        )

    def prepare(image: Any, label: Any) -> tuple[Any, Any]:
        return _standardised(_central_crop(image, image_size), data.name), label

    batches = stream.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size)
    return batches.prefetch(tf.data.AUTOTUNE)


def _check_data(data: Any) -> None:
    # Not by its type: that module imports this package.
    if not hasattr(data, "encoded_train") or isinstance(data, type):
        raise argument_error("data", data, "a `LongTailedData`, as the loaders return")
    for arrays in (data.train_arrays, data.test_arrays):
        images = np.zeros(0, "uint8") if arrays is None else arrays[0]
        if images.dtype == "uint8" or not images.size:
            continue
        low, high = images.min(), images.max()
        is_share = images.dtype.kind == "f" and 0 < high <= 1
        if not (low >= 0 and high <= 255) or is_share:  # NaN is not between them
            raise argument_error(
                "data",
                f"{images.dtype} images with values from {low} to {high}",
                "`LongTailedData` of images with values from 0 to 255",
                "Scale them before you pass them to the loader.",
            )


def _random_crop(image: Any, size: int, seed: Any) -> Any:
    import tensorflow as tf

    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(image),
        tf.zeros([0, 0, 4]),
        seed=seed,
        min_object_covered=0.0,
        aspect_ratio_range=(3 / 4, 4 / 3),
        area_range=(0.08, 1.0),
        max_attempts=10,
        use_image_if_no_bounding_boxes=True,
    )
    return _resized(tf.slice(image, begin, extent), (size, size))


def _central_crop(image: Any, size: int) -> Any:
    import tensorflow as tf

    height_and_width = tf.cast(tf.shape(image)[:2], "float32")
    scale = size * _EVALUATION_RESIZE / tf.reduce_min(height_and_width)
    resized = tf.cast(tf.math.ceil(height_and_width * scale), "int32")
    image = _resized(image, resized)
    begin = (resized - size) // 2
    return tf.slice(image, [begin[0], begin[1], 0], [size, size, 3])


def _resized(image: Any, size: Any) -> Any:
    """Resizes an image to float32 in [0, 255]."""
    import tensorflow as tf

    image = tf.image.resize(tf.cast(image, "float32"), size, antialias=True)
    return tf.clip_by_value(image, 0.0, 255.0)


def _jitter_colors(image: Any, strength: float, seeds: Any) -> Any:
    import tensorflow as tf

    def blend(image: Any, base: Any, seed: Any) -> Any:
        factor = tf.random.stateless_uniform([], seed, 1 - strength, 1 + strength)
        return tf.clip_by_value(base + factor * (image - base), 0.0, 255.0)

    image = blend(image, 0.0, seeds[0])  # brightness
    gray = tf.image.rgb_to_grayscale(image)
    image = blend(image, tf.reduce_mean(gray), seeds[1])  # contrast
    return blend(image, tf.image.rgb_to_grayscale(image), seeds[2])  # saturation


def _standardised(image: Any, name: str) -> Any:
    mean, deviation = np.array(_STATISTICS.get(name, _IMAGENET), "float32")
    return (image / 255.0 - mean) / deviation
