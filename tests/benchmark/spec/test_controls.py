import dataclasses

import numpy as np
import pytest

from keras_ccar import datasets
from keras_ccar.benchmark.runner.plan import Plan
from keras_ccar.benchmark.spec.controls import resolve_settings, tuning_runs
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import get_method
from keras_ccar.benchmark.spec.recipe_book import get_recipe

OVERFLOWED = {
    "id": "x",
    "status": "failed",
    "error": "FloatingPointError: the loss became inf",
}


@pytest.fixture(scope="module")
def plan():
    methods = tuple(map(get_method, ("ce×c[strength=2]", "ce-tuned", "ccar", "ce")))
    return Plan(
        datasets.load("digits-lt"),
        get_recipe("digits-lt").with_settings(learning_rate=0.1),
        methods,
        (1, 2),
        LossOptions(),
        datasets.load("digits-lt", validation=True),
    )


def finished(run, **outcome):
    return {"id": run.id, "status": "finished", **outcome}


def run_of(plan, name, seed):
    return next(
        run
        for run in plan.runs_with_dependencies()
        if (run.method.name, run.seed) == (name, seed)
    )


def test_what_a_run_needs_is_trained_before_it_and_once(plan):
    order = plan.runs_with_dependencies()
    assert len({run.id for run in order}) == len(order)
    for position, run in enumerate(order):
        assert {each.id for each in run.depends_on} <= {
            each.id for each in order[:position]
        }
    # Four a seed, CCAR's variant for the control of each seed, four learning rates.
    assert len(order) == 2 * 4 + 2 + 4


def test_the_scale_is_the_mean_weight_of_the_same_seed(plan):
    run = run_of(plan, "ce×c[strength=2]", 2)
    (earlier,) = run.depends_on
    assert (earlier.method.name, earlier.seed) == ("ccar[strength=2]", 2)
    recipe, options, settled = resolve_settings(
        run, [finished(earlier, mean_weight=1.75)]
    )
    assert recipe == plan.recipe
    assert options == dataclasses.replace(plan.options, scale=1.75)
    assert settled == {"scale": 1.75, "after": [earlier.id]}


def test_the_control_of_an_adjusted_loss_has_a_run_of_its_own(plan):
    method = get_method("la×c[tau=2]")
    (run,) = dataclasses.replace(plan, methods=(method,), seeds=(3,)).runs()
    (earlier,) = run.depends_on
    assert (earlier.method.name, earlier.seed) == ("ccar+la[tau=2]", 3)
    _, options, _ = resolve_settings(run, [finished(earlier, mean_weight=1.5)])
    assert options.scale == 1.5


def test_the_scales_of_epochs_are_the_mean_weights_of_the_same_seed(plan):
    method = get_method("la×c(t)[tau=2]")
    (run,) = dataclasses.replace(plan, methods=(method,), seeds=(3,)).runs()
    (earlier,) = run.depends_on
    assert (earlier.method.name, earlier.seed) == ("ccar+la[tau=2]", 3)
    record = finished(earlier, mean_weight=1.4, history={"mean_weight": [1.75, 1.05]})
    recipe, options, settled = resolve_settings(run, [record])
    assert recipe == plan.recipe
    assert options == dataclasses.replace(plan.options, epoch_scales=(1.75, 1.05))
    assert settled == {"epoch_scales": [1.75, 1.05], "after": [earlier.id]}


def test_learning_rates_are_tried_on_validation_images(plan):
    first, second = (run_of(plan, "ce-tuned", seed) for seed in (1, 2))
    assert [run.id for run in first.depends_on] == [run.id for run in second.depends_on]
    rates = [run.recipe.learning_rate for run in first.depends_on]
    assert rates == pytest.approx([0.05, 0.1, 0.2, 0.4])
    for run in first.depends_on:
        assert (run.method.name, run.seed) == ("ce", 0)
        assert run.data is plan.tuning_data
        assert run.identity["test_digest"] != plan.test_digest


def test_the_best_learning_rate_is_taken_and_all_are_recorded(plan):
    run = run_of(plan, "ce-tuned", 1)
    records = [
        finished(earlier, balanced=balanced)
        for earlier, balanced in zip(
            run.depends_on, (50.0, 55.0, 60.0, 10.0), strict=True
        )
    ]
    records[3] = OVERFLOWED
    recipe, options, settled = resolve_settings(run, records)
    assert recipe == plan.recipe.with_settings(
        learning_rate=run.depends_on[2].recipe.learning_rate
    )
    assert options == plan.options
    assert settled["learning_rate"] == recipe.learning_rate
    tried = settled["tried"]
    assert [each["validation_balanced"] for each in tried] == [50.0, 55.0, 60.0, None]


def test_nothing_to_settle(plan):
    assert resolve_settings(run_of(plan, "ce", 1), []) == (
        plan.recipe,
        plan.options,
        {},
    )
    assert tuning_runs(get_method("ccar"), plan.recipe) == []


def test_a_failed_run_before_it_is_named(plan):
    run = run_of(plan, "ce×c[strength=2]", 1)
    record = {"id": "x", "status": "failed", "error": "FloatingPointError: oops"}
    with pytest.raises(RuntimeError, match=r"finished run of ccar\[.*seed 1.*oops"):
        resolve_settings(run, [record])


@pytest.mark.parametrize("error", ["MemoryError: oops", "ChildProcessError: oops"])
def test_nothing_is_chosen_while_a_learning_rate_is_untried(plan, error):
    run = run_of(plan, "ce-tuned", 1)
    records = [finished(earlier, balanced=50.0) for earlier in run.depends_on]
    records[2] = {"id": "x", "status": "failed", "error": error}
    with pytest.raises(RuntimeError, match=r"ce, seed 0, learning rate 0\.2, .*oops"):
        resolve_settings(run, records)


def test_no_learning_rate_suits(plan):
    with pytest.raises(RuntimeError, match=r"ce-tuned needs .*became inf"):
        resolve_settings(run_of(plan, "ce-tuned", 1), [OVERFLOWED] * 4)


def test_learning_rates_are_tried_for_as_many_steps(plan):
    # Fewer images make an epoch where some are held back for validation.
    recipe = plan.recipe.with_settings(batch_size=16, steps=200, warmup_epochs=9)
    recipe = recipe.with_epochs_for(plan.data.class_counts.sum())
    tuned = run_of(dataclasses.replace(plan, recipe=recipe), "ce-tuned", 1)
    expected = recipe.warmup_epochs * tuned.steps_per_epoch
    for tried in tuned.depends_on:
        assert tried.recipe.epochs > recipe.epochs
        steps = tried.recipe.epochs * tried.steps_per_epoch
        assert steps == pytest.approx(200, abs=tried.steps_per_epoch)
        warmup = tried.recipe.warmup_epochs * tried.steps_per_epoch
        assert warmup == pytest.approx(expected, rel=0.1)


def test_tuning_needs_data_of_its_own(plan):
    with pytest.raises(ValueError, match="'ce-tuned' needs tuning_data"):
        dataclasses.replace(plan, tuning_data=None).check()


def test_validation_images_are_neither_trained_nor_tested_on(plan):
    def images(arrays):
        return {image.tobytes() for image in arrays[0]}

    tuning = plan.tuning_data
    held_out = images(tuning.test_arrays)
    assert not held_out & images(tuning.train_arrays)
    assert not held_out & images(plan.data.test_arrays)
    assert not images(tuning.train_arrays) & images(plan.data.test_arrays)
    assert np.unique(np.bincount(tuning.test_arrays[1])).tolist() == [24]


@pytest.fixture(scope="module")
def tuned(plan):
    methods = tuple(map(get_method, ("ce×c", "ce", "ce-tuned", "ccar")))
    recipe = plan.recipe.with_settings(tune_learning_rate=True)
    return dataclasses.replace(plan, methods=methods, recipe=recipe)


def test_every_method_tries_the_same_learning_rates_with_one_seed(tuned):
    for run in tuned.runs():
        tried = run.depends_on[bool(run.method.scaled_by) :]
        assert [each.method.name for each in tried] == [run.method.name] * 4
        rates = [each.recipe.learning_rate for each in tried]
        assert rates == pytest.approx([0.05, 0.1, 0.2, 0.4])
        assert {each.seed for each in tried} == {0}
        assert all(each.data is tuned.tuning_data for each in tried)


def test_a_tuned_control_is_scaled_by_the_tuned_method(tuned):
    control = run_of(tuned, "ce×c", 2)
    scaling, *tried = control.depends_on
    assert scaling.id == run_of(tuned, "ccar", 2).id
    # At a learning rate that is tried, by the run that tries the same.
    assert [each.depends_on[0].id for each in tried] == [
        each.id for each in run_of(tuned, "ccar", 2).depends_on
    ]
    records = [finished(scaling, mean_weight=1.25)]
    records += [finished(each, balanced=50 - at) for at, each in enumerate(tried)]
    recipe, options, settled = resolve_settings(control, records)
    assert (recipe.learning_rate, options.scale) == (0.05, 1.25)
    assert (settled["learning_rate"], settled["scale"]) == (0.05, 1.25)
    assert len(settled["tried"]) == 4


def test_tuned_cross_entropy_is_one_method_if_all_are_tuned(tuned):
    names = [[method.name for method in group] for group in tuned.equal_methods()]
    assert names == [["ce×c"], ["ce", "ce-tuned"], ["ccar"]]
    order = tuned.runs_with_dependencies()
    ids = [run.id for run in order]
    assert len(set(ids)) == len(ids) == 2 * 3 + 3 * 4
    for position, run in enumerate(order):
        assert {each.id for each in run.depends_on} <= set(ids[:position])


def test_a_control_has_no_rate_at_which_what_scales_it_overflowed(tuned):
    control = run_of(tuned, "ce×c", 1)
    scaling, *tried = control.depends_on
    overflow = f"RuntimeError: ce×c needs a run, which failed: {OVERFLOWED['error']}"
    records = [finished(scaling, mean_weight=1.25)]
    records += [finished(each, balanced=50.0) for each in tried]
    records[1] = {**OVERFLOWED, "error": overflow}
    assert resolve_settings(control, records)[0].learning_rate == 0.1
    with pytest.raises(RuntimeError, match=r"run of ccar, seed 1, .*became inf"):
        resolve_settings(control, [OVERFLOWED, *records[1:]])
