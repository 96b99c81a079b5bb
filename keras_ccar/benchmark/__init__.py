"""Comparisons that can be checked: recipes, runs, reports, the `keras-ccar` command."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_ccar.benchmark.comparison import Comparison
    from keras_ccar.benchmark.own_data.tuning.tuning_objective import TuningObjective
    from keras_ccar.benchmark.python_api import compare

__all__ = ["Comparison", "TuningObjective", "compare"]

# Imported on first use: they need libraries that training does not.
_ON_DEMAND = {
    "Comparison": "comparison",
    "TuningObjective": "own_data.tuning.tuning_objective",
    "compare": "python_api",
}


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        module = importlib.import_module(f"{__name__}.{_ON_DEMAND[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
