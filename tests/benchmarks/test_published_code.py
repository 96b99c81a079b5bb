"""What was checked against published code is still so."""

import copy

import published_code
import published_code_page
import pytest
from published_code import equal_rows, losses, policy, sgd, strong_rates

pytestmark = pytest.mark.tensorflow_only


def test_the_page_is_what_this_package_and_the_reference_give(tmp_path):
    written = tmp_path / "page.md"
    published_code_page.write_page(written)
    assert published_code_page.PAGE.read_text("utf-8") == written.read_text("utf-8"), (
        "docs/checked-against-published-code.md is not what benchmarks/reference and "
        "this package give: run `make results`."
    )


def test_every_reference_is_on_the_page_with_its_commit():
    text = published_code_page.PAGE.read_text("utf-8")
    for name, values in published_code.REFERENCE["values"].items():
        commit = published_code.REFERENCE["sources"][values["repository"]]
        assert len(commit) == 40
        assert published_code_page.source(name) in text, name


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (sgd, ("optimizer", "path", 30, 1)),
        (policy, ("policy", "pairs", 3, 1, 2)),
        (losses, ("losses", "of", "ldam-drw", "value")),
        (losses, ("balanced_softmax", "of", "bs", "gradient", 2, 5)),
        (
            lambda: strong_rates(100, 10_847),
            ("strong_rates", "by_examples", "10847", "rates", 36),
        ),
    ],
)
def test_another_value_is_noticed(make, path, monkeypatch):
    changed = copy.deepcopy(published_code.REFERENCE)
    *inner, last = path
    holder = changed["values"]
    for key in inner:
        holder = holder[key]
    holder[last] = holder[last] * 1.01 + 0.01
    monkeypatch.setattr(published_code, "REFERENCE", changed)
    with pytest.raises(AssertionError):
        make()


def test_the_rows_say_the_same_of_both():
    for row in equal_rows():
        if "as drawn" not in row.what:
            assert row.ours == row.theirs
