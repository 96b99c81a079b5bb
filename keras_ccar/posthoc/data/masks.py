"""The Keras mask of a model's output, which tells padding from what counts."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ccar.keras_internals import all_layers, get_keras_mask

_PACKAGES = ("keras", "keras_ccar")


class OutputMask:
    """Which predictions of a model its own mask counts, as `evaluate` does.

    A mask begins at `Embedding(mask_zero=True)`, at `Masking`, or at layers of the
    user's own. A model with its own `predict_step` gets its inputs in a way that only
    this step knows, so it has no mask here.

    Args:
        model: a `keras.Model` with one output.
    """

    def __init__(self, model: keras.Model) -> None:
        has_own_step = type(model).predict_step is not keras.Model.predict_step
        may_mask = any(map(_may_begin_mask, all_layers(model)))
        self._of = model
        self._masks = MaskModel(model) if may_mask and not has_own_step else None

    def predict(
        self, x: Any, shape: tuple[int, ...], options: dict[str, Any]
    ) -> np.ndarray | None:
        """Returns which predictions count, of the shape of the output without columns.

        Args:
            x: inputs, as `model.predict` takes them.
            shape: that of the output, `(N, ..., K)`.
            options: those of `model.predict`.

        Returns:
            Booleans `(N, ...)`, None if all count.

        Raises:
            ValueError: for a mask of another shape.
        """
        if self._masks is None or len(shape) < 2:
            return None
        inputs = preprocessed(self._of, x)
        if self._masks.has_mask is None:
            # Most models have none, whatever their layers: one example tells it.
            first = keras.tree.map_structure(lambda part: part[:1], inputs)
            self._masks.predict(first, **options)
        if not self._masks.has_mask:
            return None
        mask = np.asarray(self._masks.predict(inputs, **options))
        if mask.all():
            return None
        rows = shape[:-1]
        if mask.shape == (*rows, 1):
            mask = mask[..., 0]
        if mask.shape != rows[: mask.ndim]:
            raise ValueError(
                "`model` must have a Keras mask of the shape of its output without "
                f"the last axis, {rows}. Received: a mask of shape {mask.shape}. Pass "
                "predictions as an array, and leave out those that do not count."
            )
        behind = (1,) * (len(rows) - mask.ndim)
        return np.broadcast_to(mask.reshape(*mask.shape, *behind), rows)


def preprocessed(model: keras.Model, x: Any) -> Any:
    """Returns inputs after what models of KerasHub do to them in `predict`."""
    preprocess = getattr(model, "preprocess_samples", None)
    if preprocess is None:
        return x
    return keras.utils.unpack_x_y_sample_weight(preprocess(x))[0]


class MaskModel(keras.Model):
    """Returns the mask of a model's output; ones, if it has none.

    Attributes:
        has_mask: whether the output has one; None before the first call.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.model = model
        self.has_mask: bool | None = None

    def call(self, inputs: Any) -> Any:
        """Returns booleans, one for each prediction, or for each example."""
        # Layers of augmentation would train by default, and with them those behind
        # them: batch normalisation would learn from the data that are measured.
        output = self.model(inputs, training=False)
        mask = get_keras_mask(output)
        self.has_mask = mask is not None
        if mask is None:
            mask = ops.ones_like(output[..., 0])
        return ops.cast(mask, "bool")


def _may_begin_mask(layer: Any) -> bool:
    if isinstance(layer, keras.layers.Embedding):
        return bool(layer.mask_zero)
    is_own = type(layer).__module__.partition(".")[0] not in _PACKAGES
    return isinstance(layer, keras.layers.Masking) or is_own
