"""ImageNet-LT and iNaturalist 2018, which are long-tailed by nature."""

from keras_ccar.datasets.loaders.prepared import DataDir, tfds_builder
from keras_ccar.datasets.loaders.tfds import stream_splits
from keras_ccar.datasets.long_tailed_data import LongTailedData

# Name in tensorflow-datasets; splits for training and testing; splits for training and
# validation.
_SOURCES = {
    "imagenet-lt": ("imagenet_lt", ("train", "test"), ("train", "validation")),
    # The labels of its test split were never published.
    "inaturalist2018": (
        "i_naturalist2018",
        ("train", "validation"),
        ("train[:80%]", "train[80%:]"),
    ),
}
NAMES = tuple(_SOURCES)


def load(name: str, seed: int, data_dir: DataDir, validation: bool) -> LongTailedData:
    """Loads one of these data sets as streams from disk."""
    builder_name, splits, validation_splits = _SOURCES[name]
    train_split, test_split = validation_splits if validation else splits
    builder = tfds_builder(builder_name, data_dir)
    data, _ = stream_splits(builder, train_split, test_split, seed, name)
    return data
