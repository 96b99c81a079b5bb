"""Initializers of the last layer of a long-tailed classifier."""

from typing import Any, Self

import keras
from keras import ops

from keras_ccar.arguments import check_number
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts, require_numbers_of_examples
from keras_ccar.output_counts import output_logits, read_output_counts

__all__ = ["PriorBias"]


@keras.saving.register_keras_serializable(package="keras_ccar")
class PriorBias(keras.initializers.Initializer):
    """Starts the bias of the last layer at the prior of the training data.

    The first predictions are then the class frequencies, so that training does not
    spend its first epochs on learning that rare classes are rare. A label of a sigmoid
    output starts at its log-odds `log(yes / no)`, a class of a softmax at its log
    frequency `log f`. The counts tell which of the two is meant; `[no, yes]` is a label
    for a bias of shape `(1,)`, and two classes for one of shape `(2,)`.

    It is meant for training with plain cross-entropy, whose probabilities follow the
    data. Rebalanced training, by class weights, a balancing sampler or an adjusted loss
    such as `BinaryLogitAdjustedLoss`, has balanced probabilities as its aim: begin it
    with a bias of 0, or it says no for longer. Import this package before you load a
    model that was saved with it.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`. For labels, those of no and yes: `[no, yes]` of one
            label, or shape `(K, 2)`, as `count_classes(..., multi_label=True)` returns
            them. With `num_examples`, those that carry each label, `(K,)`.
        num_examples: N, the number of examples of labels, one for all or of shape
            `(K,)`. None if `class_counts` has both answers, and for classes.
        smoothing: added to every count before the logarithm, of both answers for
            labels, for data in which some have no examples yet.

    Call arguments:
        shape: of the bias: `(K,)`, or `(1,)` for `[no, yes]`.
        dtype: of the bias; None for Keras's `floatx`.

    Returns:
        A tensor of that shape and dtype.

    Raises:
        ValueError: for arguments other than these; for classes without examples, and
            labels that no or all examples carry, if `smoothing` is 0; for shares
            instead of numbers of examples if it is not; when called, for another shape.

    Reference:
        Lin et al. 2017, arXiv 1708.02002, Sec. 3.3, with the prior that was counted.

    Example:
    ```python
    import keras
    import keras_ccar

    bias = keras_ccar.initializers.PriorBias([284_315, 492])
    model = keras.Sequential(
        [
            keras.Input((30,)),
            keras.layers.Dense(1, activation="sigmoid", bias_initializer=bias),
        ]
    )
    ```
    """

    def __init__(
        self,
        class_counts: ClassCounts,
        num_examples: NumExamples = None,
        smoothing: float = 0.0,
    ) -> None:
        self._counts = read_output_counts(class_counts, num_examples)
        self.class_counts = self._counts.class_counts
        self.num_examples = self._counts.num_examples
        self.smoothing = check_number("smoothing", smoothing, 0)
        if self.smoothing:
            require_numbers_of_examples(self._counts.examples, "`smoothing`")
        else:
            self._counts.require_examples(
                "Pass `smoothing=1`, which adds 1 to every count."
            )

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Returns the bias."""
        shape = tuple(shape)
        if len(shape) != 1 or not self._counts.fit(shape[0]):
            raise ValueError(self._advise(shape))
        logits = output_logits(self._counts.examples + self.smoothing, shape[0])
        dtype = keras.backend.standardize_dtype(dtype)
        return ops.cast(ops.convert_to_tensor(logits.astype("float32")), dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {
            "class_counts": self.class_counts,
            "num_examples": self.num_examples,
            "smoothing": self.smoothing,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the initializer from `get_config()`."""
        return cls(**config)

    def _advise(self, shape: tuple[int, ...]) -> str:
        counts = self._counts
        kind = "labels" if counts.are_labels else "classes"
        expected = f"({counts.num_columns},)"
        if counts.are_one_question:
            expected = "(1,) or (2,)"
        message = (
            f"`shape` must be {expected}, that of a bias for `class_counts` of "
            f"{counts.num_columns} {kind}. Received: shape={shape}. "
        )
        if len(shape) != 1:
            return message + "Pass it as `bias_initializer` of the last layer."
        if shape[0] == 1:
            return message + "For one sigmoid output pass `class_counts=[no, yes]`."
        return message + (
            f"Pass counts of all {shape[0]} outputs: of each class for a softmax, or "
            f"of no and yes, shape ({shape[0]}, 2), for labels."
        )
