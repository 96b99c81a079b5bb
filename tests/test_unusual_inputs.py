"""Every public object with every wrong or unusual input, eager and compiled."""

import re

import pytest
from unusual import page, table
from unusual.check import check_cells
from unusual.outcomes import Documented

CELLS = [
    pytest.param(row, family, id=f"{family}-{row.group}-{row.name}")
    for family in table.FAMILIES
    for row in table.ROWS
    if table.subjects_of(family, row)
]


@pytest.mark.slow
@pytest.mark.parametrize(("row", "family"), CELLS)
def test_no_number_is_silently_different(row, family):
    check_cells(row, table.subjects_of(family, row))


def test_every_public_object_is_in_the_table():
    covered = {name for subject in table.subjects() for name in subject.covers}
    known = covered | set(table.ELSEWHERE) | set(table.ON_TENSORFLOW)
    assert known == table.public_names()


def test_every_family_has_cells():
    cells = page.count_cells()
    assert set(cells) == set(table.FAMILIES)
    assert min(cells.values()) > 0
    assert sum(cells.values()) > 2000


def test_names_of_rows_differ():
    names = [(row.group, row.name) for row in table.ROWS]
    assert len(names) == len(set(names))


def test_what_cannot_be_told_apart_is_documented():
    text = page.PAGE.read_text("utf-8")
    outcomes = {
        row.outcome(subject) for row in table.ROWS for subject in table.subjects()
    }
    documented = [x for x in outcomes if isinstance(x, Documented)]
    assert documented
    for outcome in documented:
        title = outcome.section.replace("-", "[- ]")
        section = re.search(rf"^## `?{title}`?$(.*?)^## ", text, re.S | re.M | re.I)
        assert outcome.phrase in section[1]


@pytest.mark.tensorflow_only
def test_the_page_shows_the_table():
    text = page.PAGE.read_text("utf-8")
    assert text == page.page_with_table(text), "run `make table`"
