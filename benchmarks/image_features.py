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


def load_features(imbalance_factor=IMBALANCE_FACTOR, name="cifar100-lt", every=1):
    """Returns features and labels of the training and the test images, and the data.

    Args:
        imbalance_factor: of the data.
        name: of the data.
        every: 1 for all classes, n for every n-th of them, numbered anew.

    Returns:
        `(train features, train labels), (test features, test labels), data`.
    """
    if not efficientnet_lite0.FOLDER.exists():
        efficientnet_lite0.convert()
    data = datasets.load(name, imbalance_factor=imbalance_factor)
    pairs = []
    for images, labels in (data.train_arrays, data.test_arrays):
        kept = labels % every == 0
        features = backbone_features(
            efficientnet_lite0.FOLDER, images[kept], SIZE, FOLDER
        )
        pairs.append((features, labels[kept] // every))
    return *pairs, data


if __name__ == "__main__":
    load_features()
