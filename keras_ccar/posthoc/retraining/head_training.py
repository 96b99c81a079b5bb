"""Trains the last layer of a model on features that were computed before."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_ccar.arguments import argument_error
from keras_ccar.datasets.samplers import class_balanced
from keras_ccar.layers.cosine_head import CosineHead
from keras_ccar.posthoc.data.batches import DATA, read_batches, row_weights, rows_of
from keras_ccar.posthoc.data.labels import read_labels
from keras_ccar.posthoc.data.masks import OutputMask, preprocessed
from keras_ccar.posthoc.data.model_inputs import inputs_for
from keras_ccar.posthoc.retraining.classifier_head import ClassifierHead

# Of Kang et al.: 0.1 for 256 examples in a batch.
_LEARNING_RATE = 0.1 / 256
_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)


class HeadExamples(NamedTuple):
    """What a head is trained on, a row for each prediction.

    Attributes:
        features: float32 input of the head, `(N, ...)`.
        labels: int64, `(N,)`.
        weights: sample weights, `(N,)`; None if all are 1.
    """

    features: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None


class HeadTraining(NamedTuple):
    """How a head is trained; the arguments are those of `retrain_classifier`."""

    epochs: int
    batch_size: int
    optimizer: keras.optimizers.Optimizer | None
    seed: int
    verbose: int

    def train_anew(
        self, layer: Any, examples: HeadExamples, loss: Any
    ) -> list[np.ndarray]:
        """Returns the weights of a layer that began anew.

        Args:
            layer: the head, which stays as it is.
            examples: to train on.
            loss: of labels and logits.
        """
        config = _logits_config(layer)
        for name, value in config.items():
            if name.endswith("_initializer") and isinstance(value, dict):
                inner = value.get("config") or {}
                if "seed" in inner:
                    config[name] = {**value, "config": {**inner, "seed": self.seed}}
        trained = type(layer).from_config(config)
        self._fit(trained, examples, loss)
        return trained.get_weights()

    def learn_scales(self, layer: Any, examples: HeadExamples, loss: Any) -> np.ndarray:
        """Returns a factor for each logit of a layer; see `train_anew`."""
        fixed = type(layer).from_config(_logits_config(layer))
        inputs = keras.Input(examples.features.shape[1:])
        logits = keras.Model(inputs, keras.layers.Flatten()(fixed(inputs)))
        fixed.set_weights(layer.get_weights())
        rows = logits.predict(examples.features, batch_size=self.batch_size, verbose=0)
        scales = _Scales()
        self._fit(scales, examples._replace(features=rows.astype("float32")), loss)
        return scales.get_weights()[0].astype("float64")

    def _fit(
        self,
        layer: keras.layers.Layer,
        examples: HeadExamples,
        loss: Any,
    ) -> None:
        layer.trainable = True
        labels = examples.labels
        inputs = keras.Input(examples.features.shape[1:])
        model = keras.Model(inputs, keras.layers.Flatten()(layer(inputs)))
        batch_size = min(self.batch_size, len(labels))
        steps = len(labels) // batch_size
        optimizer = self.optimizer or keras.optimizers.SGD(
            keras.optimizers.schedules.CosineDecay(
                _LEARNING_RATE * batch_size, self.epochs * steps
            ),
            momentum=0.9,
            weight_decay=5e-4,
        )
        model.compile(optimizer, loss)
        counts = np.bincount(labels, minlength=2)
        order, _ = class_balanced(
            (np.arange(len(labels)), labels), counts, self.epochs, seed=self.seed
        )
        model.fit(
            _batches_of(examples, order, batch_size),
            epochs=self.epochs,
            steps_per_epoch=steps,
            shuffle=False,  # the draws are shuffled
            verbose=self.verbose,
        )
        if not all(np.isfinite(weight).all() for weight in model.get_weights()):
            raise ValueError(
                "`optimizer` must not make the training diverge. Received: "
                f"{type(optimizer).__name__}, with which weights of the head are NaN "
                "or infinite. Pass one with a smaller learning rate."
            )


class _Scales(keras.layers.Layer):
    """One factor for each logit, which does not turn a class round."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.scales = self.add_weight(
            shape=(input_shape[-1],),
            initializer="ones",
            constraint=keras.constraints.NonNeg(),
            name="scales",
        )

    def call(self, inputs: Any) -> Any:
        return inputs * ops.cast(self.scales, inputs.dtype)


def read_features(
    model: keras.Model,
    found: ClassifierHead,
    data: Any,
    are_labels: bool,
    ignore_class: int | None,
    ignore_value: float | None,
    batch_size: int,
) -> HeadExamples:
    """Returns what the head gets, with labels and weights.

    Args:
        model: the model.
        found: its head.
        data: `(x, y)`, or batches.
        are_labels: whether the output is one yes-or-no label.
        ignore_class: the label of examples to leave out.
        ignore_value: what stands for a missing answer of the yes-or-no label.
        batch_size: of arrays.

    Returns:
        The examples. Weights are float64, 1 where the data have none; examples of
        weight 0 are left out, and those that the Keras mask of the model leaves out.
    """
    _check_rows(found)
    network = found.feature_network(model)
    mask = OutputMask(model)
    output_rank = len(model.outputs[0].shape)
    rows, answers, found_weights = [], [], []
    for x, given, weights, options in read_batches(data, "data", batch_size):
        if given is None:
            raise argument_error("data", data, f"data with labels: {DATA}")
        x = inputs_for(model, x)
        features = np.asarray(network.predict(preprocessed(model, x), **options))
        shape = tuple(found.layer.compute_output_shape(features.shape))
        if len(shape) != output_rank:  # reshaped after the head
            shape = (len(features), *model.outputs[0].shape[1:])
        if len(found.output.shape) > 2:
            single = (1,) * (features.ndim - 2)
            features = features.reshape(-1, *single, features.shape[-1])
        counted = mask.predict(x, shape, options)
        if counted is not None:
            given, weights = rows_of(given, counted), rows_of(weights, counted)
            features = features[counted.ravel()]
            shape = (len(features), shape[-1])
        labels = read_labels(
            given, shape, are_labels, "data", ignore_class, ignore_value
        )
        weights = row_weights(weights, shape[:-1], "data")
        kept = weights > 0
        if ignore_class is not None and not are_labels:
            kept &= labels != ignore_class
        if are_labels:
            kept &= ~np.isnan(labels).reshape(len(kept))
        rows.append(features[kept].astype("float32"))
        answers.append(labels.reshape(len(kept))[kept])
        found_weights.append(weights[kept])
    if not sum(map(len, answers)):
        raise ValueError("`data` must hold examples that count. Received: none")
    every_label = np.concatenate(answers).astype("int64")
    every_weight = np.concatenate(found_weights)
    return HeadExamples(np.concatenate(rows), every_label, every_weight)


def weigh_within_classes(examples: HeadExamples) -> HeadExamples:
    """Returns examples whose weights have the mean 1 in each class.

    The draws give every class the same weight, which other means would change.
    """
    labels, weights = examples.labels, examples.weights
    if weights is None:
        return examples
    sums = np.bincount(labels, weights)
    relative = weights * (np.bincount(labels) / np.where(sums > 0, sums, 1))[labels]
    is_plain = np.allclose(relative, 1)
    return examples._replace(weights=None if is_plain else relative.astype("float32"))


def _check_rows(found: ClassifierHead) -> None:
    """Refuses a head of maps whose output at a place depends on other places too."""
    layer, rank = found.layer, len(found.output.shape)
    by_place = isinstance(layer, keras.layers.Dense | CosineHead)
    if isinstance(layer, keras.layers.EinsumDense):
        by_place = len(layer.kernel.shape) == 2 and len(found.features.shape) == rank
    elif isinstance(layer, _CONVOLUTIONS):
        by_place = (
            set(layer.kernel_size) | set(layer.strides) == {1}
            and layer.groups == 1
            and layer.data_format == "channels_last"
        )
    if rank > 2 and not by_place:
        raise ValueError(
            "`head` must compute each place of a map from the features of this place "
            "alone, channels last. Received: the layer "
            f"{layer.name!r}, {type(layer).__name__}, with output of shape "
            f"{found.output.shape}. Use method='tau-norm', or end the model with a "
            "convolution of size 1."
        )


def _logits_config(layer: Any) -> dict[str, Any]:
    """Returns the configuration of a layer without its activation."""
    config = dict(layer.get_config())
    if "activation" in config:
        config["activation"] = "linear"
    return config


def _batches_of(
    examples: HeadExamples, order: np.ndarray, batch_size: int
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yields whole batches, so that the step is compiled once."""
    for start in range(0, len(order) - batch_size + 1, batch_size):
        drawn = order[start : start + batch_size]
        yield tuple(part[drawn] for part in examples if part is not None)
