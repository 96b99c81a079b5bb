"""Warns where metrics with several numbers overwrite each other's in the logs."""

import warnings
from itertools import combinations

import keras

from keras_ccar.callbacks.output_warning import metrics_of_outputs
from keras_ccar.inputs.class_names import join_first


def warn_of_shared_log_names(model: keras.Model) -> None:
    """Warns if two metrics of this package write under the same names into the logs.

    Keras puts the name of the output before the name of a metric, but not before the
    keys of a dict that it returns.
    """
    several = [
        (output, metric)
        for output, metric in metrics_of_outputs(model)
        if getattr(metric, "log_names", ())
    ]
    for (output, metric), (other_output, other) in combinations(several, 2):
        others = set(other.log_names)
        shared = [repr(name) for name in metric.log_names if name in others]
        if not shared:
            continue
        who = f"Two metrics {type(metric).__name__}"
        if output is not None and other_output is not None:
            who = f"The metrics of the outputs {output!r} and {other_output!r}"
            if output == other_output:
                who = f"Two metrics of the output {output!r}"
        example = other_output or "second"
        warnings.warn(
            f"{who} both write {join_first(shared, 5)} into the logs, so that the "
            "numbers of one overwrite those of the other. Give each metric a "
            f"`name` of its own: {type(other).__name__}(..., name={example!r}) writes "
            f"{f'{example}_{other.result_keys[-1]}'!r} and so on.",
            stacklevel=3,
        )
