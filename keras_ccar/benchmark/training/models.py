"""The networks of the benchmark, by name."""

import re
from typing import Any

import keras

from keras_ccar.benchmark.spec.recipes import HEAD
from keras_ccar.benchmark.training.batch_normalization import FusedBatchNormalization
from keras_ccar.benchmark.training.last_layer import build_last_layer, he_normal
from keras_ccar.requirements import require

# Type of the blocks, and their number per stage: He et al. 2016, table 1; one block per
# stage for ResNet-10 (Liu et al. 2019, arXiv 1904.05160).
_IMAGENET_RESNETS = {
    "imagenet-resnet10": ("basic_block", [1, 1, 1, 1]),
    "imagenet-resnet50": ("bottleneck_block", [3, 4, 6, 3]),
}


def build_model(
    name: str,
    input_shape: tuple[int, ...],
    num_classes: int,
    head: str = "linear",
    last_layer: str = "glorot",
) -> keras.Model:
    """Builds a network with freshly drawn weights.

    Args:
        name: `"convnet"`; `"resnetN"` with `N = 6n + 2`, the residual network for
            CIFAR of that depth (`"resnet8"`, `"resnet20"`, `"resnet32"`…);
            `"imagenet-resnet10"` or `"imagenet-resnet50"`, from KerasHub; or `"head"`,
            the last layer alone.
        input_shape: `(height, width, channels)`, or `(features,)` of the last layer.
        num_classes: number of logits.
        head: the last layer: `"linear"`, or `"cosine"` for logits that are cosines
            times 30.
        last_layer: how a linear last layer starts, as a recipe has it.

    Raises:
        ValueError: if there is no network of that name, no such head or no such start.
        ModuleNotFoundError: if the network needs KerasHub, which is not installed.
    """
    if name == HEAD:
        inputs = features = keras.Input(input_shape)
    elif name == "convnet":
        inputs, features = _convnet(input_shape)
    elif match := re.fullmatch(r"resnet(\d+)", name):
        inputs, features = _cifar_resnet(int(match[1]), input_shape)
    elif name in _IMAGENET_RESNETS:
        inputs, features = _imagenet_resnet(input_shape, *_IMAGENET_RESNETS[name])
    else:
        raise ValueError(
            f"model {name!r} is unknown; expected 'convnet', 'resnetN' with N = 6n + 2 "
            "such as 'resnet8' or 'resnet32', or one of "
            f"{', '.join([*_IMAGENET_RESNETS, HEAD])}."
        )
    last = build_last_layer(head, features.shape[-1], num_classes, last_layer)
    return keras.Model(inputs, last(features), name=name)


def _imagenet_resnet(
    input_shape: tuple[int, ...], block_type: str, blocks: list[int]
) -> tuple[Any, Any]:
    """Returns inputs and features of a residual network for natural images."""
    keras_hub = require(
        "keras_hub", "KerasHub", "keras-hub", "A residual network for ImageNet"
    )
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=blocks,
        stackwise_num_strides=[1, 2, 2, 2],
        block_type=block_type,
        image_shape=input_shape,
    )
    features = keras.layers.GlobalAveragePooling2D()(backbone.output)
    return backbone.input, features


def _convnet(input_shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Returns inputs and features of three convolutions, for small images."""
    inputs = keras.Input(input_shape)
    x = inputs
    for filters, strides in ((16, 1), (32, 2), (32, 1)):
        x = keras.layers.ReLU()(_normalised_convolution(x, filters, strides))
    return inputs, keras.layers.Flatten()(x)


def _cifar_resnet(depth: int, input_shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Returns inputs and features of the residual network for CIFAR.

    He et al. 2016 (arXiv 1512.03385), section 4.2, with the parameter-free shortcuts of
    option A: if the size changes, the shortcut takes every second pixel and pads the
    channels with zeros. `depth` is `6n + 2`: three stages of `n` blocks of two
    convolutions.
    """
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(
            "The depth of a CIFAR residual network must be 6n + 2 (8, 14, 20, 26, "
            f"32…). Received: {depth}."
        )
    inputs = keras.Input(input_shape)
    x = keras.layers.ReLU()(_normalised_convolution(inputs, 16))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range((depth - 2) // 6):
            x = _residual_block(x, filters, 2 if stage and not block else 1)
    return inputs, keras.layers.GlobalAveragePooling2D()(x)


def _residual_block(inputs: Any, filters: int, strides: int) -> Any:
    x = _normalised_convolution(inputs, filters, strides)
    x = _normalised_convolution(keras.layers.ReLU()(x), filters)
    shortcut = inputs
    if strides > 1:
        # The same pixels as by a slice, whose gradient is slow.
        shortcut = keras.layers.AveragePooling2D(1, strides)(shortcut)
        missing = filters - shortcut.shape[-1]
        channels = [missing // 2, missing - missing // 2]
        shortcut = keras.ops.pad(shortcut, [[0, 0], [0, 0], [0, 0], channels])
    return keras.layers.ReLU()(keras.layers.Add()([x, shortcut]))


def _normalised_convolution(x: Any, filters: int, strides: int = 1) -> Any:
    if strides > 1:
        # Pads one pixel on every side, as the original does, so that the convolution is
        # centred on the pixels that the shortcut takes. Keras's "same" pads an even
        # size on one side only, and would be one pixel off.
        x = keras.layers.ZeroPadding2D(1)(x)
    x = keras.layers.Conv2D(
        filters,
        3,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        use_bias=False,
        kernel_initializer=he_normal(),
    )(x)
    return FusedBatchNormalization()(x)
