import dataclasses
import shlex

from made_results import made_results
from planned import PLANNED, not_yet_run

from keras_ccar import datasets
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.files import to_json

FIRST = PLANNED[0]
PLAIN = {
    name: value
    for name, value in to_json(dataclasses.asdict(RECIPES["plain"])).items()
    if name != "name"
}
ALL = {method: [40.0, 41.0, 42.0] for method in FIRST.methods}


def test_the_plan_covers_what_has_to_be_settled():
    assert (FIRST.dataset, FIRST.imbalance_factor, FIRST.recipe) == (
        "cifar100-lt",
        100,
        "plain",
    )
    methods = {"ce", "bs", "ccar", "ccar+la"}
    controls = {"ce×c(t)", "la×c(t)"}
    assert set(FIRST.methods) == methods | controls
    assert {plan.dataset for plan in PLANNED} <= set(datasets.NAMES)
    assert {(plan.imbalance_factor, plan.recipe) for plan in PLANNED} >= {
        (factor, recipe) for factor in (100, 200) for recipe in ("plain", "strong")
    }
    assert all(plan.seeds >= 3 for plan in PLANNED)


def test_commands_are_for_a_shell_and_write_to_folders_of_their_own():
    outputs = set()
    for plan in PLANNED:
        words = shlex.split(plan.command)
        assert words[:3] == ["keras-ccar", "compare", plan.dataset]
        methods = words[words.index("--methods") + 1 : words.index("--output")]
        assert methods == list(plan.methods)
        outputs.add(words[-1])
    assert len(outputs) == len(PLANNED)


def test_nothing_is_missing_after_a_whole_comparison():
    assert FIRST.missing_methods([made_results(ALL, **PLAIN)]) == []
    assert FIRST.missing_methods([]) == list(FIRST.methods)


def test_a_shortened_a_smaller_or_another_comparison_does_not_count():
    for results in (
        made_results(ALL, **{**PLAIN, "epochs": 20}),
        made_results(ALL, **{**PLAIN, "model": "resnet8"}),
        made_results(ALL, imbalance_factor=200.0, **PLAIN),
        made_results(ALL, recipe="digits", **PLAIN),
    ):
        assert FIRST.missing_methods([results]) == list(FIRST.methods)


def test_losses_with_settings_of_their_own_do_not_count():
    results = made_results(ALL, **PLAIN)
    results.options = dataclasses.asdict(LossOptions(strength=3.0))
    assert FIRST.missing_methods([results]) == list(FIRST.methods)


def test_methods_of_too_few_seeds_are_missing():
    short = {**ALL, "bs": [40.0, 41.0], "ccar": [40.0, None, 41.0]}
    assert FIRST.missing_methods([made_results(short, **PLAIN)]) == ["bs", "ccar"]
    # Another comparison may hold them.
    rest = made_results({"ce": [1, 2, 3], "ccar": [1, 2, 3]}, **PLAIN)
    assert FIRST.missing_methods([made_results(short, **PLAIN), rest]) == ["bs"]


def test_what_is_not_yet_run_comes_with_its_missing_methods():
    waiting = not_yet_run([made_results({**ALL, "bs": [40.0]}, **PLAIN)])
    assert list(waiting) == list(PLANNED)
    assert waiting[FIRST] == ["bs"]
    assert FIRST not in not_yet_run([made_results(ALL, **PLAIN)])


def test_a_recipe_of_steps_is_whole_on_any_data():
    strong = RECIPES["strong"]
    plan = next(p for p in PLANNED if (p.recipe, p.imbalance_factor) == ("strong", 200))
    # 9,502 examples: 19 steps an epoch.
    recipe = to_json(dataclasses.asdict(strong.with_epochs_for(9502)))
    assert recipe["epochs"] != strong.epochs
    results = made_results(ALL, **{k: v for k, v in recipe.items() if k != "name"})
    results.recipe["name"] = "strong"
    results.dataset["imbalance_factor"] = 200
    assert plan.missing_methods([results]) == []
    results.recipe["learning_rate"] = 0.2
    assert plan.missing_methods([results]) == list(plan.methods)
