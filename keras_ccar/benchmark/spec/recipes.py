"""How a network is trained, as data.

A recipe is everything of a run but the method, the seed and the data: every
method under comparison is trained by the same one.
"""

import dataclasses
import math
import re
from dataclasses import dataclass, field


def _setting(default=dataclasses.MISSING, **metadata):
    """Returns a dataclass field that the command line can set."""
    return field(default=default, metadata=metadata)


def format_number(value):
    """Returns a number as text that reads back as the same number.

    Args:
        value: an int or a float.
    """
    return repr(value).removesuffix(".0")


class Decays(tuple):
    """Pairs `(epoch, factor)`, written `160:0.01,180:0.0001`; `none` for no pair.

    Args:
        pairs: pairs of numbers, or their text.

    Raises:
        ValueError: for text that is none, or epochs that do not rise.
    """

    __slots__ = ()

    def __new__(cls, pairs=()):
        """Reads text."""
        given = pairs
        if isinstance(pairs, str):
            words = [] if pairs == "none" else pairs.split(",")
            pairs = [word.split(":") for word in words]
        try:
            pairs = [(float(epoch), float(factor)) for epoch, factor in pairs]
            are_finite = all(math.isfinite(number) for pair in pairs for number in pair)
        except (TypeError, ValueError):
            are_finite = False
        if not are_finite:
            raise ValueError(
                "decays must be pairs of an epoch and a factor, such as "
                f"160:0.01,180:0.0001, or none; received {given!r}."
            )
        epochs = [epoch for epoch, _ in pairs]
        if epochs != sorted(epochs):
            raise ValueError(
                f"decays must be in the order of their epochs; received {given!r}."
            )
        return super().__new__(cls, pairs)

    def __str__(self):
        words = (":".join(map(format_number, pair)) for pair in self)
        return ",".join(words) or "none"


@dataclass(frozen=True)
class Recipe:
    """The network, the optimiser and the augmentation of a run.

    `warmup_epochs` and the epochs of `decays` belong to a run of `epochs`
    epochs; `override` moves them along when the length changes.

    Attributes:
        name: what `--recipe` calls it.
        source: where the settings come from.
        datasets: names of the data sets it is meant for.
        decays: `(epoch, factor)` pairs: from that epoch on (counted from 0) the
            learning rate is `learning_rate * factor`. Read for `schedule="steps"`.

    The other attributes are what the command line says of them.
    """

    name: str
    source: str
    datasets: tuple[str, ...]
    model: str = _setting(help="network, by its name in models.py")
    epochs: int = _setting(help="passes over the training data")
    batch_size: int = _setting(help="examples a step")
    learning_rate: float = _setting(help="peak learning rate")
    schedule: str = _setting(
        "constant",
        help="what becomes of the learning rate after the warm-up",
        choices=("constant", "steps", "cosine"),
    )
    steps: int = _setting(0, help="training steps, from which epochs follow; 0: none")
    warmup_epochs: float = _setting(0.0, help="epochs of linear warm-up")
    warmup_start: float = _setting(
        0.0, help="share of the peak learning rate that the warm-up begins at"
    )
    decays: Decays = _setting(  # noqa: RUF009 - a tuple
        Decays(),
        help="for the schedule steps: EPOCH:FACTOR,..., the share of the peak learning "
        "rate from each epoch on",
    )
    momentum: float = _setting(0.9, help="momentum of SGD")
    weight_decay: float = _setting(0.0, help="L2 decay, added to the gradient")
    crop_padding: int = _setting(
        0, help="pixels of padding before a random crop back to size; 0: no crop"
    )
    flip: bool = _setting(False, help="mirror half of the images")
    auto_augment: bool = _setting(
        False, help="change images by the policy of AutoAugment for CIFAR-10"
    )
    cutout: int = _setting(0, help="side in pixels of a square cut out; 0: none")
    steps_per_execution: int = _setting(
        1, help="steps between two looks at progress and Ctrl-C; more may be faster"
    )
    dtype_policy: str = _setting(
        "float32",
        help="precision of the network",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
    )
    # Over a run of many steps XLA pays for its compilation on every device.
    jit_compile: bool = _setting(
        True, help="compile with XLA on TensorFlow; JAX always does"
    )
    image_size: int = _setting(
        0,
        help="side in pixels of random resized crops, of images that may be streamed; "
        "0: images as they are, in memory",
    )
    color_jitter: float = _setting(
        0.0, help="strength of random brightness, contrast and saturation of crops"
    )
    limit_batches: int = _setting(
        0,
        help="at most this many batches an epoch, and in a streamed test set; 0: all",
    )

    def __post_init__(self):
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if isinstance(value, int | float) and not math.isfinite(value):
                raise ValueError(
                    f"{item.name} of a recipe must be a finite number; received "
                    f"{value}."
                )
        for name in ("epochs", "batch_size", "steps_per_execution"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(
                    f"{name} of a recipe must be at least 1; received {value}."
                )
        if not self.learning_rate > 0:
            raise ValueError(
                "learning_rate of a recipe must be positive; "
                f"received {self.learning_rate}."
            )
        for name in (
            "steps",
            "warmup_epochs",
            "weight_decay",
            "crop_padding",
            "cutout",
            "image_size",
            "limit_batches",
        ):
            value = getattr(self, name)
            if value < 0:
                raise ValueError(
                    f"{name} of a recipe must not be negative; received {value}."
                )
        for name in ("warmup_start", "color_jitter"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(
                    f"{name} of a recipe must be in [0, 1]; received {value}."
                )
        if not 0 <= self.momentum < 1:
            raise ValueError(
                f"momentum of a recipe must be in [0, 1); received {self.momentum}."
            )
        if self.image_size:
            for name in ("crop_padding", "auto_augment", "cutout"):
                if value := getattr(self, name):
                    raise ValueError(
                        f"{name} of a recipe is for images as they are, and image_size "
                        f"is for random resized crops; received {name} {value} with "
                        f"image_size {self.image_size}. Set one of them to 0 or off."
                    )
        elif self.color_jitter:
            raise ValueError(
                "color_jitter of a recipe is for random resized crops, which need an "
                f"image_size; received color_jitter {self.color_jitter} with "
                "image_size 0. Give both, or neither."
            )
        if self.schedule not in ("constant", "steps", "cosine"):
            raise ValueError(
                "schedule of a recipe must be 'constant', 'steps' or 'cosine'; "
                f"received {self.schedule!r}."
            )

    def with_settings(self, **settings):
        """Returns the recipe with some settings replaced.

        When `epochs` changes, the warm-up and the decays keep their place as a
        share of the run, unless they are given too; and they take the place of
        `steps`.

        Args:
            **settings: new values by attribute; `None` keeps the recipe's own.
        """
        settings = {
            name: value for name, value in settings.items() if value is not None
        }
        if "epochs" in settings:
            settings.setdefault("steps", 0)
        scale = settings.get("epochs", self.epochs) / self.epochs
        if scale != 1:
            settings.setdefault("warmup_epochs", self.warmup_epochs * scale)
            settings.setdefault(
                "decays",
                Decays((epoch * scale, factor) for epoch, factor in self.decays),
            )
        return dataclasses.replace(self, **settings)

    def with_epochs_for(self, count):
        """Returns the recipe with the epochs that its `steps` are on some data.

        Args:
            count: number of training examples.
        """
        if not self.steps:
            return self
        epochs = max(1, round(self.steps / self.steps_per_epoch(count)))
        return self.with_settings(epochs=epochs, steps=self.steps)

    def steps_per_epoch(self, count):
        """Returns the number of steps of an epoch.

        Args:
            count: number of training examples.

        Raises:
            ValueError: if streamed images, whose last batch is whole, do not fill one.
        """
        steps = -(-count // self.batch_size)
        if self.image_size:
            steps = count // self.batch_size
            if not steps:
                raise ValueError(
                    f"batch_size of a recipe must be at most the {count} training "
                    f"images where they are streamed; received {self.batch_size}."
                )
        return min(steps, self.limit_batches or steps)

    def shrunk_for_smoke_test(self):
        """Returns a recipe of the same kind that takes minutes.

        2 epochs of at most 8 batches of at most 32 images; of a CIFAR network the
        smallest, ResNet-8; streamed images of at most 64 pixels, and 8 batches of them
        to test on; no XLA, which would compile for longer than that takes. It shows
        that everything runs, not how well.
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

    def learning_rate_at(self, epoch):
        """Returns the learning rate of one epoch.

        Args:
            epoch: epoch, counted from 0.
        """
        # The warm-up reaches the full rate in its last epoch: 1/5 … 5/5.
        warmup = math.floor(self.warmup_epochs)
        if epoch < warmup:
            share = (epoch + 1) / warmup
            return self.learning_rate * (
                self.warmup_start + (1 - self.warmup_start) * share
            )
        if self.schedule == "cosine":
            share = (epoch - warmup) / (self.epochs - warmup)
            return self.learning_rate * 0.5 * (1 + math.cos(math.pi * share))
        factor = 1.0
        if self.schedule == "steps":
            for start, value in self.decays:
                if epoch >= start:
                    factor = value
        return self.learning_rate * factor
