"""From a request to the plan of a comparison on the user's own data."""

import pickle
from typing import Any

import numpy as np
from rich.console import Console

from keras_ccar.arguments import argument_error
from keras_ccar.benchmark.own_data.after_training.derived_rows import choose_methods
from keras_ccar.benchmark.own_data.checks.few_examples import (
    describe_few,
    read_held_out,
    require_measurable,
)
from keras_ccar.benchmark.own_data.checks.loss_fit import check_losses_fit
from keras_ccar.benchmark.own_data.checks.rounded_inputs import warn_of_rounding
from keras_ccar.benchmark.own_data.checks.shared_examples import describe_shared
from keras_ccar.benchmark.own_data.checks.unknown_label_checks import require_told
from keras_ccar.benchmark.own_data.data import OwnData
from keras_ccar.benchmark.own_data.planning.budget import Fit, fit_budget
from keras_ccar.benchmark.own_data.planning.columns import LABELS, column_of
from keras_ccar.benchmark.own_data.planning.identity import (
    describe_callbacks,
    describe_model,
    own_code,
)
from keras_ccar.benchmark.own_data.planning.plan import OwnPlan
from keras_ccar.benchmark.own_data.planning.problem import Problem, find_problem
from keras_ccar.benchmark.own_data.training.model_building import ModelBuilder
from keras_ccar.benchmark.own_data.training.train import Setting
from keras_ccar.benchmark.own_data.training.training_parts import (
    describe_optimizer,
    new_callbacks,
)
from keras_ccar.benchmark.own_data.unknown_labels import UnknownLabels
from keras_ccar.benchmark.runner import environment
from keras_ccar.benchmark.runner.plan_base import RUN_FORMAT
from keras_ccar.files import to_json
from keras_ccar.frequencies import reported_groups


def build_plan(request: Any, console: Console) -> OwnPlan:
    """Reads the data, builds the model once, and returns the plan of an `OwnRequest`.

    Raises:
        ValueError: if model, data and losses do not fit each other.
    """
    given = {"train": request.train, "validation": request.validation}
    if request.test is not None:
        given["test"] = request.test
    splits = {
        name: OwnData(name, data, request.batch_size) for name, data in given.items()
    }
    digests = {name: data.digest() for name, data in splits.items()}
    _require_separate(splits, digests)
    builder = ModelBuilder(request.build_model, request.optimizer, request.metrics)
    model = builder.build(None, 0, splits["train"].first_inputs)
    unknown = UnknownLabels(request.ignore_class, request.ignore_value)
    problem = find_problem(
        model, splits["train"], request.class_counts, request.class_names, unknown
    )
    warn_of_rounding(splits["train"], model, stacklevel=5)  # the call of `compare`
    held_out = read_held_out(splits, problem)
    few_examples = describe_few(held_out, problem)
    metric = column_of(request.metric, problem.kind)
    _require_group(metric, problem)
    require_measurable(metric, held_out, problem)
    methods = tuple(choose_methods(problem, request.losses, model))
    check_losses_fit(model, problem, methods)
    require_told(problem, methods, request.metrics)
    epochs, seeds = (1, 1) if request.smoke else (request.epochs, request.seeds)
    optimizer = describe_optimizer(request.optimizer)
    callbacks = describe_callbacks(new_callbacks(request.callbacks))
    recipe = {
        "name": "own",
        "source": "",
        "model": model.name,
        "model_digest": describe_model(model),
        "from_logits": problem.from_logits,
        "image_size": 0,
        "batch_size": request.batch_size,
        "optimizer": "of the model" if builder.takes_loss else optimizer["class_name"],
        "learning_rate": _learning_rate(optimizer),
        "callbacks": [callback["class_name"] for callback in callbacks],
        "code": own_code(),
    }
    # A function that returns the same model again fails now.
    builder.build(None, 0, splits["train"].first_inputs)
    setting = Setting(
        builder,
        problem,
        splits,
        metric,
        epochs,
        request.batch_size,
        request.callbacks,
    )
    shared = {
        "format": RUN_FORMAT,
        "digests": digests,
        "problem": {
            "kind": problem.kind,
            "from_logits": problem.from_logits,
            "class_counts": problem.class_counts,
        },
        "recipe": dict(recipe),
        "optimizer": optimizer,
        "callbacks": callbacks,
        "metrics": [_name_of(metric) for metric in request.metrics],
        **environment.comparability_key(environment.current_environment(), recipe),
    }
    ignoring = unknown.as_code(problem.are_labels)
    if ignoring:  # Results without it keep the identity that they had.
        shared["problem"]["ignoring"] = ignoring
    fit = Fit(seeds, epochs)
    if request.budget is not None and not request.smoke:
        fit = fit_budget(setting, methods, request, seeds, shared, console)
    setting.epochs = fit.epochs
    recipe["epochs"] = fit.epochs
    shared["epochs"] = fit.epochs
    if request.smoke:
        recipe["smoke"] = True
    plan = OwnPlan(
        setting=setting,
        methods=methods,
        seeds=tuple(range(fit.seeds)),
        shared_identity=to_json(shared),
        dataset=_describe(request.name, splits, digests, problem, few_examples),
        recipe=to_json(recipe),
        losses=request.losses,
        note=fit.note,
    )
    plan.runs()  # Losses with bad settings fail now.
    if request.parallel > 1:
        _require_picklable(plan, request.parallel)
    return plan


def _require_group(metric: str, problem: Problem) -> None:
    """Raises a `ValueError` if the metric is of a group without classes."""
    if metric not in ("many", "medium", "few"):
        return
    groups = reported_groups(problem.unweighted_counts)
    if not np.any(groups.get(metric, False)):
        raise ValueError(
            f"`metric` must be of classes that there are. Received: {metric!r}, but no "
            f"class is {metric}-shot by its training examples, of which it has more "
            "than 100 (many), fewer than 20 (few), or something between (medium). Use "
            "'balanced_accuracy'."
        )


def _describe(
    name: str,
    splits: dict[str, OwnData],
    digests: dict[str, str],
    problem: Problem,
    few_examples: str,
) -> dict[str, Any]:
    """Returns what results say of the data."""
    examples = np.array(problem.examples, dtype="float64")
    what = "labels" if problem.kind == LABELS else "classes"
    sizes = ", ".join(f"{len(data.labels):,} {key}" for key, data in splits.items())
    description = (
        f"{name}: {sizes} examples; {len(examples)} {what} with {examples.min():g} to "
        f"{examples.max():g} training examples."
    )
    if problem.numbers is not None:
        sums = np.array(problem.class_counts)
        sums = sums[:, 1] if problem.kind == LABELS else sums
        description += (
            " They are weighted: losses and corrections count the sums of their sample "
            f"weights, {sums.min():.6g} to {sums.max():.6g}."
        )
    ignoring = problem.unknown.as_code(problem.are_labels)
    if ignoring:
        description += " Unknown labels do not count."
    opened = splits["train"].open()
    return {
        "name": name,
        "kind": problem.kind,
        "imbalance_factor": float(examples.max() / examples.min()),
        "seed": None,
        "digest": digests["train"],
        "validation_digest": digests["validation"],
        "test_digest": digests.get("test"),
        "description": description,
        "shared_examples": describe_shared(splits),
        "few_examples": few_examples,
        "class_names": problem.class_names,
        "class_counts": to_json(np.rint(examples).astype(int)),
        # As losses take them, and of how many arrays the training data are.
        "counts": to_json(problem.class_counts),
        "are_weighted": problem.numbers is not None,
        "ignoring": ignoring,
        "num_arrays": len(opened) if isinstance(opened, tuple) else 0,
    }


def _learning_rate(optimizer: dict[str, Any]) -> float | None:
    rate = optimizer["config"].get("learning_rate")
    return rate if isinstance(rate, float) else None


def _name_of(metric: Any) -> str:
    name = getattr(metric, "name", None) or getattr(metric, "__name__", None)
    return metric if isinstance(metric, str) else str(name or type(metric).__name__)


def _require_separate(splits: dict[str, OwnData], digests: dict[str, str]) -> None:
    """Refuses the same data twice, on which nothing could be chosen or measured."""
    names = [name for name in splits if splits[name].hashes is not None]
    for place, name in enumerate(names):
        for other in names[:place]:
            if digests[name] == digests[other]:
                raise ValueError(
                    f"`{name}` must be data that were held out of `{other}`. Received: "
                    "the same examples. Split them, such as by "
                    "`sklearn.model_selection.train_test_split(..., stratify=y)`."
                )


def _require_picklable(plan: OwnPlan, parallel: int) -> None:
    try:
        pickle.dumps(plan)
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        advice = (
            "Other processes need `build_model`, `losses`, `callbacks` and functions "
            f"that make data from a module: no lambda and no inner function ({error})."
        )
        raise argument_error("parallel", parallel, "1 here", advice) from error
