"""The code of the best method of a comparison on a user's own data."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ccar.benchmark.comparison import Comparison, MethodEntry
from keras_ccar.benchmark.report.code.loss_calls import (
    call_of,
    format_call,
    literal,
    with_imports,
)
from keras_ccar.benchmark.statistics.objectives import objective_of, threshold_objective
from keras_ccar.layers.prior_warning import find_rebalancing

_MOST_COUNTS = 20
_PRIOR = """\
# The bias of the last layer begins at the prior.
biased = [layer for layer in model.layers if getattr(layer, "bias", None) is not None]
prior_bias = keras_ccar.initializers.PriorBias(class_counts)
biased[-1].bias.assign(prior_bias(biased[-1].bias.shape))"""


class CodeBlock(NamedTuple):
    """Code that runs by itself, and a sentence before it, or ""."""

    words: str
    code: str


def own_blocks(comparison: Comparison, method: MethodEntry) -> list[CodeBlock]:
    """Returns how to load the best model, and how to train one as it was trained."""
    blocks = []
    if comparison.folder is not None:
        loading = "\n".join(_loading(comparison, _shown(comparison.folder)))
        blocks.append(CodeBlock("To load the trained model:", with_imports(loading)))
    lines = _training(comparison, method)
    if lines:
        words = "To train a new model as the best was trained"
        words = f"{words}, in place of loading it:" if blocks else f"{words}:"
        blocks.append(CodeBlock(words, with_imports("\n".join(lines))))
    return blocks


def _shown(folder: Path) -> str:
    """Returns a path as code; one of this machine is of no use elsewhere."""
    return literal(folder.name if folder.is_absolute() else str(folder))


def _loading(comparison: Comparison, folder: str) -> list[str]:
    lines = [
        "# The trained model of the seed that is best on validation data, with all",
        "# that was chosen after training: also a temperature, so that its ECE and",
        "# log loss are not those above, which are without it.",
    ]
    if comparison.command:  # of files, which the command encoded or resized
        lines += [
            "# It takes what the network was trained on: of a table its encoded",
            "# columns, of images their resized pixels, features or maps. What",
            "# `--export` writes takes the columns themselves, and images of any",
            "# size.",
        ]
    return [*lines, f"model = Comparison.read({folder}).finish()"]


def _training(comparison: Comparison, method: MethodEntry) -> list[str]:
    """Returns the lines that train as a method did; none if its loss has no name."""
    dataset, recipe = comparison.dataset, comparison.recipe
    counts = dataset.get("counts")
    loss = call_of(method["loss"], counts, _ignoring(comparison))
    if not loss or counts is None:  # results of an older version
        return []
    stage = method["name"].removeprefix(f"{method.get('derived_from')}+")
    after = _after(comparison, method, stage) if method.get("derived_from") else []
    arrays = dataset.get("num_arrays", 0)
    names = [
        "build_model",
        "train",
        *(["validation"] if "validation" in "".join(after) else []),
    ]
    takes_loss = recipe.get("optimizer") == "of the model"
    names += [] if takes_loss else ["optimizer"]
    lines = [f"# {', '.join(names)}: what `keras_ccar.compare` was given."]
    if comparison.command:
        lines = [
            f"# {', '.join(names)}: as for `keras_ccar.compare`; the command made",
            "# them of files.",
        ]
    begins_at_prior = method.get("starts_at_prior", False)
    if "class_counts" in loss or begins_at_prior or "class_counts" in "".join(after):
        lines += _class_counts(comparison, counts)
    lines += [f"loss = {loss}", f"model = build_model({'loss' if takes_loss else ''})"]
    if begins_at_prior:
        lines += _PRIOR.splitlines()
    if not takes_loss:
        lines.append("model.compile(optimizer, loss=loss)")
    epochs = f"epochs={recipe['epochs']}"
    if arrays:
        weights = ["sample_weight"] if arrays > 2 else []
        lines.append(f"{', '.join(['x', 'y', *weights])} = train")
        words = ["x", "y", f"batch_size={recipe['batch_size']}", epochs]
        words += [f"{name}={name}" for name in weights]
        lines.append(f"model.fit({', '.join(words)})")
    else:
        lines.append(f"model.fit(train, {epochs})")
    return [*lines, *after]


def _ignoring(comparison: Comparison) -> str:
    """Returns the argument of unknown labels as code; "" if all are known."""
    return str(comparison.dataset.get("ignoring", ""))


def _class_counts(comparison: Comparison, counts: Any) -> list[str]:
    """Returns the lines that say how many examples there are."""
    weighted = comparison.dataset.get("are_weighted", False)
    lines = ["# class_counts: the sums of the sample weights."] if weighted else []
    if np.size(counts) <= _MOST_COUNTS:
        return [*lines, f"class_counts = {counts}"]
    folder = Path("") if comparison.folder is None else comparison.folder
    read = f"Comparison.read({_shown(folder)})"
    return [*lines, f'class_counts = {read}.dataset["counts"]']


def _after(comparison: Comparison, method: MethodEntry, stage: str) -> list[str]:
    """Returns the lines of what is done after training."""
    metric = comparison.metric
    room = "keras_ccar.posthoc"
    ignoring = list(filter(None, [_ignoring(comparison)]))
    if stage in ("crt", "tau-norm"):
        words = ["model", "train", "class_counts"]
        if stage == "crt":
            words.append(f"batch_size={comparison.recipe['batch_size']}")
        else:
            tau = _chosen_tau(comparison, method["name"])
            words[1] = "None"
            words += ['method="tau-norm"', f"tau={tau}"]
        words += ignoring if stage == "crt" else []
        return [f"model = {format_call(f'{room}.retrain_classifier', words)}"]
    words = ["model", "validation", "class_counts"]
    if stage == "tau":
        name = "tune_logit_correction"
        words.append(f"objective={literal(objective_of(metric))}")
        if _moves_prior(method["loss"]):
            words.append("adjusted=True")
    else:
        name = "tune_thresholds"
        words.append(f"objective={literal(threshold_objective(metric))}")
    words += [f"from_logits={comparison.recipe.get('from_logits')}", *ignoring]
    return [
        f"chosen = {format_call(f'{room}.{name}', words)}",
        f"model = {room}.chain(model, chosen)",
    ]


def _moves_prior(saved: dict[str, Any]) -> bool:
    loss = keras.saving.deserialize_keras_object(saved)
    return find_rebalancing(SimpleNamespace(loss=loss)) is not None


def _chosen_tau(comparison: Comparison, name: str) -> float:
    """Returns the τ that was chosen on validation data, on the mean of the seeds."""
    runs = comparison.finished_runs(name)
    return round(float(np.mean([run["chosen"]["tau"] for run in runs])), 2)
