"""Long-tailed data: the protocol and the loaders.

Importing this costs nothing; TensorFlow, tensorflow-datasets and scikit-learn are
imported by what needs them.
"""

from keras_ccar.datasets.long_tailed_data import LongTailedData
from keras_ccar.datasets.own_data import from_arrays
from keras_ccar.datasets.protocol import (
    long_tailed_counts,
    long_tailed_indices,
    subset_digest,
)
from keras_ccar.datasets.registry import NAMES, load

__all__ = [
    "NAMES",
    "LongTailedData",
    "from_arrays",
    "load",
    "long_tailed_counts",
    "long_tailed_indices",
    "subset_digest",
]
