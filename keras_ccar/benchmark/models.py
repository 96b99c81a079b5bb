"""Networks of the benchmark, by name. All of them return logits."""

import re

import keras

# PyTorch's defaults, with which the published recipes were run. With Keras's
# momentum of 0.99 the moving statistics lag behind a run of a few hundred steps.
_NORMALISATION = {"momentum": 0.9, "epsilon": 1e-5}


def build_model(name, input_shape, num_classes):
    """Builds a network with freshly drawn weights.

    Args:
        name: `"convnet"`, or `"resnetN"` with `N = 6n + 2`: the residual network
            for CIFAR of that depth (`"resnet8"`, `"resnet20"`, `"resnet32"`…).
        input_shape: `(height, width, channels)`.
        num_classes: number of logits.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: No network of that name.
    """
    if name == "convnet":
        return convnet(input_shape, num_classes)
    match = re.fullmatch(r"resnet(\d+)", name)
    if match:
        return cifar_resnet(int(match[1]), input_shape, num_classes)
    raise ValueError(
        f"model {name!r} is unknown; expected 'convnet' or 'resnetN' with "
        "N = 6n + 2, such as 'resnet8' or 'resnet32'."
    )


def convnet(input_shape, num_classes):
    """Three convolutions and a linear layer, for images of a few pixels.

    Args:
        input_shape: `(height, width, channels)`.
        num_classes: number of logits.
    """
    inputs = keras.Input(input_shape)
    x = inputs
    for filters, strides in ((16, 1), (32, 2), (32, 1)):
        x = keras.layers.ReLU()(_normalised_convolution(x, filters, strides))
    x = keras.layers.Flatten()(x)
    outputs = keras.layers.Dense(num_classes)(x)
    return keras.Model(inputs, outputs, name="convnet")


def cifar_resnet(depth, input_shape, num_classes):
    """The residual network for CIFAR with parameter-free shortcuts.

    He et al. 2016 (arXiv 1512.03385), section 4.2, option A: where the size
    changes, the shortcut takes every second pixel and pads the channels with
    zeros.

    Args:
        depth: `6n + 2`: three stages of `n` blocks of two convolutions.
        input_shape: `(height, width, channels)`.
        num_classes: number of logits.

    Raises:
        ValueError: `depth` is not of the form `6n + 2`.
    """
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(
            f"depth of a CIFAR residual network must be 6n + 2 (8, 14, 20, 26, 32…); "
            f"received {depth}."
        )
    inputs = keras.Input(input_shape)
    x = keras.layers.ReLU()(_normalised_convolution(inputs, 16))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range((depth - 2) // 6):
            x = _residual_block(x, filters, 2 if stage and not block else 1)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(num_classes, kernel_initializer=_he_normal())(x)
    return keras.Model(inputs, outputs, name=f"resnet{depth}")


def _residual_block(inputs, filters, strides):
    x = _normalised_convolution(inputs, filters, strides)
    x = _normalised_convolution(keras.layers.ReLU()(x), filters)
    shortcut = inputs
    if strides > 1:
        shortcut = shortcut[:, ::strides, ::strides, :]
        missing = filters - shortcut.shape[-1]
        before = missing // 2
        shortcut = keras.ops.pad(
            shortcut, [[0, 0], [0, 0], [0, 0], [before, missing - before]]
        )
    return keras.layers.ReLU()(keras.layers.Add()([x, shortcut]))


def _normalised_convolution(x, filters, strides=1):
    if strides > 1:
        # One pixel on every side, as in the original: then the centres of the
        # convolution are the pixels that a shortcut takes. Keras's "same" pads
        # an even size on one side only, and would be one pixel off.
        x = keras.layers.ZeroPadding2D(1)(x)
    x = keras.layers.Conv2D(
        filters,
        3,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        use_bias=False,
        kernel_initializer=_he_normal(),
    )(x)
    return keras.layers.BatchNormalization(**_NORMALISATION)(x)


def _he_normal():
    # Keras's own "he_normal" cuts the distribution off at two deviations.
    return keras.initializers.VarianceScaling(
        2.0, mode="fan_in", distribution="untruncated_normal"
    )
