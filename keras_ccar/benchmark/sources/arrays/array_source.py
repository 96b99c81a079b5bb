"""Reads arrays from an `.npz` file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources import networks
from keras_ccar.benchmark.sources.arrays.array_files import (
    find_part,
    load_arrays,
    missing_part,
    read_inputs,
)
from keras_ccar.benchmark.sources.arrays.array_labels import (
    encode_part,
    label_part,
    labelled_part,
)
from keras_ccar.benchmark.sources.arrays.array_offsets import Offsets
from keras_ccar.benchmark.sources.arrays.array_scale import Scale
from keras_ccar.benchmark.sources.labels.labelled import Labelled, divide
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.user_data import (
    Arrays,
    NewExamples,
    UserData,
    require_tensorflow,
    write_reading,
)


def count_arrays(path: Path, options: SourceOptions) -> tuple[Labelled, list[str]]:
    """Returns the labels of a file, and what there is to say about them."""
    notes: list[str] = []
    _, answers = labelled_part(find_part(path, load_arrays(path), "train"), path, notes)
    return label_part(answers, path, notes, 2), notes


def read_arrays(path: Path, options: SourceOptions) -> UserData:
    """Reads and splits the arrays of a file.

    Inputs are features `(N, D)` or images `(N, height, width)` or
    `(N, height, width, channels)`. Labels are numbers or texts `(N,)`, or zeros and
    ones `(N, K)`: of classes if each row has a single one, else of labels.

    Raises:
        ValueError: if the file holds no such arrays, or numbers that are not finite.
    """
    notes: list[str] = []
    content = load_arrays(path)
    x, answers = labelled_part(find_part(path, content, "train"), path, notes)
    found = {name: find_part(path, content, name) for name in ("validation", "test")}
    there = [name for name, part in found.items() if part is not None]
    labelled = label_part(answers, path, notes, options.fewest_examples(there))
    coding = labelled.coding
    given: dict[str, Arrays] = {}
    for name, part in found.items():
        if part is not None:
            given[name] = encode_part(part, coding, name, path, x.shape[1:], notes)
    for name, other in options.paths.items():
        if name in given:
            raise ValueError(
                f"`--{name} {other}` names data that {path} has too. Leave the option "
                f"out, or take the {name} part out of {path}."
            )
        held = load_arrays(other)
        part = find_part(other, held, name) or find_part(other, held, "train")
        part = part or missing_part(other)
        given[name] = encode_part(part, coding, name, other, x.shape[1:], notes)
    keys = [str(number) for number in range(len(x))]
    parts = divide(labelled, keys, options, given)
    arrays = given | {
        name: (x[indices], labels) for name, (indices, labels) in parts.items()
    }
    scale = Scale.of(arrays["train"][0])
    offsets = Offsets.of(arrays["train"][0])
    offsets.note(notes)
    for name, (inputs, _) in given.items():
        scale.note_other(inputs, f"the {name} part", notes)
        offsets.note_rounded(inputs, f"the {name} part", notes)
    arrays = {name: (offsets.take_off(part), y) for name, (part, y) in arrays.items()}
    train = arrays["train"]
    num_outputs = 1 if coding.kind == "binary" else len(coding.class_names)
    maker = networks.dense_maker if x.ndim == 2 else networks.convnet_maker
    return UserData(
        name=path.stem,
        kind=coding.kind,
        class_names=coding.class_names,
        train=train,
        validation=arrays["validation"],
        test=arrays.get("test"),
        build_model=maker(train[0], num_outputs, coding.kind == "labels"),
        reading=ArrayReading(train[0].shape[1:], scale, offsets),
        wide=() if offsets.values is None else ("x",),
        notes=notes,
    )


@dataclass(frozen=True)
class ArrayReading:
    """Of arrays, which are trained on as they are, or without large offsets.

    Attributes:
        shape: the shape of one example.
        scale: of the training data.
        offsets: what is taken off.
    """

    shape: tuple[int, ...]
    scale: Scale
    offsets: Offsets

    def save(self, folder: Path) -> None:
        """See `Reading`."""
        content = {
            "source": "arrays",
            "shape": list(self.shape),
            "lowest": self.scale.lowest,
            "highest": self.scale.highest,
            "offsets": self.offsets.values,
        }
        write_reading(folder, content)

    @classmethod
    def load(cls, folder: Path, content: dict[str, Any]) -> Self:
        """Returns what `save` wrote."""
        scale = Scale(content["lowest"], content["highest"])
        # Earlier comparisons took none off.
        return cls(tuple(content["shape"]), scale, Offsets(content.get("offsets")))

    def read(self, path: Path, notes: list[str]) -> NewExamples:
        """See `Reading`; the file holds `x`."""
        x = read_inputs(path)
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"`x` in {path} must have examples of shape {self.shape}, as were "
                f"trained on. Received: {x.shape[1:]}."
            )
        self.scale.note_other(x, str(path), notes)
        self.offsets.note_rounded(x, str(path), notes)
        rows = pd.DataFrame({"example": np.arange(len(x))})
        return NewExamples(rows, self.offsets.take_off(x))

    def make_whole(self, network: keras.Model) -> keras.Model:
        """See `Reading`."""
        require_tensorflow([] if self.offsets.values is None else ["x"], "float64")
        return self.offsets.in_front_of(network)
