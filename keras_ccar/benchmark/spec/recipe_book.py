"""The recipes of the benchmark, by name and data set."""

from typing import Any

from keras_ccar.benchmark.spec.decays import Decays
from keras_ccar.benchmark.spec.recipes import BACKBONE, HEAD, Recipe

_PIXELS = "but for pixels standardised by the data set's own mean and deviation"
_DECOUPLING = "Decoupling (Kang et al. 2020, arXiv 1910.09217)"
_NATURAL_IMAGES: dict[str, Any] = {
    "last_layer": "pytorch",
    "epochs": 90,
    "batch_size": 512,
    "learning_rate": 0.2,
    "schedule": "cosine_to_zero",
    "flip": True,
    "image_size": 224,
}
_RECIPES = (
    Recipe(
        name="digits",
        # Cross-entropy at learning rates of 0.02, 0.05, 0.1 and 0.2 had a balanced
        # accuracy of 81.8, 84.8, 84.2 and 76.6 % on validation images from the
        # training pool (mean of 6 seeds, `benchmarks/choose_learning_rate.py`).
        # The choice favours cross-entropy over the methods compared with it.
        source="this package: under two minutes on a CPU, with the learning rate "
        "that suits cross-entropy best",
        datasets=("digits-lt",),
        model="convnet",
        epochs=30,
        batch_size=32,
        learning_rate=0.05,
        schedule="cosine",
        warmup_epochs=1,
        weight_decay=5e-4,
        crop_padding=1,
        # On a CPU, XLA saves two seconds per run and compiles for eight.
        jit_compile=False,
    ),
    Recipe(
        name="plain",
        source=f"the code of LDAM-DRW (Cao et al. 2019, arXiv 1906.07413), {_PIXELS}",
        datasets=("cifar10-lt", "cifar100-lt"),
        model="resnet32",
        last_layer="he",
        epochs=200,
        batch_size=128,
        learning_rate=0.1,
        schedule="steps",
        warmup_epochs=5,
        decays=Decays("160:0.01,180:0.0001"),
        weight_decay=2e-4,
        crop_padding=4,
        flip=True,
    ),
    Recipe(
        name="strong",
        source="the code of Balanced Meta-Softmax (Ren et al. 2020, arXiv 2007.10740), "
        f"which trains for fewer steps than the 13,000 of the paper, {_PIXELS}",
        datasets=("cifar10-lt", "cifar100-lt"),
        model="resnet32",
        last_layer="pytorch",
        # The code counts the smaller last batch of an epoch, and does not train on it.
        # CIFAR-100-LT at an imbalance factor of 100 has 22 batches, so 591 epochs of 21
        # steps, 12,411 in all.
        epochs=591,
        steps=13_000,
        drop_last=True,
        batch_size=512,
        learning_rate=0.1,
        schedule="cosine_to_zero",
        warmup_epochs=37,
        warmup_steps=800,
        warmup_start=0.5,
        weight_decay=5e-4,
        crop_padding=4,
        flip=True,
        auto_augment=True,
        cutout=16,
    ),
    Recipe(
        name="cpu",
        source="this package: plain with a smaller network and a tenth of the "
        "epochs, for processors; not to be compared with published numbers",
        datasets=("cifar10-lt", "cifar100-lt"),
        model="resnet8",
        last_layer="he",
        epochs=20,
        batch_size=128,
        learning_rate=0.1,
        # The steps of plain, scaled to 20 epochs, would leave the last four at
        # rates too low to learn much.
        schedule="cosine",
        weight_decay=2e-4,
        crop_padding=4,
        flip=True,
    ),
    Recipe(
        name="pretrained-head",
        source="this package: a last layer on the features of a pretrained network, "
        "which are computed once; learning rates are tuned",
        datasets=("digits-lt", "cifar10-lt", "cifar100-lt"),
        model=HEAD,
        last_layer="pytorch",
        epochs=30,
        batch_size=256,
        learning_rate=0.02,
        schedule="cosine",
        weight_decay=5e-4,
        tune_learning_rate=True,
        # The last layer alone is compiled for longer than it is trained.
        jit_compile=False,
    ),
    Recipe(
        name="pretrained-tune",
        source="this package: the last stage of a pretrained network, or all of it, "
        "which learns at a tenth of the rate of its new last layer; learning rates are "
        "tuned",
        datasets=("digits-lt", "cifar10-lt", "cifar100-lt"),
        model=BACKBONE,
        tune="stage",
        last_layer="pytorch",
        epochs=30,
        batch_size=128,
        learning_rate=0.02,
        schedule="cosine",
        warmup_epochs=1,
        weight_decay=5e-4,
        tune_learning_rate=True,
        # XLA has no antialiased resizing, which some presets ask for.
        jit_compile=False,
    ),
    *(
        Recipe(
            name=network,
            source=_DECOUPLING,
            datasets=("imagenet-lt",),
            model=network,
            color_jitter=0.4,
            weight_decay=5e-4,
            **_NATURAL_IMAGES,
        )
        for network in ("imagenet-resnet10", "imagenet-resnet50")
    ),
    Recipe(
        name="inaturalist-resnet50",
        source=f"{_DECOUPLING}, which also trains for 200 epochs",
        datasets=("inaturalist2018",),
        model="imagenet-resnet50",
        weight_decay=1e-4,
        **_NATURAL_IMAGES,
    ),
)
RECIPES = {recipe.name: recipe for recipe in _RECIPES}


def get_recipe(dataset: str, name: str | None = None) -> Recipe:
    """Returns a recipe for a data set.

    Args:
        dataset: name of the data set, such as `"digits-lt"`.
        name: name of the recipe; None for the first recipe for the data set.

    Raises:
        ValueError: if no recipe of that name is meant for the data set.
    """
    fitting = [r.name for r in RECIPES.values() if dataset in r.datasets]
    if not fitting:
        known = sorted({d for r in RECIPES.values() for d in r.datasets})
        raise ValueError(
            f"`dataset` {dataset!r} has no recipe; expected one of {', '.join(known)}."
        )
    if name is None:
        name = fitting[0]
    if name not in fitting:
        raise ValueError(
            f"`recipe` {name!r} is not meant for {dataset}; expected one of "
            f"{', '.join(fitting)}."
        )
    return RECIPES[name]
