"""A small preset of KerasHub in a folder, with weights that were drawn."""

import pytest


def write_preset(folder, image_size, scale, offset, stages=1):
    """Writes it; its images have sides of `image_size`, and pixels as asked for."""
    keras_hub = pytest.importorskip("keras_hub")
    keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64] * stages,
        stackwise_num_blocks=[1] * stages,
        stackwise_num_strides=[1] + [2] * (stages - 1),
        block_type="basic_block",
    ).save_to_preset(str(folder))
    keras_hub.layers.ResNetImageConverter(
        image_size=(image_size, image_size), scale=scale, offset=offset
    ).save_to_preset(str(folder))
    return str(folder)
