"""Batch normalisation as the published networks compute it, by one fast operation."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_ccar")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Normalises images `(B, height, width, channels)` over all but the channels.

    While it trains, it differs from Keras's layer in two ways. TensorFlow computes it
    by one operation, where Keras composes it of ten, which take a fifth of a training
    step on a CPU. And the moving variance follows the unbiased variance of a batch, as
    PyTorch's does; the images of the batch are normalised by the biased one.

    Takes no mask. The momentum and the epsilon are PyTorch's defaults, which the
    published recipes used: with Keras's momentum of 0.99, the moving statistics lag
    behind in a run of a few hundred steps.
    """

    def __init__(
        self, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs: Any
    ) -> None:
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Returns the normalised images; updates the moving statistics in training."""
        if not (training and self.trainable):
            return super().call(inputs, training=training)
        if keras.backend.backend() == "tensorflow":
            outputs, mean, variance = self._fused(inputs)
        else:
            images = ops.cast(inputs, "float32")
            mean, biased = ops.moments(images, axes=(0, 1, 2))
            outputs = ops.batch_normalization(
                images, mean, biased, -1, self.beta, self.gamma, self.epsilon
            )
            outputs = ops.cast(outputs, self.compute_dtype)
            count = ops.cast(ops.size(images), "float32") / images.shape[-1]
            variance = biased * count / ops.maximum(count - 1, 1)
        for moving, found in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(moving * self.momentum + found * (1 - self.momentum))
        return outputs

    def _fused(self, images: Any) -> tuple[Any, Any, Any]:
        import tensorflow as tf

        return tf.raw_ops.FusedBatchNormV3(
            x=images,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=self.epsilon,
            is_training=True,
        )[:3]
