"""Methods that compute the same are one run under two names."""

import dataclasses

import pytest
from small_comparison import compare, read, run_files

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.runner.request import CompareRequest

SHORT = ("--seeds", "1", "--epochs", "1")


def plan_of(*methods, **settings):
    return CompareRequest("digits-lt", methods, 2, loss_settings=settings).build_plan()


def names(plan):
    return [[method.name for method in group] for group in plan.equal_methods()]


def test_groups():
    methods = ("la", "ce", "ccar+bs", "bs", "ccar+la", "la-posthoc", "ce-tuned")
    assert names(plan_of(*methods)) == [
        ["la", "bs"],
        ["ce"],
        ["ccar+bs", "ccar+la"],
        ["la-posthoc"],
        ["ce-tuned"],
    ]
    assert names(plan_of("la", "bs", tau=2.0)) == [["la"], ["bs"]]
    assert names(plan_of("ccar[strength=1]", "ccar")) == [["ccar[strength=1]", "ccar"]]
    controls = ("ce×c", "ce×c(t)", "ce×c[strength=2]", "ce×c[strength=1]")
    assert names(plan_of(*controls)) == [
        ["ce×c", "ce×c[strength=1]"],
        ["ce×c(t)"],
        ["ce×c[strength=2]"],
    ]


def test_one_run_a_seed_which_others_depend_on():
    plan = plan_of("la×c", "ccar+bs", "ccar+la", "bs", "la")
    assert [(run.method.name, run.seed) for run in plan.runs()] == [
        (name, seed) for seed in (0, 1) for name in ("la×c", "ccar+bs", "bs")
    ]
    assert len(plan.runs_with_dependencies()) == 6
    control, ours, _ = plan.runs()[:3]
    assert [run.id for run in control.depends_on] == [ours.id]


def test_the_identity_has_no_name():
    for other in (("bs",), ("la", "bs"), ("la[tau=1]",)):
        assert [run.id for run in plan_of("la").runs()] == [
            run.id for run in plan_of(*other).runs()
        ]


@pytest.fixture
def balanced(tmp_path):
    assert compare(tmp_path, *SHORT, methods=("bs", "ccar", "la")) == 0
    return tmp_path


def test_trained_once_and_counted_once(balanced):
    assert len(run_files(balanced)) == 2
    results = read(balanced)
    assert [run["method"] for run in results["runs"]] == ["bs", "ccar"]
    first, second = results["methods"]
    assert [other["name"] for other in first["equal_methods"]] == ["la"]
    assert second["equal_methods"] == []
    assert "--methods bs la ccar --seeds 1 " in results["command"]
    report = (balanced / "report.md").read_text("utf-8")
    assert "logit adjustment computes here the same as Balanced Softmax" in report
    comparison = Comparison.read(balanced)
    assert comparison.by_seed("la", "balanced").equals(
        comparison.by_seed("bs", "balanced")
    )
    assert len(comparison.finished) == 2


def test_another_name_is_added_later(balanced):
    before = run_files(balanced)
    assert compare(balanced, *SHORT, methods=("la[tau=1]", "la")) == 0
    assert run_files(balanced) == before
    results = read(balanced)
    assert [run["method"] for run in results["runs"]] == ["bs", "ccar"]
    names = [other["name"] for other in results["methods"][0]["equal_methods"]]
    assert names == ["la", "la[tau=1]"]


def test_a_run_that_was_trained_for_a_control_serves_its_other_name(tmp_path):
    assert compare(tmp_path, *SHORT, methods=("laxct", "ccar+bs")) == 0
    assert len(run_files(tmp_path)) == 2
    control, ours = read(tmp_path)["runs"]
    assert (control["method"], ours["method"]) == ("la×c(t)", "ccar+bs")
    weights = ours["history"]["mean_weight"]
    assert control["epoch_scales"] == weights
    assert control["history"]["mean_weight"] == pytest.approx(weights)


def test_a_plan_without_equal_methods_has_groups_of_one():
    plan = plan_of("ce", "ccar")
    assert names(plan) == [["ce"], ["ccar"]]
    again = dataclasses.replace(plan, methods=plan.methods[:1])
    assert names(again) == [["ce"]]
