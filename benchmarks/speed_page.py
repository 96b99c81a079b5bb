"""Writes docs/speed.md from the files in benchmarks/results/speed.

Run by `make results`. A folder there holds what was measured on one kind of processor;
`make bench` writes that of the processor that it runs on. Each measurement is a table
with a column for each kind, and the range over all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from measuring import SPEED

from keras_ccar.benchmark.report.markdown import (
    code_span,
    escape_markdown,
    markdown_table,
)
from keras_ccar.benchmark.report.measurements import read_measurements
from keras_ccar.benchmark.report.sentences.facts import describe_hardware
from keras_ccar.files import write_atomic

PAGE = Path(__file__).parent.parent / "docs" / "speed.md"
NOTE = (
    "`make results` made this page from the files in `benchmarks/results/speed`; it is "
    "not edited by hand. Each column is one kind of processor, named by its "
    "instructions for vectors and bfloat16; where they are missing from the name, they "
    "were not recorded. A row is a range where it spans several sizes. `make bench` "
    "measures the processor that it runs on."
)
ONE_KIND = (
    "Measured on one kind of processor only, so it says nothing of others: quote it "
    "nowhere."
)


@dataclass(frozen=True)
class Measurement:
    """What the page shows of one kind of file.

    Attributes:
        file: name of the file in each folder.
        title: heading of its section.
        note: what the numbers mean.
        rows: the fields that tell the rows of the table apart.
        values: the fields that are shown, each in columns of its own.
    """

    file: str
    title: str
    note: str
    rows: tuple[str, ...]
    values: tuple[str, ...]


MEASUREMENTS = (
    Measurement(
        "network_speed.json",
        "The network of the benchmark",
        "The ResNet-32 of the benchmark, forward, backward and update on one batch in "
        "memory, against the same network in plain PyTorch, each on one core. Images "
        "per second of the processor's own time; ratios are of speeds. TensorFlow "
        "takes the convolutions of oneDNN by itself only on processors with "
        "instructions for networks; a long plan tries them elsewhere. What holds JAX "
        "back on a processor are the gradients of kernels with few channels; see the "
        "table of convolutions.",
        ("network",),
        ("images_per_second", "speed_to_pytorch"),
    ),
    Measurement(
        "convolution_speed.json",
        "Convolutions on JAX and TensorFlow",
        "One 3×3 convolution of each stage of ResNet-32 and its gradients, in batches "
        "of 128 on one core: XLA on JAX, oneDNN on TensorFlow. Ratios are of times: "
        "2 is twice as long on JAX.",
        ("channels", "computed"),
        ("tensorflow_milliseconds", "jax_milliseconds", "jax_to_tensorflow"),
    ),
    Measurement(
        "loss_speed.json",
        "Losses",
        "Forward pass and gradient, compiled by XLA on TensorFlow and JAX, eager on "
        "torch. Ratio: time over that of Keras's own cross-entropy for the same labels "
        "in the same run; torch ratio: over that of `torch.nn.functional."
        "cross_entropy`. A range is over the numbers of examples and classes.",
        ("backend", "loss", "labels"),
        ("ratio", "torch_ratio"),
    ),
    Measurement(
        "binary_loss_speed.json",
        "Losses of yes-or-no labels",
        "The same, as ratios to Keras's binary cross-entropy. A range is over the "
        "numbers of examples and labels.",
        ("backend", "loss"),
        ("ratio",),
    ),
    Measurement(
        "step_speed.json",
        "A training step",
        "A training step of a whole network through `fit`: CCAR, and CCAR with the "
        "callback's statistics, over Keras's cross-entropy, on the same images in "
        "memory. Ratios are of times: 1.02 is 2 % longer; medians over rounds.",
        ("backend", "model"),
        ("ccar_to_cross_entropy", "statistics_to_cross_entropy"),
    ),
    Measurement(
        "training_speed.json",
        "The benchmark's training",
        "Images per second of `keras-ccar compare`, over those of a plain `fit` on a "
        "tf.data pipeline of the same augmentation, and over those of the network's "
        "forward and backward pass alone.",
        ("backend", "model", "xla"),
        ("runner_images_per_second", "runner_to_tf_data", "runner_to_network"),
    ),
    Measurement(
        "head_speed.json",
        "A head on features",
        "Seconds of one head by the clock, on two cores: `30` epochs over `10,847` "
        "features of `1,280` with `100` classes. The first of a process is compiled.",
        ("backend", "loss", "head"),
        ("seconds",),
    ),
)


def read_speed(folder: Path = SPEED) -> dict[str, dict[str, dict[str, Any]]]:
    """Returns the measurements by kind of processor and file name."""
    kinds = sorted(path for path in folder.iterdir() if path.is_dir())
    return {path.name: read_measurements(path) for path in kinds}


def page(measured: Mapping[str, Mapping[str, dict[str, Any]]]) -> str:
    """Returns the page, as Markdown, of what `read_speed` returned."""
    parts = ["# Speed", NOTE]
    for measurement in MEASUREMENTS:
        found = {
            kind: files[measurement.file]
            for kind, files in measured.items()
            if measurement.file in files
        }
        parts += [f"## {measurement.title}", measurement.note]
        if not found:
            parts.append("Not yet run.")
            continue
        if len(found) == 1:
            parts.append(ONE_KIND)
        parts.append(markdown_table(table_rows(measurement, found)))
        parts += [_source(measurement.file, kind, of) for kind, of in found.items()]
    return "\n\n".join(parts) + "\n"


def table_rows(
    measurement: Measurement, found: Mapping[str, dict[str, Any]]
) -> list[list[str]]:
    """Returns a table of text, the header first.

    Args:
        measurement: what to show.
        found: its files, by kind of processor.
    """
    keys = list(measurement.rows)
    frame = pd.concat(
        [pd.DataFrame(of["rows"]).assign(kind=kind) for kind, of in found.items()]
    )
    values = [
        name
        for name in measurement.values
        if name in frame and frame[name].notna().any()
    ]
    columns = [(name, kind) for name in values for kind in [*found, None]]
    if len(found) == 1:
        columns = [(name, kind) for name, kind in columns if kind]
    header = [f"{_words(name)}, {kind or 'all'}" for name, kind in columns]
    rows = [[*map(_words, keys), *header]]
    for key, group in frame.groupby(keys, sort=False):
        cells = [
            _range(group[name][group["kind"].eq(kind) | (kind is None)])
            for name, kind in columns
        ]
        rows.append([*map(str, key), *cells])
    return rows


def _range(numbers: "pd.Series[float]") -> str:
    numbers = numbers.dropna()
    if numbers.empty:
        return "–"
    ends: Iterable[str] = dict.fromkeys(map(_format, (numbers.min(), numbers.max())))
    return " to ".join(ends)


def _format(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.2f}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _source(file: str, kind: str, measurement: Mapping[str, Any]) -> str:
    environment = measurement["environment"]
    return (
        f"{code_span(f'benchmarks/results/speed/{kind}/{file}')}, by "
        f"{code_span(measurement['command'])} on "
        f"{escape_markdown(describe_hardware(environment['hardware']))}; "
        f"commit {environment['commit']}."
    )


def write_page(folder: Path = SPEED, path: Path = PAGE) -> None:
    """Writes the page."""
    write_atomic(path, page(read_speed(folder)))


if __name__ == "__main__":
    write_page()
