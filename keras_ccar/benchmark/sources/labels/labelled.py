"""Examples with labels: too small classes are left out, the rest is split."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from keras_ccar.benchmark.sources.labels.coding import (
    UNKNOWN,
    LabelCoding,
    find_classes,
    note_look_alikes,
    shown,
)
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.splitting.group_split import split_groups
from keras_ccar.benchmark.sources.splitting.split import split_examples
from keras_ccar.inputs.class_names import join_first

_SHOWN = 5


@dataclass(frozen=True)
class Labelled:
    """The labels of those examples that are kept.

    Attributes:
        coding: what the numbers of the labels mean.
        kept: int64 indices of the examples.
        labels: their labels, `(N,)`, or `(N, K)` of several labels, of which those
            that are not known are `UNKNOWN`.
    """

    coding: LabelCoding
    kept: np.ndarray
    labels: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """The examples of each class, or those of yes of each label."""
        if self.coding.kind == "labels":
            return np.asarray((self.labels == 1).sum(axis=0))
        return np.bincount(self.labels, minlength=len(self.coding.class_names))


def label_examples(
    texts: Sequence[str], where: str, notes: list[str], fewest: int = 2
) -> Labelled:
    """Turns the classes of examples into numbers, and leaves too small ones out.

    Nobody can train on the only example of a class and measure on it too.

    Args:
        texts: the class of each example.
        where: what has them, for messages.
        notes: takes what there is to say.
        fewest: the examples that a class needs, one for each part.

    Raises:
        ValueError: if fewer than two classes are left.
    """
    counts = Counter(texts)
    note_look_alikes(counts, notes)
    small = sorted(name for name, count in counts.items() if count < fewest)
    kept = [index for index, text in enumerate(texts) if counts[text] >= fewest]
    coding = find_classes(texts, where)
    if small:
        few = "one example" if fewest == 2 else f"under {fewest} examples"
        if len(counts) - len(small) < 2:
            least = "two" if fewest == 2 else str(fewest)
            raise ValueError(
                f"{where} must have two classes with {least} examples or more. "
                f"Received: {len(counts)} classes, {len(small)} of which have {few}. "
                "Add examples, or hold out fewer parts."
            )
        coding = find_classes([texts[index] for index in kept], where)
        notes.append(
            f"{len(small)} of {len(counts)} classes have {few}, {why_left_out(fewest)}."
            f" They are left out: {shown(small, 20)}."
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


def note_unknown(
    labels: np.ndarray, names: Sequence[str], where: str, notes: list[str]
) -> None:
    """Notes how many answers to several labels are not known, and to which.

    Args:
        labels: zeros, ones and `UNKNOWN`, `(N, K)`.
        names: of the labels.
        where: what has them.
        notes: takes what there is to say.
    """
    lacking = (labels == UNKNOWN).sum(axis=0)
    if not lacking.any():
        return
    # Those of which the most is not known first.
    order = np.argsort(-lacking, kind="stable")
    said = [f"{lacking[i]:,} of {names[i]}" for i in order if lacking[i]]
    notes.append(
        f"{int(lacking.sum()):,} of {labels.size:,} answers in {where} are not known "
        f"and do not count: {join_first(said, _SHOWN)}."
    )


def why_left_out(fewest: int) -> str:
    """Says why classes and labels with fewer examples cannot be used."""
    if fewest == 2:
        return "which cannot be trained on and measured too"
    return "too few for one in the training data and in each part that is held out"
