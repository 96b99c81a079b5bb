"""A model that keeps the names of its classes in its file."""

from typing import Any, Self

import keras

from keras_ccar.inputs.class_names import check_class_names
from keras_ccar.keras_internals import Functional


@keras.saving.register_keras_serializable(package="keras_ccar")
class NamedModel(Functional):
    """A Functional model with `class_names`, which Keras alone would not save."""

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration, with the names."""
        config: dict[str, Any] = super().get_config()
        return {**config, "class_names": list(self.class_names)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Makes the model from its configuration."""
        config = dict(config)
        names = config.pop("class_names")
        model: Self = super().from_config(config, custom_objects=custom_objects)
        model.class_names = names
        return model


def model_with_names(inputs: Any, outputs: Any, class_names: Any) -> keras.Model:
    """Returns a Functional model; with names, one that keeps them when it is saved.

    Args:
        inputs: symbolic, as `keras.Model` takes them.
        outputs: made of them.
        class_names: a name for each class, or None.

    Raises:
        ValueError: for names that are no sequence of different texts.
    """
    if class_names is None:
        return keras.Model(inputs, outputs)
    model = NamedModel(inputs, outputs)
    model.class_names = check_class_names(class_names)
    return model
