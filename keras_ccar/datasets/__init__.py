"""Long-tailed data: subsets, loaders, counting and samplers.

Importing this costs nothing; TensorFlow, tensorflow-datasets and scikit-learn are
imported by what needs them.
"""

from keras_ccar.datasets.counting.count import count_classes
from keras_ccar.datasets.counting.report import plot_class_counts, show_class_counts
from keras_ccar.datasets.digests import subset_digest
from keras_ccar.datasets.images.pipeline import evaluation_batches, training_batches
from keras_ccar.datasets.loaders.arrays import from_arrays
from keras_ccar.datasets.loaders.directory import from_directory
from keras_ccar.datasets.loaders.registry import NAMES, load
from keras_ccar.datasets.loaders.tfds import from_tfds
from keras_ccar.datasets.long_tailed_data import LongTailedData
from keras_ccar.datasets.long_tailed_subset import (
    long_tailed_counts,
    long_tailed_indices,
)
from keras_ccar.datasets.samplers import (
    class_balanced,
    progressively_balanced,
    square_root_balanced,
)

__all__ = [
    "NAMES",
    "LongTailedData",
    "class_balanced",
    "count_classes",
    "evaluation_batches",
    "from_arrays",
    "from_directory",
    "from_tfds",
    "load",
    "long_tailed_counts",
    "long_tailed_indices",
    "plot_class_counts",
    "progressively_balanced",
    "show_class_counts",
    "square_root_balanced",
    "subset_digest",
    "training_batches",
]
