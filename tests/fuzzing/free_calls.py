"""Single calls of losses, well-formed and not, each of its own kind.

Of well-formed input, value and gradient must be finite. What is malformed must raise an
error of ours: a `ValueError` or `TypeError` raised by a line of keras_ccar itself, with
a message that names an argument in backticks. Nothing else counts: no number, no error
of Keras, numpy or a backend.

Predictions that come as tensors are what a model computed, and may be NaN when training
diverges: there, and in compiled steps, where values cannot be looked at, wrong values
must make the loss NaN or infinite.
"""

import collections
import dataclasses
import pathlib
import re
import traceback
import warnings
from typing import Any

import keras
import loss_checks
import numpy as np
from compiled import MODES, value_and_gradient
from keras import ops
from keras.src.backend import set_keras_mask

import keras_ccar
from keras_ccar import adjustments, weightings
from keras_ccar.weightings import ccar

BACKEND = keras.backend.backend()
PACKAGE = str(pathlib.Path(keras_ccar.__file__).parent)

# Few, because JAX compiles every operation for every shape.
SHAPES = [(1,), (5,), (5,), (0,), (2, 3), (2, 1), (2, 2, 3)]
CLASSES = [1, 2, 3, 10, 300]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
# JAX has double precision only where it is asked for, by a global switch.
COMPUTED = [name for name in FLOATS if name != "float64" or BACKEND != "jax"]
LABEL_DTYPES = [
    *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *FLOATS,
]
LARGEST = {"bool": 1, "int8": 127, "uint8": 255, "float16": 2048, "bfloat16": 256}


@keras.saving.register_keras_serializable(package="tests")
def doubt(p_t, f_c):
    return (1.0 - p_t) * (2.0 - f_c)


REDUCTIONS = [
    *("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
]
BOOLEANS = [False, True]
# What constructor arguments can be; a new argument has to be added here.
VALUES = {
    "pivot": [0.01, 0.5, 0.75, 1],
    "strength": [0, 0.5, 1, 2.5, 5, 200],
    "form": [*ccar.FORMS, doubt],
    "frequency_scale": [*ccar.FREQUENCY_SCALES],
    "gamma": [0, 0.5, 1, 2, 5],
    "beta": [0, 0.9, 0.9999, 1 - 1e-9],
    "gamma_positive": [0, 0.5, 1, 4],
    "gamma_negative": [0, 0.5, 1, 4],
    "alpha": [None, 0.25, 0.9],
    "clip": [0, 0.05, 0.5],
    "mu": [-1, 0.2, 2],
    "kappa": [0, 0.05, 1],
    "negative_scale": [0.5, 1, 2, 5],
    "tau": [0, 0.5, 1, 3],
    "smoothing": [0, 1e-3, 1],
    "max_margin": [0, 0.5, 3],
    "scale": [0, 1, 30],
    "weighting": [
        None,
        weightings.CCARWeighting(),
        weightings.CCARWeighting(form="information", strength=3),
        weightings.InverseFrequency(),
        weightings.EffectiveNumber(),
        weightings.Focal(),
        weightings.Focal(gamma=0.5),
        doubt,
    ],
    "adjustment": [
        None,
        adjustments.LogitAdjustment(),
        adjustments.LogitAdjustment(0.5, smoothing=1),
        adjustments.LDAMMargin(),
    ],
    "normalize": [*BOOLEANS, "batch"],
    "differentiate_weight": BOOLEANS,
    "from_logits": BOOLEANS,
    "label_smoothing": [0, 0, 0, 0.1, 1],
    "ignore_class": [None, None, None, None, 255, -1, 0],
    "ignore_value": [None, None, -1, float("nan")],
    "axis": [-1, -1, -1, 1],
    "reduction": REDUCTIONS,
    "dtype": [None, *COMPUTED, "mixed_float16"],
    "name": ["mine"],
}
# What only softmax losses take.
SMOOTHINGS = [
    adjustments.LabelAwareSmoothing(),
    adjustments.LabelAwareSmoothing(1, 0, "linear"),
    adjustments.LabelAwareSmoothing(0.2, 0.2, "convex"),
]
# Of a loss in which an argument of the same name is another thing.
OWN_VALUES = {
    ("DistributionBalancedLoss", "alpha"): [0, 0.1, 1],
    ("DistributionBalancedLoss", "beta"): [0.5, 10],
}
NOT_NUMBERS = ["1", None, float("nan"), float("inf"), -1, [1.0], 1j, True]
# What they cannot be.
WRONG = {
    **{
        name: [*NOT_NUMBERS, -0.1]
        for name in (
            *("strength", "gamma", "gamma_positive", "gamma_negative", "tau"),
            *("smoothing", "max_margin", "scale", "kappa", "negative_scale"),
        )
    },
    "pivot": [*NOT_NUMBERS, 0, 1.1],
    "beta": [*NOT_NUMBERS, 1, 1.5],
    "clip": [*NOT_NUMBERS, 1],
    "label_smoothing": [*NOT_NUMBERS, 1.1],
    "num_examples": [*NOT_NUMBERS, 0],
    "form": ["cubic", None, 3, ["power"]],
    "frequency_scale": ["smallest", None, 3, ["total"]],
    "weighting": ["focal", 3, weightings.Focal, [1.0, 2.0], {}],
    "adjustment": ["ldam", 3, adjustments.LDAMMargin, lambda z, y, p: z, {}],
    **{
        name: ["yes", None, 2, [True], 0.5]
        for name in ("normalize", "differentiate_weight", "from_logits")
    },
    "ignore_class": ["x", 1.5, [255], float("nan"), True],
    "ignore_value": ["x", 0.5, 1, [-1], True],
    "axis": ["last", 1.5, None, [1], 7, -7, True],
    "reduction": ["median", 3, ["sum"], True],
    "dtype": ["float99", 3, "int32", ["float32"]],
}


@dataclasses.dataclass
class Call:
    """One call of one loss, and what must come of it."""

    loss_class: type
    arguments: dict
    y_true: Any
    y_pred: Any
    sample_weight: Any = None
    mask: Any = None
    mode: str = "eager"
    flaw: str | None = None
    may_be_nan: bool = False  # instead of an error

    def loss(self):
        return self.loss_class(**self.arguments)


class Generator:
    """Makes calls; each from its number."""

    def __init__(self):
        self.cases = loss_checks.public_cases()
        self.parameters = {
            case.name: [n for n in case.loss().get_config() if n in VALUES]
            for case in self.cases
        }
        known = {*VALUES, "class_counts", "num_examples"}
        for case in self.cases:
            unknown = set(case.loss().get_config()) - known
            assert not unknown, f"give `VALUES` of {unknown}, arguments of {case.name}"

    def call(self, number):
        rng = np.random.default_rng(number)
        draw = Draw(rng)
        case = draw.one_of(self.cases)
        call = self._well_formed(case, draw)
        if rng.uniform() < 0.4:
            spoil(call, case.is_binary, draw)
        elif rng.uniform() < 0.02:
            call.mode = draw.one_of(MODES)
        return call

    def _well_formed(self, case, draw):
        names = [n for n in self.parameters[case.name] if draw.rng.uniform() < 0.4]
        arguments = {
            name: draw.one_of(OWN_VALUES.get((case.name, name), VALUES[name]))
            for name in names
        }
        if "label_smoothing" in arguments and not case.is_binary and draw.coin():
            arguments["label_smoothing"] = draw.one_of(SMOOTHINGS)
        arguments["from_logits"] = draw.one_of(BOOLEANS)
        shape, num_classes = draw.one_of(SHAPES), draw.one_of(CLASSES)
        if not case.is_binary:
            num_classes = max(2, num_classes)
        if "axis" in arguments and arguments["axis"] >= len(shape):
            arguments["axis"] = -1
        adjustment = getattr(case.loss(**arguments), "adjustment", None)
        takes_logarithm = (
            isinstance(adjustment, adjustments.LogitAdjustment)
            and adjustment.tau > 0
            and adjustment.smoothing == 0
        )
        are_numbers = needs_numbers(case.loss(**arguments))
        counts = draw.counts(
            num_classes,
            may_be_empty=not takes_logarithm,
            may_be_shares=not are_numbers,
        )
        if "class_counts" in case.parameters:
            arguments["class_counts"] = draw.container_of_counts(counts)
        if case.is_binary:
            # A label that all examples have needs no logarithm of its rest.
            factors = [1.5, 2, 1e5] if takes_logarithm else [1, 2, 1e5]
            # Numbers of examples, unlike shares, leave a whole one for no.
            least = 2 if are_numbers else 1.5
            arguments["num_examples"] = max(least, counts.max() * draw.one_of(factors))
            y_true = draw.targets(shape, num_classes, arguments.get("ignore_value"))
        else:
            y_true = draw.labels(shape, num_classes, arguments)
        y_pred = draw.predictions(shape, num_classes, arguments["from_logits"])
        axis = arguments.get("axis", -1)
        if axis != -1:
            y_pred = ops.moveaxis(y_pred, -1, axis)
            if len(y_true.shape) == len(y_pred.shape):
                y_true = np.moveaxis(y_true, -1, axis)
        y_true = draw.container(y_true)
        call = Call(case.loss_class, arguments, y_true, y_pred)
        weighed = (*shape, num_classes) if case.is_binary else shape
        if draw.rng.uniform() < 0.3:
            call.sample_weight = draw.weights(weighed)
        if draw.rng.uniform() < 0.2:
            call.mask = draw.rng.uniform(size=shape) < draw.one_of([0.0, 0.6, 1.0])
        return call


def needs_numbers(loss):
    """Whether shares in place of class counts are an error of the loss."""
    weighting = getattr(loss, "weighting", None)
    smoothing = getattr(getattr(loss, "adjustment", None), "smoothing", 0)
    return smoothing > 0 or isinstance(weighting, weightings.EffectiveNumber)


class Draw:
    """Well-formed parts of calls."""

    def __init__(self, rng):
        self.rng = rng

    def one_of(self, values):
        return values[self.rng.integers(len(values))]

    def counts(self, num_classes, may_be_empty, may_be_shares):
        kind = self.rng.integers(7)
        if kind in (3, 4) and not may_be_shares:
            kind = 0
        rank = np.arange(num_classes)
        counts = np.floor(1000 * 0.01 ** (rank / num_classes))
        if kind == 1:
            counts = np.ones(num_classes)
        elif kind == 2:
            counts = counts * 1e9
        elif kind == 3:
            counts = counts / counts.sum()  # frequencies
        elif kind == 4:
            counts = counts * 1e-9
        elif kind == 5:  # nearly all in one class
            counts = np.where(rank == 0, 1e9, 1.0)
        elif kind == 6 and may_be_empty:
            counts = np.where(rank % 2 == 1, 0.0, counts)
        return self.rng.permutation(counts) if counts.any() else counts + 1

    def container_of_counts(self, counts):
        kind = self.rng.integers(5)
        if kind == 0:
            return counts.tolist()
        if kind == 1:
            present = {c: float(count) for c, count in enumerate(counts)}
            return collections.Counter(present)
        if kind == 2 and (counts == np.rint(counts)).all():
            return counts.astype("int64")
        return tuple(counts) if kind == 3 else counts

    def labels(self, shape, num_classes, arguments):
        labels = self.rng.integers(0, num_classes, shape)
        ignored = arguments.get("ignore_class")
        kind = self.one_of(["sparse", "column", "one-hot", "mixed"])
        if kind in ("sparse", "column"):
            if ignored is not None:
                labels = np.where(self.rng.uniform(size=shape) < 0.3, ignored, labels)
            low, high = labels.min(initial=0), labels.max(initial=0)
            dtype = self.one_of(
                [
                    d
                    for d in LABEL_DTYPES
                    if high <= LARGEST.get(d, 2**15 - 1)
                    and (low >= 0 or not d.startswith(("u", "b")) or d == "bfloat16")
                ]
            )
            labels = labels.astype(numpy_dtype(dtype))
            return labels[..., None] if kind == "column" else labels
        one_hot = np.eye(num_classes)[labels]
        if kind == "mixed" and ignored is not None and 0 <= ignored < num_classes:
            del arguments["ignore_class"]  # A part of a row on it is an error.
        elif ignored is not None:  # The one-hot of a label that is no class is zeros.
            one_hot[self.rng.uniform(size=shape) < 0.3] = 0
        if kind == "one-hot":
            return one_hot.astype(numpy_dtype(self.one_of(LABEL_DTYPES)))
        return self.mixed(one_hot, shape)

    def mixed(self, labels, shape):
        """Of MixUp, CutMix or smoothing."""
        share = self.rng.uniform(size=(*shape, 1))
        labels = share * labels + (1 - share) * np.roll(labels, 1, axis=-1)
        return labels.astype(numpy_dtype(self.one_of(FLOATS)))

    def targets(self, shape, num_classes, unknown=None):
        targets = self.rng.uniform(size=(*shape, num_classes)) < 0.3
        if unknown is not None:
            is_unknown = self.rng.uniform(size=targets.shape) < 0.3
            targets = np.where(is_unknown, unknown, targets)
            targets = targets.astype(numpy_dtype(self.one_of(FLOATS)))
        elif self.rng.uniform() < 0.3:
            targets = self.rng.uniform(size=targets.shape)
            targets = targets.astype(numpy_dtype(self.one_of(FLOATS)))
        else:
            targets = targets.astype(numpy_dtype(self.one_of(LABEL_DTYPES)))
        return targets[..., 0] if num_classes == 1 and self.coin() else targets

    def coin(self):
        return self.rng.uniform() < 0.5

    def predictions(self, shape, num_classes, from_logits):
        """A tensor."""
        shape = (*shape, num_classes)
        scale = self.one_of([0.0, 0.1, 3.0, 100.0, 1e4])
        logits = self.rng.normal(scale=scale, size=shape)
        if self.rng.uniform() < 0.2:
            logits = np.where(self.rng.uniform(size=shape) < 0.5, 1e4, -1e4)
        logits = np.clip(logits, -1e4, 1e4)
        dtype = self.one_of(COMPUTED)
        if from_logits:
            return ops.cast(logits, dtype)
        kind = self.rng.integers(4)
        if kind == 0:  # rows need not sum to 1
            return ops.cast(self.rng.uniform(size=shape), dtype)
        if kind == 1:
            exact = self.rng.uniform(size=shape) < 0.5
            return ops.cast(exact, dtype)
        if kind == 2:  # the whole range of exponents
            return ops.cast(10.0 ** self.rng.uniform(-45, 0, shape), dtype)
        exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return ops.cast(exponentials / exponentials.sum(-1, keepdims=True), dtype)

    def weights(self, shape):
        kept = self.rng.integers(1, len(shape) + 1)
        weights = self.rng.choice([0.0, 0.5, 1.0, 1e3], size=shape[:kept])
        if self.rng.uniform() < 0.1:
            weights = np.zeros_like(weights)
        if kept == len(shape) and self.coin():
            weights = weights[..., None]
        return self.container(weights.astype(numpy_dtype(self.one_of(LABEL_DTYPES))))

    def container(self, array):
        kind = self.rng.integers(4)
        is_small = array.size and array.size < 100
        if kind == 0 and is_small and array.dtype.name != "bfloat16":
            return array.tolist()
        if kind == 1 and array.dtype != "uint64":  # which torch does not have
            return ops.convert_to_tensor(array)
        return array


def numpy_dtype(name):
    import ml_dtypes

    return ml_dtypes.bfloat16 if name == "bfloat16" else name


def spoil(call, is_binary, draw):
    """Puts one flaw into a well-formed call, and says which."""
    kinds = ["argument"] * 4 + ["y_true"] * 4 + ["y_pred"] * 3 + ["sample_weight"] * 2
    if "class_counts" in call.arguments:
        kinds += ["class_counts"] * 3
    if call.mask is not None:
        kinds += ["mask"] * 3
    kind = draw.one_of(kinds)
    if kind == "argument":
        loss = call.loss()
        names = [
            name
            for name in loss.get_config()
            if name in WRONG and (type(loss).__name__, name) not in OWN_VALUES
        ]
        name = draw.one_of(names)
        call.arguments[name] = draw.one_of(WRONG[name])
        call.flaw = f"{name}={call.arguments[name]!r}"
        return
    if kind == "y_true":
        flaw, call.y_true = wrong_labels(call, is_binary, draw)
    elif kind == "y_pred":
        flaw, call.y_pred = wrong_predictions(call, draw)
        if flaw in ("NaN", "infinite") and not may_be_left_out(call) and draw.coin():
            call.y_pred = ops.convert_to_tensor(call.y_pred)
            call.may_be_nan = True
    elif kind == "class_counts":
        flaw, call.arguments["class_counts"] = wrong_counts(call, draw)
    else:
        flaw, weights = wrong_weights(call, draw)
        if kind == "mask":
            flaw, weights = "shape", np.ones((7, *call.y_pred.shape, 2), bool)
        setattr(call, kind, weights)
    call.flaw = f"{kind}: {flaw}"


NO_TENSORS = {
    "None": None,
    "string": "cat",
    "strings": np.array(["cat", "dog"]),
    "ragged": [[0, 1], [2]],
    "dict": {"labels": 1},
    "object": object(),
    "objects": np.array([None, 1], dtype=object),
    "complex": np.array([1j, 2.0]),
    "set": {1, 2},
}


def no_tensor(draw):
    name = draw.one_of(list(NO_TENSORS))
    return name, NO_TENSORS[name]


def may_be_left_out(call):
    """Whether a sample may have no part in the loss, whatever its values."""
    return (
        call.mask is not None
        or call.sample_weight is not None
        or call.arguments.get("ignore_class") is not None
        or call.arguments.get("ignore_value") is not None
    )


def wrong_labels(call, is_binary, draw):
    if draw.rng.uniform() < 0.3:
        return no_tensor(draw)
    labels = call.y_true
    labels = numpy(labels) if ops.is_tensor(labels) else np.asarray(labels)
    axis = call.arguments.get("axis", -1)
    num_classes = call.y_pred.shape[axis]
    shapes = {
        "batch": np.concatenate([labels, labels, np.ones((1, *labels.shape[1:]))]),
        "rank": labels[..., None, None, None],
        "scalar": np.float32(0),
        "classes": np.zeros((*labels.shape[:1], *call.y_pred.shape[1:-1], 555)),
    }
    losses = np.prod([*call.y_pred.shape]) / num_classes
    if losses == 0 or may_be_left_out(call) or draw.coin():
        name = draw.one_of(list(shapes))
        return name, shapes[name]
    is_sparse = not is_binary and labels.size == losses
    values = {
        "negative": -1,
        "NaN": float("nan"),
        "infinite": float("inf"),
        "minus infinite": -float("inf"),
    }
    if is_sparse:
        values |= {
            "no class": num_classes,
            "fraction": 0.5,
            "huge": 1e300,
            "beyond int32": 2**40,
            "beyond uint32": -(2**40),
        }
    elif is_binary:
        values |= {"above 1": 1.5}
    else:
        values |= {"a count": 2, "zeros": 0}
    name = draw.one_of(list(values))
    dtype = "int64" if "beyond" in name else "float64"
    labels = labels.astype(dtype)
    index = draw.one_of(list(np.ndindex(labels.shape)))
    if name == "zeros":  # the whole row
        axis %= labels.ndim
        index = (*index[:axis], slice(None), *index[axis + 1 :])
    labels[index] = values[name]
    return name, labels


def wrong_predictions(call, draw):
    if draw.rng.uniform() < 0.3:
        return no_tensor(draw)
    predictions = ops.convert_to_numpy(ops.cast(call.y_pred, "float32")).copy()
    axis = call.arguments.get("axis", -1)
    if not predictions.size or draw.rng.uniform() < 0.3:
        shapes = [
            ("scalar", np.float32(0)),
            ("vector", np.zeros(3, "float32")),
            ("rank", np.concatenate([predictions] * 2)[None, None]),
        ]
        if predictions.shape[axis] > 1:
            shapes.append(("one class", np.take(predictions, [0], axis)))
        return draw.one_of(shapes)
    values = {"NaN": float("nan"), "infinite": float("inf")}
    if not call.arguments["from_logits"]:
        values |= {"negative": -0.1, "above 1": 1.5}
    name = draw.one_of(list(values))
    predictions[...] = values[name]
    return name, predictions


def wrong_weights(call, draw):
    name, weights = no_tensor(draw)
    if name != "None" and draw.coin():
        return name, weights
    shape = call.y_pred.shape
    number = float(draw.one_of([float("nan"), float("inf")]))
    return draw.one_of(
        [
            ("shape", np.ones(shape[0] + 2)),
            ("rank", np.ones((*shape, 2, 2))),
            ("not finite", np.float32(number)),
            ("not finite", np.full(1, number)),
        ]
    )


def wrong_counts(call, draw):
    axis = call.arguments.get("axis", -1)
    num_classes = call.y_pred.shape[axis]
    counts = np.ones(num_classes)
    with_bad = {
        name: np.where(np.arange(num_classes) == 0, value, counts)
        for name, value in (
            ("negative", -1),
            ("NaN", np.nan),
            ("infinite", np.inf),
            ("overflow", 1.7e308),
        )
    }
    if num_classes > 1:
        with_bad["overflow"][-1] = 1.7e308
    else:
        del with_bad["overflow"]
    return draw.one_of(
        [
            *with_bad.items(),
            ("length", np.ones(num_classes + 1)),
            ("scalar", 5),
            ("matrix", np.ones((num_classes, 2))),
            ("empty", []),
            ("zeros", np.zeros(num_classes)),
            ("string", "500, 100"),
            ("strings", ["many", "few"]),
            ("numerals", ["5", "3"]),
            ("ragged", [[1, 2], [3]]),
            ("complex", np.full(num_classes, 1j)),
            ("names", {"cat": 3, "dog": 1}),
            ("negative key", {-1: 3, 0: 1}),
            ("fractional key", {0.5: 3, 0: 1}),
            ("value", {0: "many", 1: 3}),
            ("object", object()),
            ("set", {3, 1}),
        ]
    )


def problem_of(call):
    """Returns what is wrong with what came of a call, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Keras's torch backend under numpy 2.
            warnings.filterwarnings("ignore", "__array__ implementation")
            outcome = run(call)
    except Exception as error:
        if call.flaw and is_ours(error):
            return None
        trace = "".join(traceback.format_exception(error))
        expected = "no error of ours" if call.flaw else "an error from finite input"
        return f"{expected}\n{trace}"
    finite = all(np.isfinite(part).all() for part in outcome)
    if call.flaw is None:
        return None if finite else f"not finite: {outcome}"
    if call.may_be_nan and not finite:
        return None
    return f"no error, but {outcome}"


def run(call):
    """Returns the loss and, of well-formed input, the gradient."""
    loss = call.loss()
    y_pred = call.y_pred

    def masked(predictions):
        if call.mask is not None:
            predictions = ops.copy(predictions)
            set_keras_mask(predictions, ops.convert_to_tensor(call.mask))
        return predictions

    if call.flaw is not None:
        if ops.is_tensor(y_pred):
            y_pred = masked(y_pred)
        return [numpy(loss(call.y_true, y_pred, call.sample_weight))]
    # Float16 cannot hold a great gradient, for which Keras scales losses: what the
    # loss hands back is judged before it is rounded to the dtype of predictions.
    wide = ops.cast(y_pred, loss.dtype)
    value, gradient = value_and_gradient(
        lambda z: loss(call.y_true, masked(z), call.sample_weight), wide, call.mode
    )
    if y_pred.dtype != wide.dtype:
        value = numpy(loss(call.y_true, masked(y_pred), call.sample_weight))
    return [value, gradient]


def numpy(x):
    return ops.convert_to_numpy(x)


def is_ours(error):
    """Whether a line of keras_ccar raised it, with a message that names an argument."""
    frame = error.__traceback__
    while frame.tb_next is not None:
        frame = frame.tb_next
    return (
        isinstance(error, ValueError | TypeError)
        and frame.tb_frame.f_code.co_filename.startswith(PACKAGE)
        and re.search(r"`\w+`", str(error)) is not None
    )
