"""Examples with labels: classes with one example are left out, the rest is split."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from keras_ccar.benchmark.sources.group_split import split_groups
from keras_ccar.benchmark.sources.labels import (
    LabelCoding,
    find_classes,
    note_look_alikes,
    shown,
)
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.split import split_examples


@dataclass(frozen=True)
class Labelled:
    """The labels of those examples that are kept.

    Attributes:
        coding: what the numbers of the labels mean.
        kept: int64 indices of the examples.
        labels: their labels, `(N,)`, or `(N, K)` of several labels.
    """

    coding: LabelCoding
    kept: np.ndarray
    labels: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """The examples of each class, or those of yes of each label."""
        if self.coding.kind == "labels":
            return self.labels.sum(axis=0)
        return np.bincount(self.labels, minlength=len(self.coding.class_names))


def label_examples(texts: Sequence[str], where: str, notes: list[str]) -> Labelled:
    """Turns the classes of examples into numbers, and leaves single examples out.

    Nobody can train on the only example of a class and measure on it too.

    Raises:
        ValueError: if fewer than two classes are left.
    """
    counts = Counter(texts)
    note_look_alikes(counts, notes)
    single = sorted(name for name, count in counts.items() if count == 1)
    kept = [index for index, text in enumerate(texts) if counts[text] > 1]
    coding = find_classes(texts, where)
    if single:
        if len(counts) - len(single) < 2:
            raise ValueError(
                f"{where} must have two classes with two examples or more. Received: "
                f"{len(counts)} classes, {len(single)} of which have one example."
            )
        coding = find_classes([texts[index] for index in kept], where)
        notes.append(
            f"{len(single)} of {len(counts)} classes have one example, which cannot be "
            f"trained on and measured too. They are left out: {shown(single, 20)}."
        )
    if coding.note:
        notes.append(coding.note)
    labels = coding.encode([texts[index] for index in kept], where)
    return Labelled(coding, np.array(kept, "int64"), labels)


def divide(
    labelled: Labelled,
    keys: Sequence[str],
    options: SourceOptions,
    given: Collection[str] = (),
    groups: np.ndarray | None = None,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns the indices and the labels of each part that is cut from the examples.

    Args:
        labelled: the examples that are kept.
        keys: a text for each example, kept or not, such as its file name.
        options: the shares and the seed.
        given: the names of parts that are there already.
        groups: the group of each example, kept or not, which stays in one part.
    """
    names = labelled.coding.class_names
    shares = {
        name: share for name, share in options.shares.items() if name not in given
    }
    if groups is None:
        kept = [keys[index] for index in labelled.kept]
        parts = split_examples(labelled.labels, names, kept, shares, options.seed)
    else:
        kept = [groups[index] for index in labelled.kept]
        column = str(options.group)
        parts = split_groups(labelled.labels, names, kept, shares, options.seed, column)
    return {
        name: (labelled.kept[part], labelled.labels[part])
        for name, part in parts.items()
    }
