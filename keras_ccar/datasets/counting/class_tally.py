"""Adds up labels that are class indices, and labels that are names."""

from collections import Counter

import numpy as np

from keras_ccar.arguments import MOST_CLASSES
from keras_ccar.inputs.checks import advise_numbers, numbering_hint


class ClassTally:
    """Counts class indices; grows with the largest one."""

    def __init__(self, num_classes: int | None) -> None:
        self._num_classes = num_classes
        self.counts = np.zeros(num_classes or 0, "int64")
        self.is_empty = True

    def add(self, labels: np.ndarray) -> None:
        """Counts whole numbers in `[0, K)`; others are an error."""
        labels = labels.ravel()
        if not labels.size:
            return
        if labels.dtype.kind == "f":
            wrong = labels[(labels != np.trunc(labels)) | (labels < 0)]
        else:
            wrong = labels[labels < 0] if labels.min() < 0 else labels[:0]
        if wrong.size:
            raise ValueError(
                f"Labels must be whole numbers of at least 0. Received "
                f"{wrong[:5].tolist()}: leave out examples without a class, or pass a "
                "label to leave out, such as -1, as `ignore_class`, with "
                "`multi_label=True` if they are yes-or-no labels."
            )
        limit = self._num_classes or MOST_CLASSES
        largest = labels.max().item()
        if largest >= limit:
            has_0 = self.counts[:1].any()
            hint = "" if has_0 else numbering_hint(labels, np.array(largest), limit)
            raise ValueError(self._too_large(largest, hint, labels))
        counts = np.bincount(labels.astype("int64"))
        self._grow(len(counts))
        self.counts[: len(counts)] += counts
        self.is_empty = False

    def add_zeros_and_ones(self, zeros: int, ones: int) -> None:
        """Counts labels 0 and 1 whose numbers are known."""
        length = 2 if ones else 1
        if self._num_classes == 1 and ones:
            raise ValueError(self._too_large(1, "", np.ones(1)))
        self._grow(length)
        self.counts[:length] += np.array([zeros, ones])[:length]
        self.is_empty = False

    def _grow(self, length: int) -> None:
        self.counts = np.pad(self.counts, (0, max(0, length - len(self.counts))))

    def _too_large(self, label: float, hint: str, labels: np.ndarray) -> str:
        if self._num_classes is None:
            return (
                f"Labels must be below {MOST_CLASSES:,}, unless `num_classes` is given."
                f" Received {label}. {advise_numbers(labels)}, or pass a label to "
                "leave out as `ignore_class`."
            )
        return (
            f"Labels must be in [0, {self._num_classes}) with "
            f"num_classes={self._num_classes}. Received {label}: raise `num_classes`, "
            "correct the labels, or pass a label to leave out as `ignore_class`."
            f"{hint}"
        )


class NameTally:
    """Counts labels that are strings, or categories in their own order."""

    def __init__(self) -> None:
        self._strings: Counter[str] = Counter()
        self._categories: list[str] | None = None
        self._counts = np.zeros(0, "int64")

    def add_strings(self, strings: np.ndarray) -> None:
        """Counts strings."""
        self._strings.update(strings.ravel().tolist())

    def add_categories(self, codes: np.ndarray, categories: list[str]) -> None:
        """Counts the codes of categories, which must be the same throughout."""
        if self._strings or self._categories not in (None, categories):
            raise ValueError(
                "All labels must have the same categories. Received "
                f"{categories[:5]} after {(self._categories or [*self._strings])[:5]}: "
                "set them with `labels.cat.set_categories(...)`."
            )
        if self._categories is None:
            self._categories = categories
            self._counts = np.zeros(len(categories), "int64")
        self._counts += np.bincount(codes, minlength=len(categories))

    def result(self, num_classes: int | None) -> tuple[np.ndarray, list[str]]:
        """Returns the counts, and the names in the same order."""
        if self._categories is None:
            names = sorted(self._strings)
            counts = np.array([self._strings[name] for name in names], "int64")
        else:
            names, counts = self._categories, self._counts
        if num_classes not in (None, len(names)):
            raise ValueError(
                f"`num_classes` must be the number of names, {len(names)}: a class "
                f"without examples has no name. Received: num_classes={num_classes}, "
                f"names {names[:5]}. Leave `num_classes` out, or make the labels "
                "categories: `pandas.Categorical(labels, categories=all_names)`."
            )
        return counts, names
