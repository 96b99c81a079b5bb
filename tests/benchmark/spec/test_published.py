import dataclasses
import re

import pytest

from keras_ccar import datasets
from keras_ccar.benchmark.spec.methods import METHODS
from keras_ccar.benchmark.spec.published import (
    differences_to,
    is_comparable,
    published_for,
    published_results,
)
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.files import to_json

PLAIN = to_json(dataclasses.asdict(RECIPES["plain"]))
IMAGENET = to_json(dataclasses.asdict(RECIPES["imagenet-resnet50"]))


def the(method, **wanted):
    (found,) = [
        published
        for published in published_results()
        if published.method == method
        and all(getattr(published, name) == value for name, value in wanted.items())
    ]
    return found


def test_every_number_is_whole():
    published = published_results()
    assert len(set(published)) == len(published)
    for result in published:
        assert result.dataset in datasets.NAMES
        assert re.fullmatch(r"(about )?\d\d\.\d\d?(–\d\d\.\d)?", result.top1), result
        assert re.fullmatch(r"(\+\d\.\d\d?)?", result.gain), result
        assert result.title
        assert result.source
        assert result.network
        network = {
            "plain": "ResNet-32",
            "strong": "ResNet-32",
            "imagenet-resnet50": "ResNet-50",
        }
        assert result.recipe in {*network, "its own", "not stated"}
        assert network.get(result.recipe, result.network) == result.network
        assert (result.imbalance_factor is None) == (
            result.dataset in {"imagenet-lt", "inaturalist2018"}
        )
        assert result.subset in {"", "Cao", "Cui"}
        assert result.epoch in {"", "best", "last", "validation"}
        assert result.beta is None or result.method == "cb"
        assert not result.sigmoid_focal or result.method == "focal"
        assert not result.subset or result.dataset == "cifar100-lt"
        if not result.checked:
            assert result.number.endswith("†")


def test_what_the_paper_of_ccar_claims():
    claims = {
        (result.dataset, result.imbalance_factor): result.number
        for result in published_results()
        if result.method == "ccar"
    }
    assert claims == {
        ("cifar100-lt", 200.0): "46.20 (+2.9)†",
        ("imagenet-lt", None): "45.62 (+4.02)†",
        ("inaturalist2018", None): "70.10 (+0.3)†",
    }
    assert the("ccar+la", dataset="cifar100-lt").number == "48.91†"


def test_numbers_of_bag_of_tricks():
    # Its gallery lists errors: 61.76, 69.41, 62.59, 61.50, 61.24 and 56.82 %.
    errors = {"ce": 61.76, "inverse": 69.41, "focal": 62.59, "cb": 61.50}
    for method, error in {**errors, "ldam": 61.24, "bs": 56.82}.items():
        found = the(method, dataset="cifar100-lt", imbalance_factor=100, recipe="plain")
        assert float(found.top1) == pytest.approx(100 - error, abs=0.051)
        assert found.checked
        assert found.source.startswith("Bag-of-Tricks")
        # Its README names Cui's files, its training keeps the best epoch.
        assert (found.subset, found.epoch) == ("Cui", "best")
        assert found.beta == (0.9 if method == "cb" else None)
        assert found.sigmoid_focal == (method == "focal")


def test_a_number_of_balms_is_not_one_of_balanced_softmax():
    (found,) = [r for r in published_results() if r.top1 == "50.8"]
    assert found.method == ""
    assert "meta sampler" in found.title


def test_only_the_same_data_is_looked_at():
    found = published_for({"name": "cifar100-lt", "imbalance_factor": 200.0})
    assert {result.imbalance_factor for result in found} == {200.0}
    assert published_for({"name": "digits-lt", "imbalance_factor": 40.0}) == []
    assert published_for({"name": "imagenet-lt", "imbalance_factor": 256.0})


@pytest.mark.parametrize(
    ("changes", "comparable"),
    [
        ({}, True),
        ({"steps_per_execution": 10, "source": "here"}, True),
        ({"model": "resnet8"}, False),
        ({"epochs": 20}, False),
        ({"learning_rate": 0.1}, False),
        ({"name": "cpu"}, False),
        ({"name": "imagenet-resnet10"}, False),
    ],
)
def test_comparable_is_the_same_network_and_recipe(changes, comparable):
    published = the("ce", dataset="imagenet-lt", recipe="imagenet-resnet50")
    assert is_comparable(published, {**IMAGENET, **changes}) == comparable


@pytest.mark.parametrize(
    ("method", "differences"),
    [
        ("ce", ["Cui's subset", "best epoch"]),
        ("cb", ["Cui's subset", "best epoch", "β 0.9"]),
        ("focal", ["Cui's subset", "best epoch", "sigmoid focal loss"]),
        ("ldam-drw", ["best epoch"]),
    ],
)
def test_what_keeps_numbers_of_the_same_recipe_from_comparing(method, differences):
    published = the(method, dataset="cifar100-lt", imbalance_factor=100, recipe="plain")
    assert differences_to(published, PLAIN) == differences
    assert not is_comparable(published, PLAIN)
    # Each is enough.
    same = {"subset": "Cao", "epoch": "last", "sigmoid_focal": False}
    same["beta"] = 0.9999 if method == "cb" else None
    assert is_comparable(dataclasses.replace(published, **same), PLAIN)
    for name, value in same.items():
        other = dataclasses.replace(
            published, **{**same, name: getattr(published, name)}
        )
        assert is_comparable(other, PLAIN) == (value == getattr(published, name))


def test_what_nobody_says_does_not_compare():
    published = the("cb", dataset="cifar100-lt", imbalance_factor=100)
    unknown = dataclasses.replace(published, subset="Cao", epoch="", beta=None)
    assert differences_to(unknown, PLAIN) == ["unknown epoch", "β unknown"]


def test_a_recipe_that_nobody_states_compares_with_none():
    claim = the("ccar+la", dataset="cifar100-lt")
    assert not is_comparable(claim, PLAIN)


def test_methods_of_the_field_that_the_benchmark_has():
    ours = {result.method for result in published_results()} & set(METHODS)
    assert {"ce", "bs", "la", "ccar", "ccar+la"} <= ours
