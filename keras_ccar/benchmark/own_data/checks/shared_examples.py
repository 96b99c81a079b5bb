"""Counts the examples that two parts of the user's data share."""

from collections.abc import Mapping

import numpy as np

from keras_ccar.benchmark.own_data.data import OwnData


def describe_shared(splits: Mapping[str, OwnData]) -> str:
    """Returns a sentence on held-out examples that an earlier part has too, or ""."""
    found = []
    earlier: list[OwnData] = []
    for name, data in splits.items():
        known = [part.hashes for part in earlier if part.hashes is not None]
        if known and data.hashes is not None:
            shared = int(np.isin(data.hashes, np.concatenate(known)).sum())
            parts = " or ".join(part.name for part in earlier)
            if shared:
                total = len(data.hashes)
                found.append(f"{shared:,} of {total:,} {name} examples in {parts}")
        earlier.append(data)
    if not found:
        return ""
    return (
        f"The same inputs are in two parts of the data: {', '.join(found)}. Figures of "
        "such examples flatter what was learned by heart."
    )
