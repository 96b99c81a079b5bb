"""What layers have in common whose outputs are decisions."""


class Decides:
    """Base of layers that turn predictions into decisions, 0 or 1 in each column.

    They take the predictions of a model and keep their shape. Nothing that expects
    predictions may come after them: corrections, calibration, other decisions.

    Attributes:
        from_logits: whether the predictions are logits, None if nothing has told yet.
    """

    from_logits: bool | None = None

    def decides_labels(self, num_columns: int) -> bool:
        """Whether the columns are yes-or-no labels rather than classes."""
        return num_columns == 1
