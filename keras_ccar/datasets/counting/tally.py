"""Adds up labels of any kind, and tells at the end what they were."""

import math

import numpy as np

from keras_ccar.datasets.counting import messages
from keras_ccar.datasets.counting.class_tally import ClassTally, NameTally
from keras_ccar.datasets.counting.forms import Form
from keras_ccar.datasets.counting.row_tally import (
    LabelTally,
    RowTally,
    add_columns,
    are_shares,
    are_zeros_and_ones,
    without_class,
)
from keras_ccar.datasets.label_values import LabelValues

# So many vectors that sum to 1 are one-hot rather than batches with one 1 each.
_MANY_VECTORS = 4


class Tally:
    """Adds up the labels of one element after another.

    Zeros and ones can be class indices, one-hot or yes-or-no labels. All of these are
    added up, and all rows together decide.
    """

    def __init__(
        self,
        num_classes: int | None,
        ignore_class: float | None,
        multi_label: bool | None,
        return_names: bool,
    ) -> None:
        self._num_classes = num_classes
        self._ignore_class = ignore_class
        self._multi_label = multi_label
        self._return_names = return_names
        self._classes = ClassTally(num_classes)
        self._rows = RowTally()
        self._shares = np.zeros(0)
        self._labels = LabelTally()
        self._names: NameTally | None = None
        self._columns: list[str] | None = None
        self._forms: set[Form] = set()
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._missing = 0
        self._has_columns = False
        self._total = 0

    def add(self, labels: LabelValues, form: Form) -> None:
        """Adds the labels of an element."""
        values = labels.values
        self._total += values.size + labels.missing
        self._missing += labels.missing
        if labels.is_table:
            self._columns = labels.names
        if labels.numbering is not None:
            self._add_names(labels)
        elif values.size:
            self._add_numbers(values, labels, form)

    def _add_numbers(self, values: np.ndarray, labels: LabelValues, form: Form) -> None:
        if values.dtype.kind == "f" and not self._ignores_nan:
            is_missing = np.isnan(values)
            if is_missing.any():
                self._missing += int(is_missing.sum())
                self._has_columns |= form is Form.ROWS
                return
        is_known = self._known(values)
        if self._multi_label:
            if labels.is_ragged:
                raise ValueError(messages.RAGGED)
            self._add_labels(values, is_known, form)
        elif form is Form.VALUES:
            self._note("class indices", values)
            self._classes.add(values if is_known.all() else values[is_known])
        else:
            self._add_rows(values, is_known, form, labels.is_table)

    def _known(self, values: np.ndarray) -> np.ndarray:
        """Tells which labels are not to be ignored."""
        if self._ignores_nan:
            return ~np.isnan(values)
        if self._ignore_class is None:
            return np.broadcast_to(True, values.shape)
        return values != self._ignore_class

    def result(self) -> tuple[np.ndarray, list[str]]:
        """Returns the counts, and the names of the classes or labels."""
        if self._missing:
            is_multi_label = bool(self._multi_label)
            raise ValueError(
                messages.missing(
                    self._missing, self._total, is_multi_label, self._has_columns
                )
            )
        if self._names is not None:
            return self._names.result(self._num_classes)
        counts = self._labels.counts if self._multi_label else self._class_counts()
        if not counts.any():
            raise ValueError(messages.EMPTY)
        if self._num_classes is not None:
            if self._multi_label and self._num_classes != len(counts):
                raise ValueError(messages.columns(len(counts), self._num_classes))
            if len(counts) > self._num_classes:
                raise ValueError(messages.width(len(counts), self._num_classes))
            missing_columns = self._num_classes - len(counts)
            counts = np.pad(counts, [(0, missing_columns), (0, 0)][: counts.ndim])
        names = [str(label) for label in range(len(counts))]
        if self._columns is not None and len(self._columns) == len(counts):
            names = self._columns
        whole = np.round(counts)
        is_whole = np.allclose(counts, whole, rtol=1e-9, atol=1e-6)
        return whole.astype("int64") if is_whole else counts, names

    @property
    def _ignores_nan(self) -> bool:
        return self._ignore_class is not None and math.isnan(self._ignore_class)

    def _add_names(self, labels: LabelValues) -> None:
        if self._multi_label or self._ignore_class is not None:
            raise ValueError(messages.named(labels.values, bool(self._multi_label)))
        if not self._return_names:
            raise ValueError(messages.unnumbered(labels))
        if not self._classes.is_empty or self._rows.num_rows or self._shares.size:
            raise ValueError(messages.MIXED_NAMES)
        self._names = self._names or NameTally()
        if labels.names is None:
            self._names.add_strings(labels.values)
        else:
            self._names.add_categories(labels.values, labels.names)

    def _add_labels(self, values: np.ndarray, is_known: np.ndarray, form: Form) -> None:
        if form is Form.VECTOR:
            raise ValueError(messages.vectors(values.shape))
        if form is Form.LIKELY_MAP:
            raise ValueError(messages.one_or_many_labels(values.shape))
        width = values.shape[-1] if form is Form.ROWS else 1
        self._labels.add(values.reshape(-1, width), is_known.reshape(-1, width))

    def _add_rows(
        self, values: np.ndarray, is_known: np.ndarray, form: Form, is_table: bool
    ) -> None:
        """Adds labels whose last axis may be that of the classes."""
        rows = values.reshape(-1, values.shape[-1])
        kept = values[is_known]
        is_binary = are_zeros_and_ones(rows)
        if is_binary or are_zeros_and_ones(kept):
            self._note("zeros and ones", values)
            self._forms.add(form)
            self._rows.add(rows, kept, has_other=not is_binary)
            return
        allow_zeros = self._ignore_class is not None
        if values.dtype.kind == "f" and are_shares(rows, allow_zeros):
            self._note("distributions", values)
            kept_rows = without_class(rows, self._ignore_class)
            if self._shares.size not in (0, rows.shape[1]):
                raise ValueError(messages.widths({rows.shape[1], self._shares.size}))
            self._shares = add_columns(self._shares, kept_rows)
            return
        if is_table:
            raise ValueError(messages.table(self._columns or [], kept))
        self._note("class indices", values)
        self._classes.add(kept)

    def _note(self, kind: str, values: np.ndarray) -> None:
        """Remembers the shape of the first labels of each kind, for messages."""
        if kind not in self._shapes and self._names is not None:
            raise ValueError(messages.MIXED_NAMES)
        self._shapes.setdefault(kind, values.shape)
        if {"class indices", "distributions"} <= self._shapes.keys():
            raise ValueError(messages.mixed(self._shapes))

    def _class_counts(self) -> np.ndarray:
        rows, classes = self._rows, self._classes
        has_shares = "distributions" in self._shapes
        if not rows.num_rows:
            return self._shares if has_shares else classes.counts
        shape = self._shapes["zeros and ones"]
        if has_shares:
            if not rows.is_one_hot:
                raise ValueError(messages.soft_and_multi_hot(shape, rows.row_sums))
            if rows.widths != {self._shares.size}:
                raise ValueError(messages.widths(rows.widths | {self._shares.size}))
            return self._one_hot_counts()
        if "class indices" in self._shapes:
            if len(self._shapes["class indices"]) != len(shape):
                raise ValueError(messages.mixed(self._shapes))
            are_columns = False
        else:
            are_columns = self._are_columns(shape)
        if are_columns:
            return self._one_hot_counts()
        classes.add_zeros_and_ones(rows.zeros, rows.ones)
        return classes.counts

    def _are_columns(self, shape: tuple[int, ...]) -> bool:
        """Decides whether rows of zeros and ones are one-hot, or raises."""
        rows, is_one_hot = self._rows, self._rows.is_one_hot
        if len(rows.widths) > 1:
            if is_one_hot and Form.ROWS in self._forms:
                raise ValueError(messages.widths(rows.widths))
            return False
        is_told = self._multi_label is False
        if Form.VECTOR in self._forms:
            # A single vector is a batch.
            if rows.num_rows > 1 and (is_one_hot or not is_told):
                raise ValueError(messages.vectors(shape))
            return False
        if Form.ROWS not in self._forms:
            is_many = Form.LIKELY_MAP in self._forms or rows.num_rows >= _MANY_VECTORS
            if is_one_hot and is_many and (rows.is_float or not is_told):
                raise ValueError(messages.one_hot_or_indices(shape))
            return False
        if not is_one_hot and not is_told:
            raise ValueError(messages.zeros_and_ones(shape, rows.row_sums))
        if is_one_hot and is_told and not rows.is_float:
            raise ValueError(messages.one_hot_or_indices(shape))
        return is_one_hot

    def _one_hot_counts(self) -> np.ndarray:
        sums = self._rows.sums.copy()
        ignore_class = self._ignore_class
        if ignore_class is not None and 0 <= ignore_class < len(sums):
            sums[int(ignore_class)] = 0
        return sums + self._shares if self._shares.size else sums
