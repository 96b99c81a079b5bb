"""What is chosen by on validation data, where a column decides which method is best."""

# The columns that a τ can be chosen by; others take the first.
_OBJECTIVES = {
    "balanced": "balanced_accuracy",
    "macro_f1": "macro_f1",
    "gmean": "geometric_mean",
}


def objective_of(metric: str) -> str:
    """Returns the score that τ is chosen by."""
    return _OBJECTIVES.get(metric, _OBJECTIVES["balanced"])


def threshold_objective(metric: str) -> str:
    """Returns the score that thresholds are chosen by."""
    return "balanced_accuracy" if metric in ("balanced", "gmean") else "f1"
