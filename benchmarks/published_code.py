"""Holds this package against values that the published code gave.

`benchmarks/reference/published_code.json` has the values, with the repository, the file
and the commit that gave them. They were made by running the published code; none of it
is here. Every function below computes the same from this package, and raises an
`AssertionError` if it differs by more than the row says.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import METHODS
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.benchmark.training.auto_augment import AutoAugment
from keras_ccar.benchmark.training.auto_augment_policy import CIFAR_POLICY, CODES
from keras_ccar.benchmark.training.models import build_model
from keras_ccar.benchmark.training.optimizer import CoupledSGD
from keras_ccar.datasets import long_tailed_counts
from keras_ccar.files import read_json

PATH = Path(__file__).parent / "reference" / "published_code.json"
REFERENCE = read_json(PATH)
Values = Mapping[str, Any]


class Row(NamedTuple):
    """A line of the page: what is compared, both values, and how far they agree."""

    what: str
    theirs: str
    ours: str
    agreement: str
    reference: str


def values_of(name: str) -> Values:
    """Returns the values of the published code under a name."""
    found: Values = REFERENCE["values"][name]
    return found


def check(ours: Any, theirs: Any, relative: float, absolute: float = 0.0) -> str:
    """Raises an `AssertionError` if numbers differ by more; returns what is allowed."""
    np.testing.assert_allclose(ours, theirs, rtol=relative, atol=absolute)
    return f"equal to {relative:.0e}".replace("e-0", "e-")


def sgd() -> Row:
    """The path of a variable over a warm-up and two drops of the learning rate."""
    values, plain = values_of("optimizer"), RECIPES["plain"]
    variable = keras.Variable(np.array(values["start"], "float32"))
    optimizer = CoupledSGD(1.0, plain.momentum, plain.weight_decay)
    path = []
    for epoch, gradient in zip(values["epochs"], values["gradients"], strict=True):
        optimizer.learning_rate = plain.learning_rate_at(epoch)
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
        path.append(keras.ops.convert_to_numpy(variable))
    return Row(
        "SGD over 60 steps with the warm-up and the drops of *plain*: where it ends",
        _numbers(values["path"][-1], 4),
        _numbers(path[-1], 4),
        check(path, values["path"], 1e-4, 1e-6),
        "optimizer",
    )


def drop() -> Row:
    """The steps after a drop of the learning rate from 0.1 to 0.001."""
    theirs = np.array(values_of("drop")["path"])
    variable = keras.Variable(np.zeros(1, "float32"))
    optimizer = CoupledSGD(0.1, 0.9, 0.0)
    ours = [0.0]
    for step in range(80):
        optimizer.learning_rate = 0.1 if step < 40 else 0.001
        optimizer.apply([keras.ops.ones(1)], [variable])
        ours.append(keras.ops.convert_to_numpy(variable).item())
    return Row(
        "SGD, gradient 1, rate 0.1 for 40 steps and then 0.001: the next step, and the "
        "next 40",
        _numbers([theirs[40] - theirs[41], theirs[40] - theirs[80]], 3),
        _numbers([ours[40] - ours[41], ours[40] - ours[80]], 3),
        check(ours, theirs, 1e-5),
        "drop",
    )


def plain_rates() -> Row:
    """The learning rates of the 200 epochs of *plain*."""
    theirs, plain = values_of("plain_rates")["rates"], RECIPES["plain"]
    ours = [plain.learning_rate_at(epoch) for epoch in range(plain.epochs)]
    shown = (0, 4, 159, 160, 180)
    return Row(
        "learning rates of *plain*, of 200 epochs; epochs 1, 5, 160, 161 and 181",
        _numbers([theirs[epoch] for epoch in shown], 5),
        _numbers([ours[epoch] for epoch in shown], 5),
        check(ours, theirs, 1e-12),
        "plain_rates",
    )


def strong_rates(factor: int, count: int) -> Row:
    """The epochs, steps and learning rates of *strong*."""
    theirs = values_of("strong_rates")["by_examples"][str(count)]
    recipe = RECIPES["strong"].with_epochs_for(count)
    steps = recipe.steps_per_epoch(count)
    assert (recipe.epochs, recipe.warmup_epochs, steps) == (
        theirs["epochs"],
        theirs["warmup_epochs"],
        theirs["steps"],
    )
    ours = [recipe.learning_rate_at(epoch) for epoch in range(recipe.epochs)]

    def shown(epochs: int, warmup: int, steps: int, rates: Any) -> str:
        ends = _numbers([rates[0], max(rates), rates[-1]], 4)
        return f"{epochs} of {steps}, {warmup}; {ends}"

    return Row(
        f"*strong* at an imbalance of {factor}: epochs of steps, epochs of warm-up; "
        "first, largest and last learning rate",
        shown(
            theirs["epochs"], theirs["warmup_epochs"], theirs["steps"], theirs["rates"]
        ),
        shown(recipe.epochs, int(recipe.warmup_epochs), steps, ours),
        check(ours, theirs["rates"], 1e-10, 1e-12),
        "strong_rates",
    )


def decoupling_rates() -> Row:
    """The learning rates of the recipes for natural images."""
    theirs, recipe = (
        values_of("decoupling_rates")["rates"],
        RECIPES["imagenet-resnet50"],
    )
    ours = [recipe.learning_rate_at(epoch) for epoch in range(recipe.epochs)]
    return Row(
        "learning rates of *imagenet-resnet50*, of 90 epochs; the first, the last",
        _numbers([theirs[0], theirs[-1]], 4),
        _numbers([ours[0], ours[-1]], 4),
        check(ours, theirs, 1e-10, 1e-12),
        "decoupling_rates",
    )


def counts() -> Row:
    """The images of every class of CIFAR-100-LT."""
    theirs = values_of("counts")["by_factor"]
    ours = {name: long_tailed_counts(100, 500, float(name)) for name in theirs}
    for name, each in theirs.items():
        np.testing.assert_array_equal(ours[name], each)
    return Row(
        f"images of each class of CIFAR-100-LT, imbalance {', '.join(theirs)}; in all",
        ", ".join(f"{sum(each):,}" for each in theirs.values()),
        ", ".join(f"{each.sum():,}" for each in ours.values()),
        "the same",
        "counts",
    )


def parameters(reference: str, recipe: str) -> Row:
    """The trained parameters of ResNet-32."""
    last_layer = RECIPES[recipe].last_layer
    theirs = values_of(reference)["by_classes"]
    ours = {}
    for name, number in theirs.items():
        model = build_model("resnet32", (32, 32, 3), int(name), last_layer=last_layer)
        weights = model.trainable_weights
        ours[name] = sum(math.prod(weight.shape) for weight in weights)
        assert ours[name] == number
    return Row(
        f"parameters of the ResNet-32 of *{recipe}* for {' and '.join(theirs)} classes",
        ", ".join(f"{number:,}" for number in theirs.values()),
        ", ".join(f"{number:,}" for number in ours.values()),
        "the same",
        reference,
    )


def forward(head: str) -> Row:
    """The logits of ResNet-32 with weights from a formula, for two images."""
    theirs = values_of("forward")["logits"][head]
    model = build_model("resnet32", (32, 32, 3), 10, head, "he")
    number = 0

    def fill(variable: Any, shape: Any, scale: float, shift: float, order: Any) -> None:
        nonlocal number
        values = formula(shape, number, scale, shift)
        variable.assign(values if order is None else values.transpose(order))
        number += 1

    for layer in model.layers:
        if hasattr(layer, "gamma"):
            parts = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
            for part, shift in zip(parts, (1, 0, 0, 1), strict=True):
                fill(part, part.shape, 0.1, shift, None)
        elif hasattr(layer, "kernel") and len(layer.kernel.shape) == 4:
            shape = tuple(layer.kernel.shape[axis] for axis in (3, 2, 0, 1))
            scale = math.sqrt(2 / math.prod(shape[1:]))
            fill(layer.kernel, shape, scale, 0, (2, 3, 1, 0))
    last = model.layers[-1]
    if head == "cosine":
        fill(last.kernel, last.kernel.shape, 0.2, 0, None)
    else:
        fill(last.kernel, last.kernel.shape[::-1], 0.2, 0, (1, 0))
        fill(last.bias, last.bias.shape, 0.1, 0, None)
    images = np.round(formula((2, 3, 32, 32), 3, 1.0), 6).transpose(0, 2, 3, 1)
    logits = keras.ops.convert_to_numpy(model(images.astype("float32"), training=False))
    # Our head multiplies the cosines, and theirs the loss.
    logits = logits / (last.scale if head == "cosine" else 1)
    largest = np.abs(theirs).max()
    return Row(
        f"ResNet-32 with a {head} head, the same weights: logits of an image, the "
        "first three",
        _numbers(theirs[0][:3], 3),
        _numbers(logits[0][:3], 3),
        check(logits / largest, np.array(theirs) / largest, 1e-5, 1e-5),
        "forward",
    )


def formula(shape: Any, number: int, scale: float, shift: float = 0.0) -> np.ndarray:
    """Returns the weights, or images, that both networks were given.

    They scatter around the shift, by the scale, as if they were drawn.
    """
    places = np.arange(1, math.prod(shape) + 1)
    scattered = np.sin(12.9898 * places + 78.233 * number) * 43758.5453
    share = scattered - np.floor(scattered)
    return (shift + scale * np.sqrt(3) * (2 * share - 1)).reshape(shape)


def last_layers() -> list[Row]:
    """How the last layers begin."""
    rows = []
    keras.utils.set_random_seed(0)
    cosine = values_of("cosine_head")
    (kernel,) = (
        build_model("resnet8", (8, 8, 3), 100, "cosine").layers[-1].get_weights()
    )
    lengths = np.linalg.norm(kernel, axis=0)
    ends = [cosine["shortest"], cosine["longest"]]
    agreement = check([lengths.min(), lengths.max()], ends, 1e-6)
    rows.append(
        Row(
            "first directions of a cosine head: shortest and longest",
            _numbers(ends, 4),
            _numbers([lengths.min(), lengths.max()], 4),
            agreement,
            "cosine_head",
        )
    )
    for recipe in ("plain", "strong"):
        values, start = values_of(f"last_layer_{recipe}"), RECIPES[recipe].last_layer
        model = build_model("resnet8", (8, 8, 3), 100, last_layer=start)
        kernel, bias = model.layers[-1].get_weights()
        theirs = [values["deviation"], values["largest_bias"]]
        ours = [kernel.std(), np.abs(bias).max()]
        np.testing.assert_allclose(ours, theirs, rtol=0.05)
        rows.append(
            Row(
                f"last layer of *{recipe}*, as drawn: deviation of the weights, "
                "largest bias",
                _numbers(theirs, 2),
                _numbers(ours, 2),
                "equal to 5 %, other draws",
                f"last_layer_{recipe}",
            )
        )
    return rows


def losses() -> list[Row]:
    """Losses and their gradients on one batch."""
    values = values_of("losses")
    labels = np.array(values["labels"])
    published = {**values["of"], **values_of("balanced_softmax")["of"]}
    rows = []
    for name, theirs in published.items():
        method = METHODS[name]
        scale = 30.0 if method.head == "cosine" else 1.0
        inputs = values["cosines" if scale > 1 else "logits"]
        loss = method.build_loss(values["counts"], LossOptions())
        value, gradient = _value_and_gradient(loss, labels, scale * np.array(inputs))
        largest = np.abs(theirs["gradient"]).max()
        check(
            scale * gradient / largest,
            np.array(theirs["gradient"]) / largest,
            1e-5,
            1e-5,
        )
        stage = ", second stage" if name == "ldam-drw" else ""
        rows.append(
            Row(
                f"{method.title}{stage}: loss of 16 images, imbalance 100, and its "
                "gradient",
                _numbers([theirs["value"]], 4),
                _numbers([value], 4),
                check(value, theirs["value"], 1e-5),
                "balanced_softmax" if name == "bs" else "losses",
            )
        )
    return rows


def _value_and_gradient(loss: Any, labels: Any, inputs: Any) -> tuple[float, Any]:
    import tensorflow as tf

    logits = tf.constant(inputs, "float32")
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(labels, logits)
    return float(value), tape.gradient(value, logits).numpy()


def policy() -> Row:
    """The pairs of operations of AutoAugment."""
    theirs = values_of("policy")["pairs"]
    ours = [
        [[_their_name(name), chance, level] for name, chance, level in pair]
        for pair in CIFAR_POLICY
    ]
    assert ours == theirs

    def shown(pairs: Any) -> str:
        return f"{len(pairs)} pairs, such as " + " and ".join(
            f"{name} {chance} {level}" for name, chance, level in pairs[1]
        )

    return Row(
        "AutoAugment's table: operations, probabilities and levels",
        shown(theirs),
        shown(ours),
        "the same",
        "policy",
    )


def operations() -> Row:
    """The operations of AutoAugment, on one image."""
    values = values_of("operations")
    image = np.array(values["image"], "uint8").reshape(1, 12, 12, 3)
    names = {_their_name(name): code for name, code in CODES.items()}
    apart = {}
    for name, theirs in values["results"].items():
        draws = [[names[name[:-1]], values["level"], int(name[-1] == "-"), 0, 0, 0]]
        done = AutoAugment()(
            keras.ops.convert_to_tensor(image), keras.ops.convert_to_tensor(draws)
        )
        ours = keras.ops.convert_to_numpy(done).ravel()
        apart[name] = np.abs(ours - theirs).max()
    assert max(apart.values()) <= 1, apart
    return Row(
        "AutoAugment's operations at level 7, with either sign, on an image",
        f"{len(apart)} operations",
        f"{len(apart)} operations",
        "at most 1 level of 255 apart",
        "operations",
    )


def _their_name(name: str) -> str:
    first, *rest = name.split("_")
    joined = first + "".join(part.capitalize() for part in rest)
    return "autocontrast" if joined == "autoContrast" else joined


def _numbers(values: Any, digits: int) -> str:
    return ", ".join(f"{float(value):.{digits}g}" for value in values)


def equal_rows() -> list[Row]:
    """Returns everything that is equal; raises an `AssertionError` if it is not."""
    single: list[Callable[[], Row]] = [sgd, drop, plain_rates]
    rows = [make() for make in single]
    rows += [strong_rates(100, 10_847), strong_rates(200, 9_502), decoupling_rates()]
    rows += [*last_layers(), *losses(), policy(), operations(), counts()]
    rows += [
        parameters("parameters", "plain"),
        parameters("parameters_strong", "strong"),
        forward("linear"),
        forward("cosine"),
    ]
    return rows
