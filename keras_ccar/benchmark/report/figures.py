"""The figures of a report, by file name."""

from keras_ccar.benchmark.report.accuracy_figures import (
    accuracy_by_class,
    accuracy_by_group,
)
from keras_ccar.benchmark.report.difference_figures import ablations, differences
from keras_ccar.benchmark.report.training_figures import (
    confidence_by_class,
    test_curves,
    training_curves,
    weight_by_confidence,
)

# File name: what draws it, and what its caption says.
FIGURES = {
    "accuracy_by_class.png": (
        accuracy_by_class,
        "Test accuracy of each class by its number of training examples, at the last "
        "epoch, mean over seeds.",
    ),
    "accuracy_by_group.png": (
        accuracy_by_group,
        "Test accuracy over groups of classes by their number of training examples. "
        "Bars: mean; lines: standard deviation over seeds.",
    ),
    "differences.png": (
        differences,
        "Balanced accuracy less that of cross-entropy with the same seed. Marks: mean "
        "over seeds; lines: 95 % confidence interval.",
    ),
    "training_curves.png": (
        training_curves,
        "Mean confidence in the true class of training examples over the epochs, mean "
        "over seeds; of many methods, the principal ones. Where logits are adjusted it "
        "is the confidence after the adjustment, which compares with that of the same "
        "adjustment only.",
    ),
    "test_curves.png": (
        test_curves,
        "Accuracy on the test set in the course of the training, mean over seeds; of "
        "many methods, the principal ones. All else that is reported is of the last "
        "epoch.",
    ),
    "confidence_by_class.png": (
        confidence_by_class,
        "Mean confidence in the true class during training, one line a class, mean "
        "over seeds; of many methods, the principal ones. Confidence is the "
        "probability that the loss sees: where logits are adjusted, after the "
        "adjustment.",
    ),
    "ablations.png": (
        ablations,
        "What the settings of CCAR change: balanced accuracy less that of the same "
        "method with its own settings. Marks: mean over seeds; lines: 95 % "
        "confidence interval.",
    ),
    "weight_by_confidence.png": (
        weight_by_confidence,
        "The weight Ω of a training example over the confidence in its class.",
    ),
}


def draw_all(comparison):
    """Draws every figure that the results allow.

    Args:
        comparison: the `Comparison`.

    Returns:
        A dict of PNG bytes by file name.
    """
    drawn = {name: draw(comparison) for name, (draw, _) in FIGURES.items()}
    return {name: content for name, content in drawn.items() if content is not None}
