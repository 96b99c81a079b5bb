"""The public objects under test: how to make, run and compute each of them."""

import functools

import keras
import metric_oracles
import numpy as np
from keras import ops
from keras.src.backend import set_keras_mask
from unusual import oracle
from unusual.calls import K, sane_call

import keras_ccar
from keras_ccar import adjustments, weightings

BACKEND = keras.backend.backend()


def to_numpy(x):
    return keras.tree.map_structure(
        lambda leaf: np.asarray(ops.convert_to_numpy(leaf), "float64"), x
    )


def masked(predictions, mask):
    """A copy of the predictions with the mask that a Keras layer would attach."""
    if mask is not None:
        predictions = ops.copy(ops.convert_to_tensor(predictions))
        set_keras_mask(predictions, mask)
    return predictions


class Subject:
    """A public object: `covers` are the names that it stands for."""

    family = ""
    takes_counts = True
    is_compiled = True
    in_fit = False
    errors = (ValueError, TypeError)

    def __init__(self, name, make, covers=()):
        self.name = name
        self.make = make
        self.covers = covers or (name.partition("(")[0],)

    def sane_call(self, shape):
        return sane_call(shape, from_logits=True)

    def takes(self, call):
        """Whether the object can be given such arguments at all."""
        return True

    def build(self, call):
        counts = {"class_counts": call.counts} if self.takes_counts else {}
        return self.make(**counts, **call.arguments)

    def run(self, built, labels, predictions, weights, mask):
        """What the object computes, outside of a compiled step."""
        raise NotImplementedError

    def trace(self, *arguments):
        """The same within a step that is compiled."""
        return self.run(*arguments)

    def expected(self, call):
        """What is right, in float64."""
        raise NotImplementedError

    def run_eagerly(self, call):
        predictions, mask = call.predictions, call.mask
        if mask is not None:
            mask = ops.convert_to_tensor(mask)
        built = self.build(call)
        return to_numpy(self.run(built, call.labels, predictions, call.weights, mask))


class LossSubject(Subject):
    family = "losses"

    def __init__(
        self,
        name,
        make,
        weigh=None,
        adjust=None,
        normalize=False,
        smoothing=None,
        needs_numbers=False,
        covers=(),
    ):
        super().__init__(name, make, covers)
        self.weigh, self.adjust, self.normalize = weigh, adjust, normalize
        # The argument that fills classes without examples, if it needs that.
        self.smoothing = smoothing
        self.needs_numbers = needs_numbers

    def smooth(self, call):
        """The call that the message about classes without examples advises."""
        if self.smoothing == "smoothing":
            return call.pass_(smoothing=1)
        return call.pass_(adjustment=adjustments.LogitAdjustment(smoothing=1))

    def run(self, built, labels, predictions, weights, mask):
        return built(labels, masked(predictions, mask), weights)

    def expected(self, call):
        return reduced(call, self.losses(call))

    def losses(self, call):
        meant, arguments = call.meaning, call.arguments
        adjust = self.adjust
        if self.smoothing and {"smoothing", "adjustment"} & set(arguments):
            adjust = oracle.logit_adjustment(smoothing=1)
        return oracle.softmax_losses(
            meant.labels,
            oracle.to_logits(meant.predictions, arguments["from_logits"]),
            None if meant.counts is None else list(meant.counts),
            self.weigh,
            adjust,
            normalize=self.normalize,
            counted=meant.included & (meant.weights != 0),
        )


def reduced(call, losses):
    return oracle.reduce(losses, call.meaning.weights, call.meaning.included)


class SumSubject(LossSubject):
    """`WeightedSum` of two losses."""

    def __init__(self, parts):
        def make(smoothing=0, **arguments):
            losses = []
            for weight, part in parts:
                own = {"smoothing": smoothing} if part.smoothing else {}
                losses.append((weight, part.make(**own, **arguments)))
            return keras_ccar.WeightedSum(losses)

        super().__init__("WeightedSum", make, smoothing="smoothing")
        self.parts = parts

    def losses(self, call):
        return sum(weight * part.losses(call) for weight, part in self.parts)


class BinarySubject(LossSubject):
    family = "binary"

    def sane_call(self, shape):
        return sane_call(shape, True, num_examples=625, from_logits=True)

    def losses(self, call):
        meant = call.meaning
        z = meant.predictions
        if not call.arguments["from_logits"]:
            z = np.log(z) - np.log1p(-z)
        return oracle.binary_losses(
            meant.labels,
            z,
            meant.counts,
            meant.num_examples,
            self.weigh,
            normalize=self.normalize,
            counted=meant.included & (meant.weights != 0),
        )


class MetricSubject(Subject):
    family = "metrics"

    def __init__(self, name, make, compute, takes_counts=False):
        super().__init__(name, make)
        self.compute, self.takes_counts = compute, takes_counts

    def sane_call(self, shape):
        return sane_call(shape)

    def run(self, built, labels, predictions, weights, mask):
        built.reset_state()
        built.update_state(labels, masked(predictions, mask), weights)
        return built.result()

    def trace(self, built, labels, predictions, weights, mask):
        if BACKEND != "jax":
            return self.run(built, labels, predictions, weights, mask)
        state = [np.zeros(v.shape, v.dtype) for v in built.variables]
        predictions = masked(predictions, mask)
        state = built.stateless_update_state(state, labels, predictions, weights)
        return built.stateless_result(state)

    def expected(self, call):
        meant = call.meaning
        weights = (meant.weights * meant.included).ravel()
        labels = meant.labels.argmax(-1).ravel()
        predictions = meant.predictions.reshape(-1, meant.predictions.shape[-1])
        return self.compute(call, labels, predictions, weights)


class CalibrationSubject(MetricSubject):
    family = "calibration"

    def sane_call(self, shape):
        return sane_call(shape, from_logits=True)


class CorrectionSubject(Subject):
    family = "correction"

    def run(self, built, labels, predictions, weights, mask):
        return built(ops.convert_to_tensor(predictions))

    def expected(self, call):
        meant, from_logits = call.meaning, call.arguments["from_logits"]
        z = oracle.to_logits(meant.predictions, from_logits)
        z = oracle.correct(z, meant.counts)
        z = z if from_logits else np.exp(oracle.log_softmax(z))
        axis = call.arguments.get("axis", -1)
        return np.moveaxis(z, -1, axis)


class HeadSubject(Subject):
    """`CosineHead`, whose inputs are features."""

    family = "head"
    takes_counts = False

    def __init__(self):
        super().__init__("CosineHead", lambda: keras_ccar.layers.CosineHead(K))

    def sane_call(self, shape):
        return sane_call(shape)

    def build(self, call):
        head = super().build(call)
        head.build((None, K))
        head.kernel.assign(np.arange(K * K).reshape(K, K) % 5 - 1.5)
        return head

    def run(self, built, labels, predictions, weights, mask):
        return built(ops.convert_to_tensor(predictions))

    def expected(self, call):
        kernel = np.arange(K * K).reshape(K, K) % 5 - 1.5
        features = call.meaning.predictions
        lengths = np.linalg.norm(features, axis=-1, keepdims=True)
        features = features / np.where(lengths == 0, 1, lengths)
        return features @ (kernel / np.linalg.norm(kernel, axis=0))


def shot_accuracy(call, labels, predictions, weights):
    recalls = _recalls(call, labels, predictions, weights)
    counts = np.asarray(call.meaning.counts)
    groups = {
        "many": counts > 100,
        "medium": (counts >= 20) & (counts <= 100),
        "few": counts < 20,
    }
    found = {
        name: oracle.mean_of_known(recalls[members])
        for name, members in groups.items()
        if members.any()
    }
    return {**found, "balanced": oracle.mean_of_known(recalls)}


def _recalls(call, labels, predictions, weights):
    num_classes = predictions.shape[-1]
    return oracle.recalls(labels, predictions.argmax(-1), weights, num_classes)


def _named_recalls(call, *arguments):
    recalls, names = _recalls(call, *arguments), call.arguments.get("class_names")
    if names is None:
        return recalls
    return {f"recall_{name}": value for name, value in zip(names, recalls, strict=True)}


def _balanced(*arguments):
    return oracle.mean_of_known(_recalls(*arguments))


def _geometric_mean(*arguments):
    return metric_oracles.geometric_mean_of_known(_recalls(*arguments))


def _macro_f1(call, labels, predictions, weights):
    values = metric_oracles.f1(labels, predictions, weights)
    return oracle.mean_of_known(values)


def _average_precision(call, labels, predictions, weights):
    if call.arguments["from_logits"]:
        # The order of logits of thousands, which probabilities lose, is that of scores.
        predictions = oracle.log_softmax(predictions)
    else:
        predictions = predictions / predictions.sum(-1, keepdims=True)
    values = [
        metric_oracles.average_precision(labels == k, predictions[:, k], weights)
        for k in range(predictions.shape[-1])
    ]
    return oracle.mean_of_known(np.array(values))


def _calibration(call, labels, predictions, weights):
    if call.arguments["from_logits"]:
        predictions = np.exp(oracle.log_softmax(predictions))
    else:
        predictions = predictions / predictions.sum(-1, keepdims=True)
    return oracle.calibration_error(labels, predictions, weights)


def _with_classes(metric):
    return lambda num_classes=K, **arguments: metric(num_classes, **arguments)


def _loss_subjects():
    def engine(**parts):
        def make(class_counts, **arguments):
            return keras_ccar.LongTailedCrossentropy(
                class_counts, **{**parts, **arguments}
            )

        return make

    ccar_loss, named = keras_ccar.CCARLoss, keras_ccar
    information = weightings.CCARWeighting(form="information")
    ccar = LossSubject("CCARLoss", ccar_loss, oracle.ccar())
    balanced = LossSubject(
        "BalancedSoftmaxLoss",
        named.BalancedSoftmaxLoss,
        adjust=oracle.logit_adjustment(),
        smoothing="smoothing",
    )
    return [
        ccar,
        balanced,
        LossSubject("LongTailedCrossentropy", named.LongTailedCrossentropy),
        LossSubject(
            "LogitAdjustedLoss",
            lambda class_counts, **arguments: named.LogitAdjustedLoss(
                class_counts, 1.0, **arguments
            ),
            adjust=oracle.logit_adjustment(),
            smoothing="smoothing",
        ),
        LossSubject("LDAMLoss", named.LDAMLoss, adjust=oracle.ldam()),
        LossSubject(
            "ClassBalancedLoss",
            named.ClassBalancedLoss,
            oracle.effective_number(),
            needs_numbers=True,
        ),
        LossSubject(
            "InverseFrequencyLoss",
            named.InverseFrequencyLoss,
            oracle.inverse_frequency(),
        ),
        LossSubject("FocalLoss", named.FocalLoss, oracle.focal()),
        SumSubject([(0.5, ccar), (2.0, balanced)]),
        LossSubject(
            "CCARWeighting",
            engine(weighting=information, normalize=True),
            oracle.ccar(form="information"),
            normalize=True,
            covers=("CCARWeighting", "ccar_weight"),
        ),
        LossSubject(
            "CCARWeighting(form='inverse')",
            engine(weighting=weightings.CCARWeighting(form="inverse")),
            oracle.ccar(form="inverse"),
        ),
        LossSubject(
            "InverseFrequency",
            engine(weighting=weightings.InverseFrequency(), normalize=True),
            oracle.inverse_frequency(),
            normalize=True,
        ),
        LossSubject(
            "EffectiveNumber",
            engine(weighting=weightings.EffectiveNumber(0.99)),
            oracle.effective_number(0.99),
            needs_numbers=True,
        ),
        LossSubject(
            "Focal", engine(weighting=weightings.Focal(1.0)), oracle.focal(1.0)
        ),
        LossSubject(
            "LogitAdjustment",
            engine(adjustment=adjustments.LogitAdjustment()),
            adjust=oracle.logit_adjustment(),
            smoothing="adjustment",
        ),
        LossSubject(
            "LDAMMargin",
            engine(adjustment=adjustments.LDAMMargin(0.25, 2.0)),
            adjust=oracle.ldam(0.25, 2.0),
        ),
    ]


def _binary_subjects():
    def make(**parts):
        return lambda **arguments: keras_ccar.BinaryCCARLoss(**parts, **arguments)

    return [
        BinarySubject("BinaryCCARLoss", make(), oracle.ccar()),
        BinarySubject(
            "BinaryCCARLoss(form='information', normalize=True)",
            make(form="information", normalize=True),
            oracle.ccar(form="information"),
            normalize=True,
        ),
        BinarySubject(
            "BinaryCCARLoss(form='inverse')",
            make(form="inverse"),
            oracle.ccar(form="inverse"),
        ),
    ]


def _metric_subjects():
    return [
        MetricSubject(
            "BalancedAccuracy", _with_classes(keras_ccar.BalancedAccuracy), _balanced
        ),
        MetricSubject(
            "PerClassRecall", _with_classes(keras_ccar.PerClassRecall), _named_recalls
        ),
        MetricSubject(
            "ShotAccuracy", keras_ccar.ShotAccuracy, shot_accuracy, takes_counts=True
        ),
        MetricSubject(
            "GeometricMean", _with_classes(keras_ccar.GeometricMean), _geometric_mean
        ),
        MetricSubject("MacroF1", _with_classes(keras_ccar.MacroF1), _macro_f1),
        CalibrationSubject(
            "AveragePrecision",
            # It warns of logits beyond the limit.
            _with_classes(functools.partial(keras_ccar.AveragePrecision, limit=1e6)),
            _average_precision,
        ),
        CalibrationSubject(
            "ExpectedCalibrationError",
            keras_ccar.ExpectedCalibrationError,
            _calibration,
        ),
    ]


def tensor_subjects():
    """The objects that compute with tensors."""
    return [
        *_loss_subjects(),
        *_binary_subjects(),
        *_metric_subjects(),
        CorrectionSubject("LogitCorrection", keras_ccar.LogitCorrection),
        HeadSubject(),
    ]
