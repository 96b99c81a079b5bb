"""Blocks of calls that share one compiled function, and differ in their values."""

import dataclasses
from typing import Any

import numpy as np
from fuzzing.free_calls import needs_numbers, numpy_dtype
from unusual import oracle

import keras_ccar
from keras_ccar import adjustments, weightings

SHAPES = [(5,), (5,), (8,), (1,), (2, 3), (2, 1), (2, 2, 3)]
CLASSES = [2, 3, 3, 10]
HALVES = ["float16", "bfloat16"]
LABEL_DTYPES = ["int8", "uint8", "int32", "int64", "float32"]
REDUCTIONS = ["sum_over_batch_size", "sum", "mean_with_sample_weight", None]

# The parts of losses, and how the oracle computes them. Strengths and the like are
# those for which float32 is near to float64.
WEIGHTINGS = [
    (None, None),
    (weightings.CCARWeighting(), oracle.ccar()),
    (weightings.CCARWeighting(0.5, 2.5), oracle.ccar(0.5, 2.5)),
    (
        weightings.CCARWeighting(form="power", strength=3),
        oracle.ccar(form="power", strength=3),
    ),
    (weightings.CCARWeighting(form="information"), oracle.ccar(form="information")),
    (weightings.CCARWeighting(form="inverse"), oracle.ccar(form="inverse")),
    (weightings.InverseFrequency(), oracle.inverse_frequency()),
    (weightings.EffectiveNumber(0.99), oracle.effective_number(0.99)),
    (weightings.Focal(), oracle.focal()),
]
ADJUSTMENTS = [
    (None, None),
    (None, None),
    (adjustments.LogitAdjustment(), oracle.logit_adjustment()),
    (adjustments.LogitAdjustment(0.5), oracle.logit_adjustment(0.5)),
    (adjustments.LogitAdjustment(smoothing=2), oracle.logit_adjustment(1, 2)),
    (adjustments.LDAMMargin(0.25, 3.0), oracle.ldam(0.25, 3.0)),
]


def named_losses(rng):
    """A named loss with random arguments, and its weighting and adjustment."""
    tau, smoothing = rng.choice([0.5, 1.0, 2.0]), rng.choice([0.0, 0.0, 1.0])
    gamma, beta = rng.choice([0.5, 1.0, 2.0]), rng.choice([0.9, 0.999])
    pivot, strength = rng.choice([0.5, 0.75, 1.0]), rng.choice([0.5, 1.0, 3.0])
    form = rng.choice(["exponential", "power", "information", "inverse"])
    strength = 1.0 if form == "inverse" else strength
    margin, scale = rng.choice([0.0, 0.5]), rng.choice([1.0, 30.0])
    return [
        (keras_ccar.CCARLoss, (pivot, strength, str(form)), oracle.ccar, None),
        (keras_ccar.BalancedSoftmaxLoss, (), None, oracle.logit_adjustment),
        (
            keras_ccar.LogitAdjustedLoss,
            (tau, smoothing),
            None,
            oracle.logit_adjustment,
        ),
        (keras_ccar.LDAMLoss, (margin, scale), None, oracle.ldam),
        (keras_ccar.ClassBalancedLoss, (beta,), oracle.effective_number, None),
        (keras_ccar.InverseFrequencyLoss, (), oracle.inverse_frequency, None),
        (keras_ccar.FocalLoss, (gamma,), oracle.focal, None),
    ][rng.integers(7)]


@dataclasses.dataclass
class Values:
    """What one call is given, in the shapes of its block."""

    labels: Any
    predictions: Any
    weights: Any
    mask: Any
    # What the oracle computes with: distributions or targets, class axis last.
    meant: Any = None
    included: Any = None
    wrong: str | None = None
    # Whether a direct call may be NaN instead of an error.
    may_be_nan: bool = False


class Block:
    """An object with its arguments, and the shapes and dtypes of its calls."""

    def __init__(self, number):
        self.rng = rng = np.random.default_rng([number, 0])
        self.kind = str(
            rng.choice(["loss"] * 6 + ["binary"] + ["metric"] * 2 + ["correction"])
        )
        self.shape = SHAPES[rng.integers(len(SHAPES))]
        self.num_classes = CLASSES[rng.integers(len(CLASSES))]
        self.axis = 1 if len(self.shape) > 1 and rng.uniform() < 0.3 else -1
        self.from_logits = bool(rng.uniform() < 0.7)
        self.dtype = str(rng.choice(["float32"] * 4 + HALVES))
        self.ignored = [None, None, None, 255, -1, 0][rng.integers(6)]
        self.form = str(rng.choice(["sparse", "sparse", "column", "one-hot", "mixed"]))
        self.label_dtype = str(rng.choice(LABEL_DTYPES))
        if self.ignored == 255 and self.label_dtype == "int8":
            self.label_dtype = "int32"
        if self.ignored == -1 and self.label_dtype == "uint8":
            self.label_dtype = "int32"
        if self.form == "mixed" and self.ignored == 0:
            self.ignored = None
        self.weight_rank = None
        if rng.uniform() < 0.4:
            self.weight_rank = int(rng.integers(1, len(self.shape) + 1))
        self.is_masked = bool(rng.uniform() < 0.3)
        self.counts = self._counts()
        self.num_examples = max(1.0, float(self.counts.max() * rng.choice([1, 2, 1e3])))
        self.make = getattr(self, f"_make_{self.kind}")()

    def _counts(self):
        rank = np.arange(self.num_classes)
        counts = np.floor(1000 * 0.01 ** (rank / self.num_classes))
        kind = self.rng.integers(5)
        if kind == 1:
            counts = counts + 0.5
        elif kind == 2:
            counts = np.where(rank == 0, 1e6, 3.0)
        self.is_empty = kind == 3
        if self.is_empty:
            counts[-1] = 0
        self.is_share = kind == 4
        if self.is_share:
            counts = counts / counts.sum()
        return self.rng.permutation(counts)

    def _common(self):
        """The arguments that all losses share."""
        rng = self.rng
        self.reduction = REDUCTIONS[rng.integers(4)]
        self.smoothing = float(rng.choice([0.0, 0.0, 0.1]))
        self.normalize = [False, True, "batch"][rng.choice(3, p=[0.6, 0.25, 0.15])]
        return {
            "from_logits": self.from_logits,
            "reduction": self.reduction,
            "label_smoothing": self.smoothing,
            "normalize": self.normalize,
        }

    def _make_loss(self):
        common = self._common() | {"ignore_class": self.ignored, "axis": self.axis}
        counts = self.counts
        if self.rng.uniform() < 0.4:
            weighting, self.weigh = WEIGHTINGS[self.rng.integers(len(WEIGHTINGS))]
            adjustment, self.adjust = ADJUSTMENTS[self.rng.integers(len(ADJUSTMENTS))]

            def make(counts):
                return keras_ccar.LongTailedCrossentropy(
                    counts, weighting, adjustment, **common
                )
        else:
            loss, own, weigh, adjust = named_losses(self.rng)
            self.weigh = weigh and weigh(*own)
            self.adjust = adjust and adjust(*own)

            def make(counts):
                if loss is keras_ccar.FocalLoss:
                    return loss(*own, class_counts=counts, **common)
                return loss(counts, *own, **common)

        if self.is_share and needs_numbers(make(counts * 1000 + 1)):
            counts = counts * 1000
        if self.is_empty and _takes_logarithm(make(counts + 1)):
            counts = counts + 1
        self.counts = counts
        self.in_sum = bool(self.rng.uniform() < 0.2)
        if not self.in_sum:
            return lambda: make(self.counts)
        plain = keras_ccar.LongTailedCrossentropy
        return lambda: keras_ccar.WeightedSum(
            [(0.5, make(self.counts)), (2.0, plain(None, **common))]
        )

    def _make_binary(self):
        common = self._common()
        self.form, self.axis = "targets", -1
        self.ignored = [None, -1.0, float("nan")][self.rng.integers(3)]
        form = str(self.rng.choice(["exponential", "power", "information"]))
        self.weigh = oracle.ccar(form=form)
        return lambda: keras_ccar.BinaryCCARLoss(
            self.counts,
            self.num_examples,
            form=form,
            ignore_value=self.ignored,
            **common,
        )

    def _make_metric(self):
        common = {"ignore_class": self.ignored, "axis": self.axis}
        name = str(
            self.rng.choice(
                [
                    "BalancedAccuracy",
                    "PerClassRecall",
                    "ShotAccuracy",
                    "ExpectedCalibrationError",
                ]
            )
        )
        self.name = name
        metric = getattr(keras_ccar, name)
        if name == "ExpectedCalibrationError":
            return lambda: metric(from_logits=self.from_logits, **common)
        if name == "ShotAccuracy":
            if self.is_share:
                self.counts = self.counts * 1000
            return lambda: metric(self.counts, **common)
        return lambda: metric(self.num_classes, **common)

    def _make_correction(self):
        self.counts = self.counts + self.is_empty
        self.tau = float(self.rng.choice([0.5, 1.0]))
        self.target = None
        if self.rng.uniform() < 0.5:
            self.target = self.rng.uniform(0.1, 1, self.num_classes)
        return lambda: keras_ccar.LogitCorrection(
            self.counts, self.tau, self.target, self.from_logits, self.axis
        )

    # Values of a call.

    def values(self, number):
        """The values of a call, made from its number alone."""
        rng = np.random.default_rng([number, 1])
        values = self._well_formed(rng)
        if rng.uniform() < 0.25:
            self._spoil(values, rng)
        return values

    def _well_formed(self, rng):
        shape, k = self.shape, self.num_classes
        predictions = self._predictions(rng)
        weighed = (*shape, k) if self.kind == "binary" else shape
        weights, mask = None, None
        if self.weight_rank is not None:
            weights = rng.choice([0.0, 0.5, 1.0, 3.0], shape[: self.weight_rank])
            weights = weights.astype("float32")
        included = np.ones(weighed, bool)
        if self.is_masked:
            mask = rng.uniform(size=shape) < rng.choice([0.0, 0.6, 0.9])
            included &= _expand(mask, weighed)
        values = Values(None, predictions, weights, mask, included=included)
        self._label(values, rng)
        return values

    def _predictions(self, rng):
        shape = (*self.shape, self.num_classes)
        logits = rng.normal(scale=rng.choice([0.1, 1.0, 3.0]), size=shape)
        if not self.from_logits:
            p = 1 / (1 + np.exp(-logits))
            if self.kind != "binary":
                p = np.exp(oracle.log_softmax(logits)) * rng.choice([0.5, 1.0])
            logits = np.clip(p, 1e-4, 1 - 1e-4)
        return np.asarray(logits.astype(numpy_dtype(self.dtype)), "float32")

    def _label(self, values, rng):
        shape, k = self.shape, self.num_classes
        if self.form == "targets":
            labels = (rng.uniform(size=(*shape, k)) < 0.3) * 1.0
            values.meant = labels.copy()
            if self.ignored is not None:
                unknown = rng.uniform(size=labels.shape) < 0.2
                labels[unknown] = self.ignored
                values.included &= ~unknown
            values.labels = labels.astype("float32")
            return
        classes = rng.integers(0, k, shape)
        values.meant = one_hot = np.eye(k)[classes]
        out = np.zeros(shape, bool)
        if self.ignored is not None:
            out = rng.uniform(size=shape) < 0.2
            if 0 <= self.ignored < k:
                out |= classes == self.ignored
            values.included = values.included & ~out
        if self.form in ("sparse", "column"):
            ignored = 0 if self.ignored is None else self.ignored
            labels = np.where(out, ignored, classes)
            labels = labels.astype(self.label_dtype)
            values.labels = labels[..., None] if self.form == "column" else labels
            if self.form == "column" and self.axis != -1:
                values.labels = np.moveaxis(values.labels, -1, self.axis)
            return
        if self.form == "mixed":
            share = rng.uniform(size=(*shape, 1))
            one_hot = share * one_hot + (1 - share) * np.roll(one_hot, 1, axis=-1)
            values.meant = one_hot
        row = np.zeros(k)
        if self.ignored is not None and 0 <= self.ignored < k and rng.uniform() < 0.5:
            row = np.eye(k)[self.ignored]
        labels = np.where(out[..., None], row, one_hot).astype("float32")
        values.labels = (
            labels if self.axis == -1 else np.moveaxis(labels, -1, self.axis)
        )

    def _spoil(self, values, rng):
        """Puts one wrong value into a sample that counts, if there is one."""
        counts = values.included & (self._weights_of(values) != 0)
        if self.kind == "correction":
            place = (*(0,) * len(self.shape), rng.integers(self.num_classes))
            self._spoil_predictions(values, rng, place)
            return
        places = np.argwhere(counts)
        if not len(places):
            return
        place = tuple(places[rng.integers(len(places))])
        sample = place[: len(self.shape)]
        what = str(rng.choice(["labels", "labels", "predictions", "weights"]))
        if what == "weights" and values.weights is not None:
            values.weights[sample[: values.weights.ndim]] = rng.choice([np.nan, np.inf])
            values.wrong = "weights: not finite"
        elif what == "predictions":
            if self.kind != "binary":
                place = (*place, rng.integers(self.num_classes))
            self._spoil_predictions(values, rng, place)
        else:
            self._spoil_labels(values, rng, place)

    def _spoil_predictions(self, values, rng, place):
        wrong = float(rng.choice([np.nan] if self.from_logits else [np.nan, -0.5, 1.5]))
        if self.kind == "metric" and self.name != "ExpectedCalibrationError":
            wrong = np.nan
        values.predictions[place] = wrong
        values.wrong = f"predictions: {wrong}"
        values.may_be_nan = bool(np.isnan(wrong))

    def _spoil_labels(self, values, rng, place):
        k, dtype = self.num_classes, np.dtype(values.labels.dtype)
        if self.form == "targets":
            wrong = [2.0, -0.5, np.inf]
        elif self.form in ("sparse", "column"):
            wrong = [k, k + 100] + [-2] * (dtype.kind != "u")
            wrong += [0.5, np.nan] * (dtype.kind == "f")
        else:
            wrong = [[0.0] * k, [1.0] * k, [2.0, -1.0] + [0.0] * (k - 2)]
            if self.ignored is not None:
                wrong = wrong[1:]
        wrong = wrong[rng.integers(len(wrong))]
        if wrong == self.ignored:
            return
        labels = values.labels
        if self.form == "column":
            labels = np.moveaxis(labels, self.axis, -1)[..., 0]
        elif self.form in ("one-hot", "mixed"):
            labels = np.moveaxis(labels, self.axis, -1)
        labels[place] = wrong  # a view
        values.wrong = f"labels: {wrong}"

    # What is right.

    def expected(self, values):
        """The value of the oracle."""
        weights = np.where(values.included, self._weights_of(values), 0)
        if self.kind == "correction":
            z = oracle.to_logits(values.predictions, self.from_logits)
            z = oracle.correct(z, self.counts, self.tau, self.target)
            z = z if self.from_logits else np.exp(oracle.log_softmax(z))
            return np.moveaxis(z, -1, self.axis)
        if self.kind == "metric":
            return self._expected_metric(values, weights)
        losses = self._losses(values, values.included & (weights != 0))
        if self.reduction is None:
            return np.where(weights == 0, 0, losses) * weights
        return oracle.reduce(
            losses, self._weights_of(values), values.included, self.reduction
        )

    def _weights_of(self, values):
        if values.weights is None:
            return np.ones(values.included.shape)
        return _expand(values.weights.astype("float64"), values.included.shape)

    def _losses(self, values, counted):
        predictions = values.predictions.astype("float64")
        if self.kind == "binary":
            z = predictions
            if not self.from_logits:
                # The losses take 0 for 1e-20.
                z = np.log(np.maximum(z, 1e-20)) - np.log(np.maximum(1 - z, 1e-20))
            return oracle.binary_losses(
                values.meant,
                z,
                self.counts,
                self.num_examples,
                self.weigh,
                self.smoothing,
                self.normalize,
                counted,
            )
        z = oracle.to_logits(predictions, self.from_logits)
        losses = oracle.softmax_losses(
            values.meant,
            z,
            self.counts,
            self.weigh,
            self.adjust,
            self.smoothing,
            self.normalize,
            counted,
        )
        if not self.in_sum:
            return losses
        plain = oracle.softmax_losses(values.meant, z, smoothing=self.smoothing)
        return 0.5 * losses + 2.0 * plain

    def _expected_metric(self, values, weights):
        k = self.num_classes
        labels, weights = values.meant.argmax(-1).ravel(), weights.ravel()
        predictions = values.predictions.astype("float64").reshape(-1, k)
        if self.name == "ExpectedCalibrationError":
            p = predictions / predictions.sum(-1, keepdims=True)
            if self.from_logits:
                p = np.exp(oracle.log_softmax(predictions))
            return oracle.calibration_error(labels, p, weights)
        recalls = oracle.recalls(labels, predictions.argmax(-1), weights, k)
        if self.name == "PerClassRecall":
            return recalls
        balanced = oracle.mean_of_known(recalls)
        if self.name == "BalancedAccuracy":
            return balanced
        groups = {
            "many": self.counts > 100,
            "medium": (self.counts >= 20) & (self.counts <= 100),
            "few": self.counts < 20,
        }
        found = {
            name: oracle.mean_of_known(recalls[members])
            for name, members in groups.items()
            if members.any()
        }
        return {**found, "balanced": balanced}

    def near_an_edge(self, values):
        """Whether rounding decides the bin of a confidence of the calibration error."""
        if self.kind != "metric" or self.name != "ExpectedCalibrationError":
            return False
        predictions = values.predictions.astype("float64")
        p = predictions / predictions.sum(-1, keepdims=True)
        if self.from_logits:
            p = np.exp(oracle.log_softmax(predictions))
        confidence = p.max(-1) * 15
        return bool((np.abs(confidence - np.rint(confidence)) < 1e-4).any())


def _takes_logarithm(loss):
    adjustment = loss.adjustment
    return (
        isinstance(adjustment, adjustments.LogitAdjustment) and not adjustment.smoothing
    )


def _expand(values, shape):
    values = values.reshape(values.shape + (1,) * (len(shape) - values.ndim))
    return np.broadcast_to(values, shape)
