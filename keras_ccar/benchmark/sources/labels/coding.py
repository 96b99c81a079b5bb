"""Labels of any kind as numbers, with names for them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from keras_ccar.benchmark.sources.labels.answers import as_answers
from keras_ccar.benchmark.sources.labels.label_texts import (
    as_number,
    find_look_alikes,
    label_text,
    plain_text,
    plain_texts,
)
from keras_ccar.inputs.class_names import join_first

_SHOWN = 5
# What stands for an unknown answer to one of several labels.
UNKNOWN = -1


@dataclass(frozen=True)
class LabelCoding:
    """What the numbers of labels mean.

    Attributes:
        kind: "softmax" for classes that exclude each other, "binary" for one
            yes-or-no label, "labels" for several.
        class_names: the names of the classes or labels; of one label those of no and
            yes.
        note: what the user should know about it, or "".
        columns: the coding of each label, if each has a column of its own.
        left_out: names that the training data has too few examples of.
    """

    kind: str
    class_names: tuple[str, ...]
    note: str = ""
    columns: tuple["LabelCoding", ...] = ()
    left_out: tuple[str, ...] = ()

    def encode(self, texts: Sequence[str], where: str, advice: str = "") -> np.ndarray:
        """Returns the int64 numbers of texts, which `where` has.

        Whole numbers and answers may be written otherwise than in the training data,
        such as 1.0 for 1, and true and false for 1 and 0. `advice` ends the error.

        Raises:
            ValueError: for texts that are no names.
        """
        numbers = {name: number for number, name in enumerate(self.class_names)}
        if self.kind == "binary" and _find_answers(self.class_names):
            # A -1 often stands for what is not known.
            numbers = {**as_answers(set(texts)), **numbers}
        shared = Counter(map(plain_text, numbers))
        plain = {plain_text(name): number for name, number in numbers.items()}
        for text in set(texts) - set(numbers):
            if shared[plain_text(text)] == 1:
                numbers[text] = plain[plain_text(text)]
        unknown = sorted({text for text in texts if text not in numbers})
        if unknown:
            raise ValueError(
                f"{where} has labels that the training data lacks: {shown(unknown)}. "
                "Write them as the training data does, remove these examples, or add "
                f"the class to the training data.{advice}"
            )
        return np.array([numbers[text] for text in texts], "int64")


def read_labels(values: Iterable[Any], notes: list[str]) -> list[str]:
    """Returns labels as texts; notes those that are the same but for spaces."""
    given = list(values)
    texts = sorted({value for value in given if isinstance(value, str)})
    counts = Counter(text.strip() for text in texts)
    spaced = [text for text in texts if counts[text.strip()] > 1]
    if spaced:
        notes.append(
            "Warning: labels that differ only in spaces around them are the same "
            f"class: {shown(spaced, 20)}."
        )
    return plain_texts([label_text(value) for value in given])


def note_look_alikes(names: Iterable[str], notes: list[str]) -> None:
    """Notes labels that are nearly the same, which stay apart."""
    alike = find_look_alikes(names)
    if alike:
        notes.append(
            "Warning: labels that differ only in case, in spaces or in how a number is "
            f"written, {shown(alike, 20)}, are classes of their own. Write them alike "
            "if they mean the same."
        )


def find_classes(texts: Iterable[str], where: str) -> LabelCoding:
    """Finds the classes, and with two of them which one is yes.

    Raises:
        ValueError: if there is one class only, or the labels are measurements.
    """
    counts: dict[str, int] = {}
    for text in texts:
        counts[text] = counts.get(text, 0) + 1
    names = sorted(counts, key=_in_order)
    if len(names) < 2:
        raise ValueError(
            f"{where} must have two classes or more. Received: {shown(names)}."
        )
    fractions = [name for name in names if _is_fraction(name)]
    if len(fractions) > len(names) / 2:
        advice = "Name another column, or put the numbers into classes."
        if any("," in name for name in fractions):
            advice += " If the commas divide several labels, pass `--separator ,`."
        raise ValueError(
            f"{where} must hold classes. Received: numbers with fractions, such as "
            f"{shown(fractions)}. {advice}"
        )
    if len(names) > 2:
        return LabelCoding("softmax", tuple(names))
    answers = _find_answers(names)
    if answers:
        no, yes = sorted(names, key=answers.__getitem__)
        return LabelCoding("binary", (no, yes))
    # The rare class is what one looks for; of two equal ones the second.
    yes = min(reversed(names), key=lambda name: counts[name])
    (no,) = set(names) - {yes}
    return LabelCoding(
        "binary",
        (no, yes),
        f"Two classes are one yes-or-no label: {yes!r}, the rarer one, is yes, and "
        f"{no!r} is no.",
    )


def _find_answers(names: Sequence[str]) -> dict[str, int]:
    """Returns 0 and 1 for two names, if one says no and the other yes."""
    numbers = {name: as_number(name) for name in names}
    if set(numbers.values()) in ({0, 1}, {-1, 1}):
        return {name: int(number == 1) for name, number in numbers.items()}
    answers = as_answers(names)
    return answers if len(set(answers.values())) == 2 else {}


def shown(names: Sequence[str], most: int = _SHOWN) -> str:
    """Returns the first names, quoted, and how many more there are."""
    # A text of an array would be shown as `np.str_('yes')`.
    return join_first([repr(str(name)) for name in names], most)


def _in_order(name: str) -> tuple[bool, Decimal, str]:
    """Orders numbers by value, before other texts."""
    number = as_number(name)
    return number is None, number or Decimal(0), name


def _is_fraction(name: str) -> bool:
    number = as_number(name)
    return number is not None and number != number.to_integral_value()
