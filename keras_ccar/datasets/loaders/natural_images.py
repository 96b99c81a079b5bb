"""ImageNet-LT and iNaturalist 2018, long-tailed as they are."""

from keras_ccar.datasets.loaders.prepared import tfds_builder
from keras_ccar.datasets.loaders.tfds import from_tfds


def load_natural_images(
    name,
    builder_name,
    imbalance_factor,
    seed,
    data_dir,
    selection,
    validation,
    splits,
    validation_splits,
):
    """Loads a data set whose long tail is its own, as streams from disk.

    `splits` are those to train and to test on, `validation_splits` take their place
    when settings are chosen.
    """
    if imbalance_factor is not None or selection != "hash":
        raise ValueError(
            f"{name} is long-tailed as it is: leave `imbalance_factor` and `selection` "
            "out."
        )
    train_split, test_split = validation_splits if validation else splits
    return from_tfds(
        tfds_builder(builder_name, data_dir),
        train_split=train_split,
        test_split=test_split,
        seed=seed,
        name=name,
    )
