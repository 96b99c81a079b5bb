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
    factor = dataset["imbalance_factor"]
    imbalance = "" if factor is None else f", imbalance factor {factor:g}"
    if "kind" in dataset:  # data of the user's own, and no recipe of the benchmark
        return f"Losses compared on {dataset['name']}{imbalance}"
    text = f"CCAR on {dataset['name']}{imbalance}, recipe {recipe['name']}"
    settings = changed_recipe_settings(recipe).items()
    changed = [f"{name} {value}" for name, value in settings]
    changed += changed_loss_options(comparison.options)
    return f"{text} changed: {', '.join(changed)}" if changed else text


def describe_setup(comparison: Comparison) -> list[tuple[str, str]]:
    """Returns name and text of each fact about how the results were made."""
    options = ", ".join(f"{name} {value}" for name, value in comparison.options.items())
    facts = [
        ("Data", _describe_data(comparison)),
        ("Examples twice", str(comparison.dataset.get("shared_examples", ""))),
        ("Few examples", str(comparison.dataset.get("few_examples", ""))),
        ("Recipe", _describe_recipe(comparison.recipe)),
        ("Losses", options),
        (
            "Seeds",
            f"{', '.join(map(str, comparison.seeds))}; one seed gives every method the "
            "same initial weights, the same batches and the same augmentation",
        ),
        *_describe_tuning(comparison),
        (
            "Measured",
            f"on the {comparison.split} set at the last epoch, never at the best one",
        ),
        *_describe_environments(comparison),
        *([("Speed", describe_speed(comparison.speed))] if comparison.speed else []),
    ]
    return [(name, text) for name, text in facts if text]


def _describe_data(comparison: Comparison) -> str:
    dataset = comparison.dataset
    counts = dataset["class_counts"]
    text = (
        f"{dataset['name']}: {sum(counts)} training examples in {len(counts)} classes, "
        f"{max(counts)} to {min(counts)} a class"
    )
    if dataset.get("kind") == "labels":
        # An example may have several labels, so that counts do not add up to examples.
        text = (
            f"{dataset['name']}: {len(counts)} labels, {max(counts)} to {min(counts)} "
            "training examples that have it"
        )
    if dataset["seed"] is not None:
        text += f"; subset of seed {dataset['seed']}"
    return f"{text}, digest {dataset['digest']}" if dataset["digest"] else text


def _describe_recipe(recipe: dict[str, Any]) -> str:
    source = f" ({recipe['source']})" if recipe.get("source") else ""
    parts = [recipe.get("model"), f"{recipe['epochs']} epochs"]
    if recipe.get("batch_size"):
        parts.append(f"batches of {recipe['batch_size']}")
    if recipe.get("optimizer"):
        parts.append(f"optimizer {recipe['optimizer']}")
    if recipe.get("learning_rate") is not None:
        schedule = f" ({recipe['schedule']})" if recipe.get("schedule") else ""
        parts.append(f"learning rate {recipe['learning_rate']:g}{schedule}")
    for name in ("momentum", "weight_decay"):
        if recipe.get(name) is not None:
            parts.append(f"{name.replace('_', ' ')} {recipe[name]:g}")
    return f"{recipe['name']}{source}: {', '.join(filter(None, parts))}"


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
        listed = describe_versions(environment)
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
        compiled += ", with oneDNN" if settings["onednn"] else ""
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


def describe_versions(environment: Mapping[str, Any]) -> str:
    """Returns the entry `versions` of an environment in words."""
    versions = environment["versions"].items()
    return ", ".join(f"{name} {version}" for name, version in versions)


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
