"""Statistics of training as entries of the logs."""


def log_entries(
    prefix: str, group_means: dict[str, tuple[float, float]]
) -> dict[str, float]:
    """Returns entries of the logs for what `ClassStatistics.group_means` returns.

    Args:
        prefix: the beginning of the names.
        group_means: means of confidence and weight by the name of the group.
    """
    entries = {}
    for group, (confidence, weight) in group_means.items():
        suffix = "" if group == "all" else f"_{group}"
        entries[f"{prefix}_confidence{suffix}"] = confidence
        entries[f"{prefix}_weight{suffix}"] = weight
    return entries
