"""The figures of a report, by file name."""

from collections.abc import Callable

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.figures import (
    accuracy_figures,
    difference_figures,
    trade_off_figure,
    training_figures,
)

# File name: the function that draws it, and its caption.
FIGURES: dict[str, tuple[Callable[[Comparison], bytes | None], str]] = {
    "accuracy_by_class.png": (
        accuracy_figures.accuracy_by_class,
        "Accuracy of each class by its number of training examples, at the last "
        "epoch, mean over seeds.",
    ),
    "accuracy_by_group.png": (
        accuracy_figures.accuracy_by_group,
        "Accuracy over groups of classes by their number of training examples. "
        "Bars: mean; lines: standard deviation over seeds.",
    ),
    "differences.png": (
        difference_figures.differences,
        "The deciding metric of each method less that of the baseline with the same "
        "seed. Marks: mean over seeds; lines: 95 % confidence interval.",
    ),
    "trade_off.png": (
        trade_off_figure.trade_off,
        "What rare classes gain for what frequent classes lose: mean accuracies over "
        "seeds. Lines: a method along τ, from 0. A method adds something to logit "
        "adjustment only where it lies above the line of that.",
    ),
    "training_curves.png": (
        training_figures.training_curves,
        "Mean confidence in the true class of training examples over the epochs, mean "
        "over seeds; of many methods, the principal ones. Where logits are adjusted it "
        "is the confidence after the adjustment, which compares with that of the same "
        "adjustment only.",
    ),
    "test_curves.png": (
        training_figures.test_curves,
        "Accuracy on the test set in the course of the training, mean over seeds; of "
        "many methods, the principal ones. All else that is reported is of the last "
        "epoch.",
    ),
    "confidence_by_class.png": (
        training_figures.confidence_by_class,
        "Mean confidence in the true class during training, one line a class, mean "
        "over seeds; of many methods, the principal ones. Confidence is the "
        "probability that the loss sees: where logits are adjusted, after the "
        "adjustment.",
    ),
    "ablations.png": (
        difference_figures.ablations,
        "What the settings of CCAR change: the deciding metric less that of the same "
        "method with its own settings. Marks: mean over seeds; lines: 95 % "
        "confidence interval.",
    ),
    "weight_by_confidence.png": (
        training_figures.weight_by_confidence,
        "The weight Ω of a training example over the confidence in its class.",
    ),
}


def draw_all(comparison: Comparison) -> dict[str, bytes]:
    """Draws every figure that the results allow, as PNG bytes by file name."""
    drawn = {name: draw(comparison) for name, (draw, _) in FIGURES.items()}
    return {name: content for name, content in drawn.items() if content is not None}
