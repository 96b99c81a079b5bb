"""What every tuner returns: a value, its layer, its curve and a picture."""

import base64
import html
import io
import warnings
from typing import Any, Self

import keras

from keras_ccar.posthoc.applied import Correction, applied_by, describe_corrections
from keras_ccar.requirements import require

_NEEDED_BY = "`keras_ccar.posthoc`"


def require_posthoc(module: str, package: str) -> Any:
    """Imports a module that this room needs, or says what to install."""
    return require(module, package, "posthoc", _NEEDED_BY)


class Result:
    """Base of the results. Notebooks show its text and its picture.

    A subclass implements `describe()` and `draw(axes)`.

    Attributes:
        layer: the Keras layer that applies what was chosen to the output of the model.
        curve: a `pandas.DataFrame` of what was tried.
        chosen_by: the name of the function that chose it.
        chosen_on: the corrections in which the model ended that it was chosen on, None
            for an array of predictions, of which nothing is known.
    """

    layer: keras.layers.Layer
    curve: Any
    chosen_by: str
    chosen_on: tuple[Correction, ...] | None = None

    def remember(self, model: Any) -> Self:
        """Remembers what it was chosen on, so that `chain` can compare; returns itself.

        Args:
            model: the `keras.Model`, or an array of its predictions.
        """
        if isinstance(model, keras.Model):
            self.chosen_on = describe_corrections(applied_by(model))
        return self

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """The layers that `chain` puts behind the model, in this order."""
        return [self.layer]

    def describe(self) -> str:
        """Returns what was chosen, in one or two sentences."""
        raise NotImplementedError

    def draw(self, axes: Any) -> None:
        """Draws the curve into Matplotlib axes."""
        raise NotImplementedError

    def figure(self) -> Any:
        """Returns a `matplotlib.figure.Figure` of the curve."""
        figure, axes = new_axes(5, 3.2)
        self.draw(axes)
        return figure

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.describe()}>"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.describe())}</p>{picture(self.figure())}"


def new_axes(width: float, height: float) -> tuple[Any, Any]:
    """Returns a `matplotlib.figure.Figure` of a size in inches, and its axes."""
    figure = require_posthoc("matplotlib.figure", "Matplotlib").Figure(
        figsize=(width, height), layout="constrained"
    )
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def encode_png(figure: Any) -> str:
    """Returns a Matplotlib figure as PNG, in the letters of base64."""
    content = io.BytesIO()
    with warnings.catch_warnings():
        # Names of classes in letters that the font lacks become boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.savefig(content, format="png", dpi=150)
    return base64.b64encode(content.getvalue()).decode("ascii")


def picture(figure: Any, description: str = "") -> str:
    """Returns a Matplotlib figure as an HTML image that needs no other file."""
    return (
        f'<img alt="{html.escape(description)}" style="max-width: 100%" width="640" '
        f'src="data:image/png;base64,{encode_png(figure)}">'
    )
