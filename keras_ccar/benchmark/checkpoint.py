"""The state of a training after an epoch, so that a killed run goes on from there."""

import io
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from keras_ccar.benchmark import devices
from keras_ccar.benchmark.storage import remove_file, write_atomic

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


class Checkpoint:
    """A file that holds the latest `TrainingState` of one run.

    It is NumPy's own format without pickles, whole or absent, and read only by the run
    that wrote it.

    Args:
        path: where the file is.
        identity: what names the run, as plain JSON.
    """

    def __init__(self, path, identity):
        self.path = Path(path)
        self.identity = identity

    def epoch(self):
        """Returns the number of epochs that do not have to be trained again."""
        return self._read(lambda header, arrays: header["epoch"]) or 0

    def load(self):
        """Returns the `TrainingState`, a new one if there is none of this run."""
        return self._read(_state) or TrainingState()

    def save(self, state):
        """Puts a state in place of the one before.

        Args:
            state: the `TrainingState`.
        """
        header = {
            "identity": self.identity,
            "epoch": state.epoch,
            "seconds": state.seconds,
            "losses": state.losses,
            "tests": state.tests,
        }
        arrays = {
            f"statistics/{name}": np.stack([epoch[name] for epoch in state.statistics])
            for name in state.statistics[0]
        }
        for index, value in enumerate(state.variables):
            arrays[f"variables/{index}"] = value
        content = io.BytesIO()
        np.savez(content, header=np.array(json.dumps(header)), **arrays)
        write_atomic(self.path, content.getvalue())

    def remove(self):
        """Removes the file, if there is one."""
        remove_file(self.path)

    def _read(self, read):
        try:
            with (
                open(self.path, "rb") as file,
                np.load(file, allow_pickle=False) as arrays,
            ):
                header = json.loads(str(arrays["header"]))
                if header["identity"] == self.identity:
                    return read(header, arrays)
        except FileNotFoundError:
            pass
        except Exception:
            # Damaged, in one of many ways: the run begins anew.
            self.remove()
        return None


class Resumption(keras.callbacks.Callback):
    """Takes a training up where its checkpoint left it, and keeps the checkpoint.

    Pass its `state.epoch` as `initial_epoch` to `fit`, and list it after `statistics`.

    Args:
        checkpoint: the `Checkpoint`, None to keep none.
        network: the model whose variables training changes.
        statistics: the `keras_ccar.CCARCallback` of the training.
        evaluation: the `keras_ccar.benchmark.evaluation.Evaluation` of the network.

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
            self._put_back(self.state.variables)
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
            state.tests.append(self._evaluation.point(state.epoch))
            # `seconds` are those of training.
            self._started += time.perf_counter() - now
        if self._checkpoint and now - self._saved >= SECONDS_BETWEEN:
            state.variables = [_value(variable) for variable in self._variables()]
            self._checkpoint.save(state)
            state.variables = []
            self._saved = time.perf_counter()

    def _put_back(self, values):
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
            with devices.building():
                optimizer.build(self.model.trainable_variables)
        return [
            *self._network.variables,
            *optimizer.variables,
            *self.model.metrics_variables,
        ]


def _state(header, arrays):
    prefix = "statistics/"
    names = [name for name in arrays.files if name.startswith(prefix)]
    statistics = {name.removeprefix(prefix): arrays[name] for name in names}
    count = sum(name.startswith("variables/") for name in arrays.files)
    return TrainingState(
        epoch=header["epoch"],
        seconds=header["seconds"],
        losses=header["losses"],
        tests=header["tests"],
        statistics=[
            {name: epochs[index] for name, epochs in statistics.items()}
            for index in range(header["epoch"])
        ],
        variables=[arrays[f"variables/{index}"] for index in range(count)],
    )


def _value(variable):
    value = keras.ops.convert_to_numpy(variable)
    # NumPy's format does not know bfloat16, of which float32 holds every value.
    return value.astype("float32") if value.dtype.kind == "V" else value
