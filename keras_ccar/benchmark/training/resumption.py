"""The state of a training after an epoch, and the callback that resumes from it."""

import time
from dataclasses import dataclass, field

import keras
import numpy as np

from keras_ccar.benchmark.training import devices

# To start again costs about as long, for imports, data and compilation. A checkpoint
# of ResNet-32 takes 0.02 s to write and one of ResNet-50 less than half a second, so
# short epochs lose nothing to it either.
SECONDS_BETWEEN = 10.0


@dataclass
class TrainingState:
    """What a training is at the end of an epoch.

    Attributes:
        epoch: number of epochs that are done.
        seconds: how long they took.
        losses: mean loss of each.
        statistics: what `CCARCallback.statistics()` was after each.
        tests: what was reached on the test set, after some of them.
        variables: the values of all variables, in the order in which they are found.
    """

    epoch: int = 0
    seconds: float = 0.0
    losses: list = field(default_factory=list)
    statistics: list = field(default_factory=list)
    tests: list = field(default_factory=list)
    variables: list = field(default_factory=list)


class ResumeFromCheckpoint(keras.callbacks.Callback):
    """Takes a training up where its checkpoint left it, and keeps the checkpoint.

    Pass its `state.epoch` as `initial_epoch` to `fit`, and list it after `statistics`.

    Args:
        checkpoint: the `Checkpoint`, None to keep none.
        network: the model whose variables training changes.
        statistics: the `keras_ccar.CCARCallback` of the training.
        evaluation: the `Evaluation` of the network.

    Attributes:
        state: the `TrainingState` so far, without the variables.
    """

    def __init__(self, checkpoint, network, statistics, evaluation):
        super().__init__()
        self._checkpoint = checkpoint
        self._network = network
        self._statistics = statistics
        self._evaluation = evaluation
        self.state = checkpoint.load() if checkpoint else TrainingState()

    def on_train_begin(self, logs=None):
        """Puts back the state."""
        now = time.perf_counter()
        # As if all epochs had been trained in a row, ending now.
        self._started = now - self.state.seconds
        self._saved = now
        self._statistics.history[:] = self.state.statistics
        if self.state.epoch:
            self._restore_variables(self.state.variables)
            self.state.variables = []

    def on_epoch_end(self, epoch, logs=None):
        """Keeps the state, unless it was kept just before."""
        state, now = self.state, time.perf_counter()
        state.epoch = epoch + 1
        state.seconds = now - self._started
        state.losses.append(float(logs["loss"]))
        state.statistics = self._statistics.history
        if not np.isfinite(state.losses[-1]):
            return
        if self._evaluation.is_due(state.epoch):
            state.tests.append(self._evaluation.curve_point(state.epoch))
            # `seconds` are those of training.
            self._started += time.perf_counter() - now
        if self._checkpoint and now - self._saved >= SECONDS_BETWEEN:
            state.variables = [_value(variable) for variable in self._variables()]
            self._checkpoint.save(state)
            state.variables = []
            self._saved = time.perf_counter()

    def _restore_variables(self, values):
        try:
            for variable, value in zip(self._variables(), values, strict=True):
                variable.assign(value)
        except ValueError as error:
            self._checkpoint.remove()
            raise ValueError(
                f"the checkpoint {self._checkpoint.path} did not fit the network, and "
                f"was removed; start again to train the run from its beginning. {error}"
            ) from error

    def _variables(self):
        """Returns weights, moving means, momenta, step, seeds and statistics."""
        optimizer = self.model.optimizer
        if not optimizer.built:
            with devices.strategy_scope():
                optimizer.build(self.model.trainable_variables)
        return [
            *self._network.variables,
            *optimizer.variables,
            *self.model.metrics_variables,
        ]


def _value(variable):
    value = keras.ops.convert_to_numpy(variable)
    # NumPy's format does not know bfloat16, of which float32 holds every value.
    return value.astype("float32") if value.dtype.kind == "V" else value
