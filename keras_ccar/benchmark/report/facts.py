"""Title, recipe, hardware, software and commit of a comparison, as text."""

import collections
from collections.abc import Callable, Mapping
from typing import Any

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.spec.loss_options import changed_loss_options
from keras_ccar.benchmark.spec.published import changed_recipe_settings


def title(comparison: Comparison) -> str:
    """Returns the heading of the report, with the settings that were changed."""
    dataset, recipe = comparison.dataset, comparison.recipe
    text = (
        f"CCAR on {dataset['name']}, imbalance factor "
        f"{dataset['imbalance_factor']:g}, recipe {recipe['name']}"
    )
    settings = changed_recipe_settings(recipe).items()
    changed = [f"{name} {value}" for name, value in settings]
    changed += changed_loss_options(comparison.options)
    return f"{text} changed: {', '.join(changed)}" if changed else text


def describe_setup(comparison: Comparison) -> list[tuple[str, str]]:
    """Returns name and text of each fact about how the results were made."""
    dataset, recipe = comparison.dataset, comparison.recipe
    counts = dataset["class_counts"]
    options = ", ".join(f"{name} {value}" for name, value in comparison.options.items())
    return [
        (
            "Data",
            f"{dataset['name']}: {sum(counts)} training examples in {len(counts)} "
            f"classes, {max(counts)} to {min(counts)} a class; subset of seed "
            f"{dataset['seed']}, digest {dataset['digest']}",
        ),
        ("Recipe", _describe_recipe(recipe)),
        ("Losses", options),
        (
            "Seeds",
            f"{', '.join(map(str, comparison.seeds))}; one seed gives every method the "
            "same initial weights, the same batches and the same augmentation",
        ),
        *_describe_tuning(comparison),
        ("Measured", "on the test set at the last epoch, never at the best one"),
        *_describe_environments(comparison),
        *([("Speed", describe_speed(comparison.speed))] if comparison.speed else []),
    ]


def _describe_recipe(recipe: dict[str, Any]) -> str:
    """Describes how the networks were trained."""
    epochs = f"{recipe['epochs']} epochs, batches of {recipe.get('batch_size')}"
    rate = recipe.get("learning_rate")
    learning_rate = "" if rate is None else f", learning rate {rate:g}"
    if "schedule" not in recipe:
        optimizer = (
            f", optimizer {recipe['optimizer']}" if "optimizer" in recipe else ""
        )
        return (
            f"{recipe.get('model', recipe['name'])}: {epochs}{optimizer}{learning_rate}"
        )
    return (
        f"{recipe['name']} ({recipe['source']}): {recipe['model']}, {epochs}"
        f"{learning_rate} ({recipe['schedule']}), momentum {recipe['momentum']:g}, "
        f"weight decay {recipe['weight_decay']:g}"
    )


def _describe_tuning(comparison: Comparison) -> list[tuple[str, str]]:
    """Says which learning rates were tried, and which were chosen."""
    tuned = {
        method["title"]: runs[0]
        for method in comparison.methods
        if (runs := comparison.finished_runs(method["name"])) and "tried" in runs[0]
    }
    if not tuned:
        return []
    tried = [
        f"{title}: {run['learning_rate']:g} of "
        + ", ".join(f"{each['learning_rate']:g}" for each in run["tried"])
        for title, run in tuned.items()
    ]
    return [
        (
            "Learning rates chosen",
            f"{'; '.join(tried)}; by the balanced accuracy on validation images, with "
            "one seed, whose choice serves all seeds",
        )
    ]


def _describe_environments(comparison: Comparison) -> list[tuple[str, str]]:
    """Describes hardware, software and commit; each may differ between runs."""
    runs = comparison.finished_runs()
    environments = [comparison.environment_of(run) for run in runs]
    environments = environments or [comparison.environment]

    def each(describe: Callable[[dict[str, Any]], str]) -> str:
        counts = collections.Counter(map(describe, environments))
        if len(counts) == 1:
            return next(iter(counts))
        return "; ".join(
            f"{text} ({count} {'run' if count == 1 else 'runs'})"
            for text, count in counts.items()
        )

    def software(environment: dict[str, Any]) -> str:
        versions = environment["versions"].items()
        listed = ", ".join(f"{name} {version}" for name, version in versions)
        return f"backend {environment['backend']}; {listed}"

    return [
        ("Hardware", each(lambda found: describe_hardware(found["hardware"]))),
        ("Software", each(software)),
        ("Commit", each(lambda found: found["commit"] or "not run from a repository")),
    ]


def describe_speed(speed: Mapping[str, Any]) -> str:
    """Returns the entry `speed` of results in words: what was chosen, from what."""

    def words(settings: Mapping[str, Any]) -> str:
        threads = settings["threads"]
        compiled = "with XLA" if settings["jit_compile"] else "without XLA"
        return f"{compiled}, {threads} threads a run" if threads else compiled

    def measured(choice: Mapping[str, Any]) -> str:
        found = choice["images_per_second"]
        number = "not measured in time" if found is None else f"{found:g} images/s"
        return f"{words(choice)}: {number}"

    processes = speed["processes"]
    runs = "1 run" if processes == 1 else f"{processes} runs"
    choices = "; ".join(map(measured, speed["measured"]))
    return (
        f"chosen by measuring before the first run, with {runs} at a time: "
        f"{words(speed['chosen'])} ({choices})"
    )


def describe_hardware(hardware: dict[str, Any]) -> str:
    """Returns the entry `hardware` of an environment in words."""
    accelerators = ", ".join(hardware["accelerators"]) or "none"
    cores = "1 core" if hardware["cores"] == 1 else f"{hardware['cores']} cores"
    text = f"{hardware['processor']}, {cores}, accelerators: {accelerators}"
    if "devices" in hardware:
        text += f"; {hardware['devices']} devices share every batch"
        text += (
            f", on {hardware['hosts']} hosts" if hardware.get("hosts", 1) > 1 else ""
        )
    return text
