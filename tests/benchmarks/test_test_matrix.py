"""The versions that are tested are those that setup.cfg admits."""

import configparser
import json
import re
from types import SimpleNamespace

import pytest
import test_matrix
import test_matrix_page
from test_matrix import CELLS, NEWEST, OLDEST, RESULT, ROOT, Cell

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
ROWS = json.loads(RESULT.read_text("utf-8"))["rows"] if RESULT.exists() else []
CLASSIFIERS = re.findall(r"Python :: (3\.\d+)", SETUP["metadata"]["classifiers"])


def rows_of(wanted):
    return [row for row in ROWS if row["wanted"] == wanted]


def numbers(version):
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def test_what_was_run_is_well():
    run = [test_matrix.cell_of(row) for row in ROWS]
    assert run == [cell for cell in CELLS if cell in run]
    assert all(map(test_matrix.is_well, ROWS))
    assert all(row["version_seconds"] < 0.5 for row in ROWS)


@pytest.mark.parametrize("package", ["keras", "numpy", "tensorflow", "jax"])
def test_the_lowest_bound_is_the_oldest_that_was_tested(package):
    if not rows_of(OLDEST):
        pytest.skip("not yet run on the oldest versions")
    low = numbers(test_matrix.lowest_versions()[package])
    oldest = {numbers(row["versions"][package])[: len(low)] for row in rows_of(OLDEST)}
    assert oldest == {low}
    assert all(low <= numbers(row["versions"][package]) for row in ROWS)


def test_the_lowest_bounds_are_the_same_everywhere():
    """A package is named in several extras: one of them must not refuse what works."""
    bounds = {}
    for requirement in test_matrix.requirements():
        name, _, bound = requirement.partition(">=")
        if bound:
            bounds.setdefault(name, set()).add(bound)
    assert {name: found for name, found in bounds.items() if len(found) > 1} == {}


def test_the_pythons_are_those_of_the_classifiers():
    assert sorted({cell.python for cell in CELLS}, key=numbers) == CLASSIFIERS
    assert SETUP["options"]["python_requires"] == f">={CLASSIFIERS[0]}"
    newest = {cell.python for cell in CELLS if cell.wanted == NEWEST}
    assert newest == set(CLASSIFIERS)
    assert all(row["versions"]["python"].startswith(row["python"]) for row in ROWS)


def test_what_users_install_has_no_upper_limit():
    extras = SETUP["options.extras_require"]
    texts = [SETUP["options"]["install_requires"]]
    texts += [extras[name] for name in ("tensorflow", "jax", "torch", "serving")]
    assert not re.findall(r"<|==|~=", "".join(texts))


@pytest.mark.skipif(not rows_of(NEWEST), reason="not yet run on the newest versions")
def test_the_newest_is_newer_than_the_others():
    newest = {row["versions"]["keras"] for row in rows_of(NEWEST)}
    assert len(newest) == 1
    others = [row["versions"]["keras"] for row in ROWS if row["wanted"] != NEWEST]
    assert numbers(newest.pop()) > max(map(numbers, others))


def test_the_oldest_are_pinned_and_the_newest_are_not():
    oldest = Cell("3.11", OLDEST, "jax").constraints()
    assert {"keras==3.8.*", "numpy==2.0.*"} <= set(oldest)
    assert Cell("3.11", "3.12", "jax").constraints() == ["keras==3.12.*"]
    assert Cell("3.13", NEWEST, "jax").constraints() == []


def test_counts_of_a_junit_file(tmp_path):
    path = tmp_path / "report.xml"
    path.write_text(
        '<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" '
        'tests="10" time="61.7"/></testsuites>',
        "utf-8",
    )
    counts = {"passed": 4, "failed": 3, "skipped": 3, "seconds": 62}
    assert test_matrix.read_counts(path) == counts


def made_row(cell, **changed):
    return {
        "python": cell.python,
        "wanted": cell.wanted,
        "backend": cell.backend,
        "versions": {"python": cell.python, "keras": "3.8.0", "numpy": "2.0.2"}
        | {"tensorflow": "2.18.1", "jax": "0.5.3"},
        "passed": 1234,
        "failed": 0,
        "skipped": 5,
        "seconds": 600,
        "import_error": "",
        "version_seconds": 0.25,
        "options": "-n 2",
        "commit": "c" * 40,
        **changed,
    }


@pytest.mark.parametrize(
    "changed", [{"failed": 1}, {"import_error": "a warning"}, {"passed": 0}]
)
def test_what_is_not_well(changed):
    assert test_matrix.is_well(made_row(CELLS[0]))
    assert not test_matrix.is_well(made_row(CELLS[0], **changed))


def test_rows_stand_beside_those_of_other_cells(tmp_path):
    path = tmp_path / "versions" / "result.json"
    test_matrix.write_rows(path, [made_row(CELLS[1]), made_row(CELLS[0])], "first")
    test_matrix.write_rows(path, [made_row(CELLS[1], failed=7)], "second")
    result = json.loads(path.read_text("utf-8"))
    assert result["command"] == "second"
    assert [row["failed"] for row in result["rows"]] == [0, 7]
    assert [test_matrix.cell_of(row) for row in result["rows"]] == list(CELLS[:2])


def test_the_page_says_what_failed_and_whether_the_import_warned():
    rows = [made_row(CELLS[0]), made_row(CELLS[5], failed=7, version_seconds=0.41)]
    result = {"rows": rows, "environment": {"hardware": {"processor": "p", "cores": 2}}}
    text = test_matrix_page.page(result)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[2] == [
        *("oldest", "TensorFlow 2.18.1", "3.11", "3.8.0", "2.0.2"),
        *("1,234", "0", "5", "10"),
    ]
    assert cells[3][1] == "JAX 0.5.3"
    assert cells[3][6] == "7"
    assert "warns of nothing" in text
    missing = re.search(r"Not yet run:\*\* (.*?)\. `make", text)[1].split("; ")
    assert len(missing) == len(CELLS) - len(rows)
    assert "Keras newest on JAX and Python 3.13" in missing
    assert "within 0.41 seconds" in text
    rows[0]["import_error"] = "a warning"
    assert "fails on some" in test_matrix_page.page(result)


def test_the_page_is_made_from_the_file(tmp_path):
    path = tmp_path / "page.md"
    test_matrix_page.write_page(path=path)
    assert path.read_text("utf-8") == test_matrix_page.PAGE.read_text("utf-8")


def test_a_page_without_a_file_says_that_nothing_was_run(tmp_path):
    path = tmp_path / "page.md"
    test_matrix_page.write_page(tmp_path / "none.json", path)
    text = path.read_text("utf-8")
    assert "Keras oldest on TensorFlow and Python 3.11; " in text
    assert "\n|" not in text


def test_the_oldest_versions_get_each_value_of_a_parameter_once(request):
    conftest = request.config.pluginmanager.get_plugin(str(ROOT / "tests/conftest.py"))
    a, b = [0], [1]  # pytest passes the same objects to all cases
    cases = [
        ("test_x", None),
        ("test_y[a-0]", {"list": a, "number": 0}),
        ("test_y[a-1]", {"list": a, "number": 1}),
        ("test_y[b-0]", {"list": b, "number": 0}),
        ("test_y[b-1]", {"list": b, "number": 1}),
        ("test_z[0]", {"number": 0}),
    ]
    items = [
        SimpleNamespace(
            nodeid=name, **((params and {"callspec": callspec(params)}) or {})
        )
        for name, params in cases
    ]
    left_out = []
    hook = SimpleNamespace(pytest_deselected=lambda items: left_out.extend(items))
    conftest.leave_out_combinations(SimpleNamespace(hook=hook), items)
    assert [item.nodeid for item in left_out] == ["test_y[b-1]"]
    assert [item.nodeid for item in items] == [
        name for name, _ in cases if name != "test_y[b-1]"
    ]


def callspec(params):
    return SimpleNamespace(params=params)
