"""Reads the user's data, whatever form they have."""

from collections.abc import Callable
from pathlib import Path

from keras_ccar.benchmark.sources.arrays import array_source
from keras_ccar.benchmark.sources.images import image_source
from keras_ccar.benchmark.sources.labels.labelled import Labelled
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.tables import table_source
from keras_ccar.benchmark.sources.user_data import UserData

_Read = Callable[[Path, SourceOptions], UserData]
_Count = Callable[[Path, SourceOptions], tuple[Labelled, list[str]]]


def read_data(path: Path, options: SourceOptions) -> UserData:
    """Reads a folder of images, a table or arrays for a comparison.

    Raises:
        ValueError: if the data are none of these, or do not fit the options.
        OSError: if a file cannot be read.
        ModuleNotFoundError: if a library is missing; says which.
    """
    return _readers(path, options)[0](path, options)


def count_data(path: Path, options: SourceOptions) -> tuple[Labelled, list[str]]:
    """Returns the labels of the user's data, and what there is to say about them.

    It raises what `read_data` raises.
    """
    return _readers(path, options)[1](path, options)


def _readers(path: Path, options: SourceOptions) -> tuple[_Read, _Count]:
    suffix = path.suffix.lower()
    is_folder = path.is_dir()
    for name in ("label", "drop", "keep", "group"):
        if getattr(options, name) and suffix not in table_source.SUFFIXES:
            raise ValueError(f"`--{name}` is for tables (.csv, .parquet), not {path}.")
    if options.backbone is not None and not is_folder:
        raise ValueError(f"`--backbone` is for a folder of images, not {path}.")
    if is_folder:
        return image_source.read_folder, image_source.count_folder
    if suffix in table_source.SUFFIXES:
        return table_source.read_table, table_source.count_table
    if suffix == ".npz":
        return array_source.read_arrays, array_source.count_arrays
    raise ValueError(
        f"{path} must be a folder with one folder of images for each class, a table "
        "(.csv, .parquet) or arrays (.npz)."
    )
