"""Finds again how a comparison read the user's files."""

from pathlib import Path

from keras_ccar.benchmark.results_format import EARLIER_FOLDER, READING_FILE
from keras_ccar.benchmark.sources.arrays.array_source import ArrayReading
from keras_ccar.benchmark.sources.images.image_reading import ImageReading
from keras_ccar.benchmark.sources.tables.table_source import TableReading
from keras_ccar.benchmark.sources.user_data import Reading
from keras_ccar.files import read_checked_json

_KINDS: dict[str, type[TableReading | ImageReading | ArrayReading]] = {
    "table": TableReading,
    "images": ImageReading,
    "arrays": ArrayReading,
}


def is_of_table(folder: Path) -> bool:
    """Whether a folder holds a comparison of a table that the command has read."""
    path = folder / READING_FILE
    return path.exists() and read_checked_json(path).get("source") == "table"


def load_reading(folder: Path) -> Reading:
    """Returns the reading of the comparison in a folder.

    Raises:
        ValueError: if the folder holds none, or a broken one.
    """
    path = folder / READING_FILE
    if not path.exists() and folder.resolve().parent.name == EARLIER_FOLDER:
        raise ValueError(
            f"{folder} holds the numbers of a comparison that another one put aside, "
            "without its model, so it cannot predict. Run its command again with "
            "another `--output`, which trains anew."
        )
    if not path.exists():
        raise ValueError(
            f"{folder} must be the folder of a comparison of files of your own, by "
            f"`keras-ccar compare`, which writes {READING_FILE}. It has no such file. "
            "Run the command of the comparison again, which trains nothing anew."
        )
    content = read_checked_json(path)
    try:
        return _KINDS[content["source"]].load(folder, content)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} must hold how a comparison read its data. Run the command of the "
            f"comparison again, which writes it anew. Missing or wrong: {error}"
        ) from error
