"""Unknown labels: which labels of the user's data count, and who is told of others."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_ccar.arguments import check_ignore_class
from keras_ccar.inputs.binary_targets import check_ignore_value
from keras_ccar.posthoc.data.counted_labels import read_counted
from keras_ccar.posthoc.data.labels import are_answers


@dataclass(frozen=True)
class UnknownLabels:
    """What stands for unknown labels in the user's data.

    Attributes:
        ignore_class: the label of examples of no class, or None.
        ignore_value: what stands for an unknown answer to a yes-or-no label, or None.

    Raises:
        ValueError: for other values.
    """

    ignore_class: int | None = None
    ignore_value: float | None = None

    def __post_init__(self) -> None:
        check_ignore_class(self.ignore_class)
        check_ignore_value(self.ignore_value)

    def arguments(self, are_labels: bool) -> dict[str, Any]:
        """Returns the argument of losses and of `keras_ccar.posthoc`; {} if unset."""
        name = "ignore_value" if are_labels else "ignore_class"
        value = getattr(self, name)
        return {} if value is None else {name: value}

    def are_answers(self, labels: Any, shape: tuple[int, ...]) -> bool:
        """Whether labels have a number for each column, other than one-hot rows."""
        return are_answers(labels, shape, self.ignore_class)

    def require_fit(self, are_labels: bool, num_columns: int) -> None:
        """Refuses what does not suit the output of the model.

        Args:
            are_labels: whether its columns are yes-or-no labels.
            num_columns: K.

        Raises:
            ValueError: for a value of the other kind of output, and for a class.
        """
        given, other = ("ignore_value", "ignore_class")
        kind = "classes that exclude each other"
        if are_labels:
            given, other, kind = other, given, "yes-or-no labels"
        value = getattr(self, given)
        if value is not None:
            raise ValueError(
                f"`{given}` must be None for the output of this model, {kind}. "
                f"Received: {given}={value}. Pass it as `{other}`."
            )
        found = self.ignore_class
        if found is not None and 0 <= found < num_columns:
            raise ValueError(
                f"`ignore_class` must be none of the {num_columns} classes of the "
                f"model. Received: ignore_class={found}. Give these examples another "
                "label, such as -1, and number the classes from 0."
            )

    def read(
        self,
        labels: Any,
        weights: Any,
        shape: tuple[int, ...],
        are_labels: bool,
        name: str,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the labels that count, and which of all do.

        Args:
            labels: as the user gave them.
            weights: sample weights of 0 and 1, or None.
            shape: that of the predictions, `(N, ..., K)`.
            are_labels: whether the columns are yes-or-no labels.
            name: the name of the argument, for messages.

        Returns:
            The labels as `read_labels` returns them, without examples that do not
            count; and booleans `(M,)`. Unknown answers are NaN.

        Raises:
            ValueError: for labels of another shape, labels out of range, and where none
                counts.
        """
        found, counted = read_counted(
            labels,
            weights,
            shape,
            are_labels,
            name,
            self.ignore_class,
            self.ignore_value,
        )
        known: Any = found
        if not counted.any() or (are_labels and np.isnan(known).all()):
            raise ValueError(
                f"`{name}` must have examples with a label. Received: none that counts"
            )
        return known[counted], counted

    def as_code(self, are_labels: bool) -> str:
        """Returns the argument of losses as code; "" if it is not set."""
        return "".join(
            f"{name}={_number_as_code(value)}"
            for name, value in self.arguments(are_labels).items()
        )


def _number_as_code(value: float) -> str:
    return 'float("nan")' if value != value else f"{value:g}"
