"""The file that keeps the training state of a run."""

import io
import json
from pathlib import Path

import numpy as np

from keras_ccar.benchmark.training.resumption import TrainingState
from keras_ccar.files import remove_file, write_atomic


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
