"""Title, recipe, hardware, software and commit of a comparison, as text."""

import collections

from keras_ccar.benchmark.spec.loss_options import changed_loss_options
from keras_ccar.benchmark.spec.published import changed_recipe_settings


def title(comparison):
    """Returns the heading of the report, with the settings that were changed.

    Those that change what is trained, of a recipe that is known.

    Args:
        comparison: the `Comparison`.
    """
    dataset, recipe = comparison.dataset, comparison.recipe
    text = (
        f"CCAR on {dataset['name']}, imbalance factor "
        f"{dataset['imbalance_factor']:g}, recipe {recipe['name']}"
    )
    changed = [
        f"{name} {value}" for name, value in changed_recipe_settings(recipe).items()
    ]
    changed += changed_loss_options(comparison.options)
    return f"{text} changed: {', '.join(changed)}" if changed else text


def describe_setup(comparison):
    """Returns what has to be known of the results, as pairs of text.

    Args:
        comparison: the `Comparison`.
    """
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
        (
            "Recipe",
            f"{recipe['name']} ({recipe['source']}): {recipe['model']}, "
            f"{recipe['epochs']} epochs, batches of {recipe['batch_size']}, learning "
            f"rate {recipe['learning_rate']:g} ({recipe['schedule']}), momentum "
            f"{recipe['momentum']:g}, weight decay {recipe['weight_decay']:g}",
        ),
        ("Losses", options),
        (
            "Seeds",
            f"{', '.join(map(str, comparison.seeds))}; one seed gives every method the "
            "same initial weights, the same batches and the same augmentation",
        ),
        ("Measured", "on the test set at the last epoch, never at the best one"),
        *_describe_environments(comparison),
    ]


def _describe_environments(comparison):
    """Returns hardware, software and commit of the finished runs, as facts.

    A plan may be finished on another machine, and at another commit.
    """
    environments = [
        comparison.environment_of(run)
        for run in comparison.run_entries
        if run["status"] == "finished"
    ] or [comparison.environment]

    def each(describe):
        counts = collections.Counter(map(describe, environments))
        if len(counts) == 1:
            return next(iter(counts))
        return "; ".join(
            f"{text} ({count} {'run' if count == 1 else 'runs'})"
            for text, count in counts.items()
        )

    def software(environment):
        versions = environment["versions"].items()
        return f"backend {environment['backend']}; " + ", ".join(
            f"{name} {version}" for name, version in versions
        )

    return [
        ("Hardware", each(lambda found: describe_hardware(found["hardware"]))),
        ("Software", each(software)),
        ("Commit", each(lambda found: found["commit"] or "not run from a repository")),
    ]


def describe_hardware(found):
    """Returns in words what `hardware` returned."""
    accelerators = ", ".join(found["accelerators"]) or "none"
    cores = "1 core" if found["cores"] == 1 else f"{found['cores']} cores"
    text = f"{found['processor']}, {cores}, accelerators: {accelerators}"
    if "devices" in found:
        text += f"; {found['devices']} devices share every batch"
        text += f", on {found['hosts']} hosts" if found["hosts"] > 1 else ""
    return text
