"""The public functions that count, draw and show labels."""

import io
import re
import tempfile

import numpy as np
from rich.console import Console
from unusual import oracle
from unusual.calls import K, sane_call
from unusual.subjects import BACKEND, Subject

from keras_ccar import datasets

# Few examples, of which the samplers draw whole numbers.
FEW = [9, 4, 1, 1]


class CountSubject(Subject):
    """`count_classes`, which takes labels alone."""

    family = "counting"
    takes_counts = False
    is_compiled = False

    def __init__(self):
        super().__init__("count_classes", datasets.count_classes)

    def sane_call(self, shape):
        return sane_call(shape, num_classes=K)

    def run_eagerly(self, call):
        found = datasets.count_classes(call.labels, **call.arguments)
        return np.asarray(found[0] if isinstance(found, tuple) else found, "float64")

    def expected(self, call):
        labels = call.meaning.labels * call.meaning.included[..., None]
        labels = labels.reshape(-1, K)
        if not call.arguments.get("multi_label"):
            return labels.sum(axis=0)
        return np.stack([(labels == 0).sum(axis=0), (labels == 1).sum(axis=0)], axis=1)


class SamplerSubject(Subject):
    """A sampler: how many examples of each class it draws."""

    family = "sampling"
    is_compiled = False

    def __init__(self, name, shares, epochs=1):
        super().__init__(name, getattr(datasets, name))
        self.shares, self.epochs = shares, epochs

    def sane_call(self, shape):
        call = sane_call((sum(FEW),), counts=FEW)
        labels = np.repeat(np.arange(K), FEW)
        return call.give(labels=labels).mean(labels=np.eye(K)[labels])

    def run_eagerly(self, call):
        counts = np.rint(call.meaning.counts).astype(int)
        meant = call.meaning.labels.argmax(-1)
        labels = call.labels
        if list(counts) != FEW and np.isfinite(call.meaning.counts).all():
            # Of a row of unusual counts: the examples that it counts.
            meant = labels = np.repeat(np.arange(len(counts)), counts)
        numbers = np.arange(len(meant))
        drawn = self.make((numbers, labels), call.counts, epochs=self.epochs)
        return self._count(drawn, meant, len(counts))

    def _count(self, drawn, meant, num_classes):
        if hasattr(drawn, "as_numpy_iterator"):
            numbers = [number for number, _ in drawn.as_numpy_iterator()]
        else:
            numbers = drawn[0]
        return np.bincount(meant[np.asarray(numbers)], minlength=num_classes) * 1.0

    def expected(self, call):
        counts = np.asarray(call.meaning.counts)
        total = np.zeros(len(counts))
        for epoch in range(self.epochs):
            shares = self.shares(counts, epoch / self.epochs)
            total += oracle.apportion(counts.sum(), shares)
        return total


class StreamSubject(SamplerSubject):
    """A sampler of a `tf.data` stream, which raises when it is read."""

    def __init__(self, name, shares, epochs=1):
        super().__init__(name, shares, epochs)
        import tensorflow as tf

        sampler = self.make
        self.make = lambda data, *arguments, **more: sampler(
            tf.data.Dataset.from_tensor_slices(data), *arguments, **more
        )
        self.errors = (ValueError, TypeError, tf.errors.InvalidArgumentError)

    def takes(self, call):
        """A stream is made of arrays of one length, with a dtype of TensorFlow."""
        labels = call.labels
        if isinstance(labels, list):
            return False  # ragged
        return str(getattr(labels, "dtype", "")) != "object" and np.shape(labels)[
            :1
        ] == (len(call.meaning.labels),)


class TableSubject(Subject):
    """`show_class_counts`: the counts in its table."""

    family = "reports"
    is_compiled = False

    def __init__(self):
        super().__init__("show_class_counts", datasets.show_class_counts)

    def run_eagerly(self, call):
        text = io.StringIO()
        console = Console(file=text, width=120, force_terminal=False)
        arguments = dict(call.arguments)
        arguments.pop("from_logits", None)
        self.make(call.counts, console=console, **arguments)
        counts = re.findall(r" ([\d,.]+) │ +[\d.]+%", text.getvalue())
        return np.array([float(count.replace(",", "")) for count in counts])

    def expected(self, call):
        return np.sort(call.meaning.counts)[::-1]


class PlotSubject(TableSubject):
    """`plot_class_counts`, of which the file is looked for alone."""

    def __init__(self):
        Subject.__init__(self, "plot_class_counts", datasets.plot_class_counts)

    def run_eagerly(self, call):
        with tempfile.NamedTemporaryFile(suffix=".svg") as file:
            self.make(call.counts, file.name)
            assert b"<svg" in file.read()
        return np.zeros(0)

    def expected(self, call):
        return np.zeros(0)


class SubsetSubject(Subject):
    """What takes a label for each image: how many of each class are chosen."""

    family = "subsets"
    takes_counts = False
    is_compiled = False

    def sane_call(self, shape):
        labels = np.arange(24) % K
        return sane_call((24,)).give(labels=labels).mean(labels=np.eye(K)[labels])

    def run_eagerly(self, call):
        images = np.arange(24, dtype="uint8").reshape(24, 1, 1, 1)
        if self.name == "from_arrays":
            names = call.arguments.get("class_names")
            data = self.make((images, call.labels), class_names=names)
            return data.class_counts * 1.0
        chosen = self.make(images, call.labels, imbalance_factor=2)
        return np.bincount(call.meaning.labels.argmax(-1)[chosen]) * 1.0

    def expected(self, call):
        if self.name == "from_arrays":
            return call.meaning.labels.sum(axis=0)
        return np.floor(6 * 2.0 ** (-np.arange(K) / (K - 1)) + 1e-9)


def _samplers():
    return [
        ("class_balanced", lambda n, progress: (n > 0) * 1.0, 1),
        ("square_root_balanced", lambda n, progress: np.sqrt(n), 1),
        (
            "progressively_balanced",
            lambda n, progress: (
                (1 - progress) * n / n.sum() + progress * (n > 0) / (n > 0).sum()
            ),
            2,
        ),
    ]


def data_subjects():
    """The objects that take data, on this backend."""
    subjects = [CountSubject(), *(SamplerSubject(*each) for each in _samplers())]
    if BACKEND == "tensorflow":
        # These know no backend: once is enough.
        subjects.append(StreamSubject(*_samplers()[0]))
        subjects += [TableSubject(), PlotSubject()]
        subjects += [
            SubsetSubject(name, getattr(datasets, name))
            for name in ("long_tailed_indices", "from_arrays")
        ]
    return subjects
