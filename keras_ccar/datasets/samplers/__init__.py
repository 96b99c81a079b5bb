"""Samplers, which draw rare classes more often.

The sampling strategies of Kang et al. 2020, "Decoupling representation and classifier
for long-tailed recognition" (arXiv 1910.09217, section 3.1). Each example is drawn as
often as its class needs: not at all, once, or several times.
"""

from keras_ccar.datasets.samplers.balanced import (
    class_balanced,
    progressively_balanced,
    square_root_balanced,
)

__all__ = ["class_balanced", "progressively_balanced", "square_root_balanced"]
