"""Results of each class: a vector, or a dict of scalars under the names of classes."""

from typing import Any

from keras import ops

from keras_ccar.inputs.class_names import check_class_names, names_of_columns


def read_result_names(
    class_names: Any, num_classes: int, multi_label: bool
) -> list[str]:
    """Returns a name for each result, none for None.

    Args:
        class_names: a name for each class or label, or None. One label may have two,
            of no and of yes.
        num_classes: the number of results.
        multi_label: whether they are of independent labels.
    """
    if class_names is None:
        return []
    names = check_class_names(class_names)
    if multi_label:
        names = names_of_columns(names, num_classes)
    if len(names) != num_classes:
        advice = ""
        if num_classes == 2 and not multi_label:
            advice = ' Pass two, that of no first, such as `class_names=["no", "yes"]`.'
        raise ValueError(
            f"`class_names` must have one name for each class. Received {len(names)} "
            f"for {num_classes} classes: {', '.join(map(repr, names[:5]))}.{advice}"
        )
    return names


def by_name(values: Any, names: list[str]) -> Any:
    """Returns a `(K,)` vector as it is, or as a dict of scalars if there are names."""
    if not names:
        return values
    return dict(zip(names, ops.unstack(values, num=len(names)), strict=True))
