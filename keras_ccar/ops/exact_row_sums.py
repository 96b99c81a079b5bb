"""Sums over the samples of a batch that count every sample, however many there are."""

from typing import Any

from keras import ops

# A float32 sum stops counting at 2^24. A part of so many rows is exact for whole
# weights up to 16, and the parts of ordinary batches are one.
ROWS_OF_PART = 2**20
# Parts are added in two columns of digits, high ones in units of this.
_HIGH_UNIT = 2.0**12


def sum_rows(
    rows: Any, groups: Any = None, num_groups: int | None = None
) -> tuple[Any, ...]:
    """Adds up rows, all of them or those of each group.

    Args:
        rows: float32 tensor `(N, ...)`.
        groups: int32 group of each row in [0, num_groups), `(N,)`, or None.
        num_groups: the number of groups.

    Returns:
        One tensor or two, which add up to the sum, of shape `(...)`, or
        `(num_groups, ...)` with groups. Each is exact for up to 2^32 rows of whole
        numbers up to 16; their sum in float32 would be rounded.
    """
    num_rows = ops.shape(rows)[0]
    # The number of rows is a tensor in a graph of TensorFlow.
    if isinstance(num_rows, int) and num_rows <= ROWS_OF_PART:
        if groups is None:
            return (ops.sum(rows, axis=0),)
        return (ops.segment_sum(rows, groups, num_groups),)
    parts = (
        _sum_parts(rows, num_rows)
        if groups is None
        else _sum_parts_by_group(rows, num_rows, groups, num_groups)
    )
    # The nearest, so that a small sum of either sign is a low part alone.
    high = ops.round(parts / _HIGH_UNIT)
    low = parts - high * _HIGH_UNIT
    return ops.sum(high, axis=0) * _HIGH_UNIT, ops.sum(low, axis=0)


def _sum_parts(rows: Any, num_rows: Any) -> Any:
    """Returns the sum of each part of the rows, `(parts, ...)`."""
    num_whole = num_rows // ROWS_OF_PART
    end = num_whole * ROWS_OF_PART
    shape = tuple(rows.shape)[1:]
    whole = ops.reshape(rows[:end], (num_whole, ROWS_OF_PART, *shape))
    rest = ops.sum(rows[end:], axis=0, keepdims=True)
    return ops.concatenate([ops.sum(whole, axis=1), rest], axis=0)


def _sum_parts_by_group(rows: Any, num_rows: Any, groups: Any, num_groups: Any) -> Any:
    """Returns the sums of each part of the rows, `(parts, num_groups, ...)`."""
    num_parts = num_rows // ROWS_OF_PART + 1
    part = ops.arange(num_rows, dtype="int32") // ROWS_OF_PART
    sums = ops.segment_sum(rows, part * num_groups + groups, num_parts * num_groups)
    return ops.reshape(sums, (num_parts, num_groups, *tuple(rows.shape)[1:]))
