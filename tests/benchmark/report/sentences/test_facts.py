import copy
import dataclasses
import re

from made_results import made_under_recipe

from keras_ccar.benchmark.report.page import page
from keras_ccar.benchmark.report.sentences.facts import (
    describe_hardware,
    describe_setup,
    title,
)
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.files import to_json


def test_the_heading_names_the_settings_that_were_changed():
    assert title(made_under_recipe("plain")).endswith("factor 100, recipe plain")
    results = made_under_recipe("plain", learning_rate=0.2, steps_per_execution=5)
    results.options |= {"strength": 3.0, "normalize": True}
    heading = "recipe plain changed: learning_rate 0.2, s = 3, normalised"
    assert title(results).endswith(heading)
    assert heading in page({"some": results}, {"some": []}, {})
    shorter = to_json(dataclasses.asdict(RECIPES["strong"].with_settings(epochs=3)))
    del shorter["name"]
    heading = title(made_under_recipe("strong", **shorter))
    assert heading.endswith("recipe strong changed: epochs 3")


def test_runs_from_several_machines_and_commits_are_all_named():
    results = made_under_recipe("plain")
    facts = dict(describe_setup(results))
    assert facts["Hardware"] == describe_hardware(results.environment["hardware"])
    other = copy.deepcopy(results.environment)
    other["commit"] = "f" * 40
    other["hardware"]["cores"] = 1
    for run in results.run_entries[:1]:
        run["environment"] = other
    facts = dict(describe_setup(results))
    # Each of nine runs counts.
    assert facts["Commit"].endswith(f"{results.environment['commit']} (8 runs)")
    assert facts["Commit"].startswith(f"{'f' * 40} (1 run); ")
    assert re.search(
        r" 1 core, .* \(1 run\); .* cores, .* \(8 runs\)$", facts["Hardware"]
    )
    # Nothing is said of the machine that only looked on.
    for run in results.run_entries:
        run["environment"] = other
    assert dict(describe_setup(results))["Commit"] == "f" * 40
