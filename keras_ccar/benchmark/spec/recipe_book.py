"""The recipes of the benchmark, by name and data set."""

from typing import Any

from keras_ccar.benchmark.spec.recipes import Decays, Recipe

_DECOUPLING = "Decoupling (Kang et al. 2020, arXiv 1910.09217)"
_NATURAL_IMAGES: dict[str, Any] = {
    "batch_size": 512,
    "learning_rate": 0.2,
    "schedule": "cosine",
    "flip": True,
    "image_size": 224,
}
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="digits",
            # Of 0.02, 0.05, 0.1 and 0.2, the best for cross-entropy: over 6 seeds its
            # balanced accuracy on validation images out of the training pool was
            # 81.8, 84.8, 84.2 and 76.6 %, by `python
            # benchmarks/choose_learning_rate.py`. The choice favours cross-entropy, so
            # it cannot favour what it is compared with.
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
            # On a CPU, XLA would save two seconds of a run and compile for eight.
            jit_compile=False,
        ),
        Recipe(
            name="plain",
            source="LDAM-DRW (Cao et al. 2019, arXiv 1906.07413)",
            datasets=("cifar10-lt", "cifar100-lt"),
            model="resnet32",
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
            source="Balanced Meta-Softmax (Ren et al. 2020, arXiv 2007.10740)",
            datasets=("cifar10-lt", "cifar100-lt"),
            model="resnet32",
            # 13,000 steps of CIFAR-100-LT at an imbalance factor of 100, 22 an epoch.
            epochs=591,
            steps=13_000,
            batch_size=512,
            learning_rate=0.1,
            schedule="cosine",
            warmup_epochs=800 / 22,
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
            epochs=20,
            batch_size=128,
            learning_rate=0.1,
            # The steps of plain, in a tenth of the epochs, would leave its last four
            # at rates at which next to nothing is learned.
            schedule="cosine",
            weight_decay=2e-4,
            crop_padding=4,
            flip=True,
        ),
        Recipe(
            name="imagenet-resnet10",
            source=_DECOUPLING,
            datasets=("imagenet-lt",),
            model="imagenet-resnet10",
            color_jitter=0.4,
            weight_decay=5e-4,
            epochs=90,
            **_NATURAL_IMAGES,
        ),
        Recipe(
            name="imagenet-resnet50",
            source=_DECOUPLING,
            datasets=("imagenet-lt",),
            model="imagenet-resnet50",
            color_jitter=0.4,
            weight_decay=5e-4,
            epochs=90,
            **_NATURAL_IMAGES,
        ),
        Recipe(
            name="inaturalist-resnet50",
            source=f"{_DECOUPLING}, which also trains for 200 epochs",
            datasets=("inaturalist2018",),
            model="imagenet-resnet50",
            weight_decay=1e-4,
            epochs=90,
            **_NATURAL_IMAGES,
        ),
    )
}


def get_recipe(dataset, name=None):
    """Returns a recipe for a data set.

    Args:
        dataset: name of the data set, such as `"digits-lt"`.
        name: name of the recipe; `None` takes the first that fits the data set.

    Raises:
        ValueError: No recipe of that name, or none that is meant for `dataset`.
    """
    fitting = [r.name for r in RECIPES.values() if dataset in r.datasets]
    if not fitting:
        known = sorted({d for r in RECIPES.values() for d in r.datasets})
        raise ValueError(
            f"dataset {dataset!r} has no recipe; expected one of {', '.join(known)}."
        )
    if name is None:
        name = fitting[0]
    if name not in fitting:
        raise ValueError(
            f"recipe {name!r} is not one for {dataset}; expected one of "
            f"{', '.join(fitting)}."
        )
    return RECIPES[name]
