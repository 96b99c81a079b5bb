"""How a network is trained, as data.

A recipe holds everything about a run except the method, the seed and the data: all
methods of a comparison are trained by the same recipe.
"""

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import Any, Self

from keras_ccar.benchmark.spec.decays import Decays
from keras_ccar.benchmark.spec.learning_rates import rate_at
from keras_ccar.benchmark.spec.settings import check_settings, setting

# How a linear last layer of n inputs starts. "glorot": as `Dense` of Keras. "pytorch":
# as `Linear` of PyTorch, weights and bias uniform in ±1/√n. "he": the bias as there,
# and normal weights of deviation √(2/n).
LAST_LAYERS = ("glorot", "he", "pytorch")
# The network that is a last layer alone, on features of a pretrained backbone, and the
# one that is the backbone, or its last stage, too.
HEAD = "head"
BACKBONE = "backbone"


@dataclass(frozen=True)
class Recipe:
    """The network, the optimiser and the augmentation of a run.

    Attributes:
        name: the name that `--recipe` takes.
        source: where the settings come from.
        datasets: names of the data sets that the recipe is meant for.

    The `help` of each other attribute describes it.
    """

    name: str
    source: str
    datasets: tuple[str, ...]
    model: str = setting(help="network, by its name in models.py")
    epochs: int = setting(help="passes over the training data", minimum=1)
    batch_size: int = setting(help="examples per step", minimum=1)
    learning_rate: float = setting(help="peak learning rate", above=0)
    backbone: str = setting(
        "",
        help="pretrained network for images: a preset of KerasHub, or the folder of "
        "one; of known data sets for the recipes pretrained-head and pretrained-tune",
    )
    tune: str = setting(
        "head",
        help="what of the backbone is trained: head, a new last layer on features that "
        "are computed once; stage, also the last stage of the backbone, on maps that "
        "are computed once; or all of it. Your own images: head by default, and with "
        "the other two Adam at a tenth of its rate. Known data sets: the recipe "
        "pretrained-tune, by default stage, or all",
        choices=("head", "stage", "all"),
    )
    backbone_rate_share: float = setting(
        0.1,
        help="for the recipe pretrained-tune: share of the learning rate at which the "
        "layers of the backbone learn; the last layer has all of it",
        above=0,
        maximum=1,
    )
    last_layer: str = setting(
        "glorot",
        help="initial weights of a linear last layer: as Keras draws them, as LDAM's "
        "code, or as PyTorch",
        choices=LAST_LAYERS,
    )
    schedule: str = setting(
        "constant",
        help="course of the learning rate after the warm-up; cosine_to_zero trains the "
        "last epoch at a rate of 0",
        choices=("constant", "steps", "cosine", "cosine_to_zero"),
    )
    steps: int = setting(
        0, help="training steps, from which epochs follow; 0: none", minimum=0
    )
    warmup_epochs: float = setting(0.0, help="epochs of linear warm-up", minimum=0)
    warmup_steps: int = setting(
        0, help="steps of warm-up, from which its epochs follow; 0: none", minimum=0
    )
    warmup_start: float = setting(
        0.0,
        help="share of the peak rate in the first epoch of the warm-up; 0: one part of "
        "as many as it has epochs",
        minimum=0,
        maximum=1,
    )
    decays: Decays = setting(  # noqa: RUF009 - a tuple
        Decays(),
        help="for the schedule steps: EPOCH:FACTOR,..., the share of the peak learning "
        "rate from each epoch on, counted from 0",
    )
    momentum: float = setting(0.9, help="momentum of SGD", minimum=0, below=1)
    weight_decay: float = setting(
        0.0, help="L2 decay, added to the gradient", minimum=0
    )
    crop_padding: int = setting(
        0, help="pixels of padding before a random crop; 0: no crop", minimum=0
    )
    flip: bool = setting(False, help="mirror half of the images")
    auto_augment: bool = setting(
        False, help="augment images by the AutoAugment policy for CIFAR-10"
    )
    cutout: int = setting(
        0, help="side in pixels of a square that is cut out; 0: none", minimum=0
    )
    steps_per_execution: int = setting(
        1,
        help="steps between checks of progress and Ctrl-C; more are faster",
        minimum=1,
    )
    dtype_policy: str = setting(
        "float32",
        help="precision of the network",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
    )
    # In a run of many steps, XLA is worth its compilation on every device.
    jit_compile: bool = setting(
        True, help="compile with XLA on TensorFlow; JAX always does"
    )
    image_size: int = setting(
        0,
        help="side in pixels of random resized crops, of images that may be streamed; "
        "0: images as they are, in memory",
        minimum=0,
    )
    color_jitter: float = setting(
        0.0, help="strength of random changes of crops' colours", minimum=0, maximum=1
    )
    drop_last: bool = setting(
        False, help="leave out the last batch of an epoch where it is smaller"
    )
    limit_batches: int = setting(
        0, help="batches per epoch, and of a streamed test set; 0: all", minimum=0
    )

    tune_learning_rate: bool = setting(
        False,
        help="choose the learning rate of every method on validation images, among the "
        "same multiples of the recipe's and with one seed",
    )

    def __post_init__(self) -> None:
        check_settings(self, "a recipe")
        for name in ("crop_padding", "auto_augment", "cutout"):
            if self.image_size and (value := getattr(self, name)):
                raise ValueError(
                    f"`{name}` of a recipe is for images as they are, `image_size` for "
                    f"random resized crops. Received: {name}={value}, "
                    f"image_size={self.image_size}. Set one of them to 0 or off."
                )
        if self.color_jitter and not self.image_size:
            raise ValueError(
                "`color_jitter` of a recipe is for random resized crops, which need an "
                f"`image_size`. Received: color_jitter={self.color_jitter}, "
                "image_size=0. Set both, or neither."
            )

    def with_settings(self, **settings: Any) -> Self:
        """Returns the recipe with some settings replaced.

        If `epochs` changes, the warm-up and the decays are scaled with it unless they
        are given too, and `steps` is reset. If `steps` changes, `warmup_steps` is
        scaled with it.

        Args:
            **settings: new values by attribute; None keeps the recipe's own.
        """
        settings = {key: value for key, value in settings.items() if value is not None}
        if "epochs" in settings:
            settings.setdefault("steps", 0)
        if "epochs" in settings or "warmup_epochs" in settings:
            settings.setdefault("warmup_steps", 0)
        elif self.steps and settings.get("steps"):
            scaled = round(self.warmup_steps * settings["steps"] / self.steps)
            settings.setdefault("warmup_steps", scaled)
        scale = settings.get("epochs", self.epochs) / self.epochs
        if scale != 1:
            settings.setdefault("warmup_epochs", self.warmup_epochs * scale)
            decays = Decays((epoch * scale, factor) for epoch, factor in self.decays)
            settings.setdefault("decays", decays)
        return dataclasses.replace(self, **settings)

    def with_epochs_for(self, count: int) -> Self:
        """Returns the recipe with as many epochs as `steps` takes on `count` examples.

        A recipe without `steps` is returned as it is. As in the published code, the
        number of epochs is rounded up, and counts a last batch that `drop_last` leaves
        out: the training may be shorter than `steps`.
        """
        if not self.steps:
            return self
        batches = -(-count // self.batch_size)
        batches = min(batches, self.limit_batches or batches)
        settings: dict[str, Any] = {"epochs": math.ceil(self.steps / batches)}
        if self.warmup_steps:
            settings["warmup_epochs"] = math.ceil(self.warmup_steps / batches)
        return self.with_settings(
            **settings, steps=self.steps, warmup_steps=self.warmup_steps
        )

    def steps_per_epoch(self, count: int) -> int:
        """Returns the number of steps in an epoch of `count` training examples.

        Raises:
            ValueError: if the last batch must be full, as of streamed images and with
                `drop_last`, and the examples fill none.
        """
        steps = -(-count // self.batch_size)
        if self.image_size or self.drop_last:
            steps = count // self.batch_size
            if not steps:
                why = "they are streamed" if self.image_size else "`drop_last` is on"
                raise ValueError(
                    f"`batch_size` of a recipe must be at most the {count} training "
                    f"images if {why}. Received: batch_size={self.batch_size}."
                )
        return min(steps, self.limit_batches or steps)

    def shrunk_for_smoke_test(self) -> Self:
        """Returns a recipe of the same kind that takes minutes.

        It shows that everything runs, not how well: 2 epochs of at most 8 batches of
        at most 32 images; ResNet-8 instead of a larger CIFAR network; streamed images
        of at most 64 pixels, and 8 batches of them to test on; no XLA, whose
        compilation would take longer than the training.
        """
        is_cifar_network = re.fullmatch(r"resnet\d+", self.model)
        return self.with_settings(
            name=f"{self.name}-smoke",
            model="resnet8" if is_cifar_network else self.model,
            epochs=2,
            batch_size=min(self.batch_size, 32),
            image_size=min(self.image_size, 64),
            limit_batches=8,
            jit_compile=False,
        )

    def learning_rate_at(self, epoch: int) -> float:
        """Returns the learning rate of an epoch, counted from 0."""
        return rate_at(self, epoch)
