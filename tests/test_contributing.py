"""CONTRIBUTING.md names only files, functions and tests that exist."""

import ast
import functools
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = ROOT / "keras_ccar"
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
# Fenced blocks hold the picture, which tests/test_docs_site.py compares with the code.
PROSE = re.sub(r"^```.*?^```", "", TEXT, flags=re.DOTALL | re.MULTILINE)
CODE = re.findall(r"`([^`]+)`", PROSE)
PATHS = sorted(
    {code for code in CODE if re.fullmatch(r"[\w./]+(\.(py|md|json|csv|html)|/)", code)}
)
# Files that are made, and the example of a file to add.
NOT_THERE = {"dist/", "site/", "runs/", "losses/new_loss.py"}
MADE_BY_A_COMPARISON = r"(results|report)\.(json|csv|md|html)"


def section(title):
    """The text below a heading of the second level."""
    return re.split(r"^## ", PROSE.partition(f"\n## {title}\n")[2], flags=re.M)[0]


def rows_of(text):
    """The cells of the rows of all tables in a text, without their headings."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def path_of(name):
    """Where a path is: below the package, unless it begins at the root."""
    below = PACKAGE / name
    return below if below.exists() else ROOT / name


@functools.cache
def definitions(path):
    """The names that a module defines at its top level, and those of its methods."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            methods = [n.name for n in node.body if isinstance(n, ast.FunctionDef)]
            found |= {node.name, *(f"{node.name}.{method}" for method in methods)}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


@functools.cache
def identifiers():
    """Every name in the code of the package and of its tests."""
    found = set()
    for folder in (PACKAGE, ROOT / "tests"):
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                for part in ("name", "id", "attr", "arg"):
                    value = getattr(node, part, None)
                    found |= {value} if isinstance(value, str) else set()
    return found


WALKS = rows_of(section("Three walks through the code"))


def test_the_walks_are_found():
    assert len(WALKS) > 25
    assert len(PATHS) > 50


@pytest.mark.parametrize("name", PATHS)
def test_every_path_exists(name):
    if name not in NOT_THERE and not re.fullmatch(MADE_BY_A_COMPARISON, name):
        assert path_of(name).exists()


@pytest.mark.parametrize("row", WALKS, ids=lambda row: " ".join(row[:2]))
def test_every_step_of_a_walk_is_defined_in_its_file(row):
    path, names, _ = row
    defined = definitions(path_of(path.strip("`")))
    assert re.fullmatch(r"`[\w./]+\.py`", path)
    assert set(re.findall(r"`([^`]+)`", names)) <= defined


@pytest.mark.parametrize("title", ["Add a loss", "Add a method", "Add a data set"])
def test_what_is_added_goes_where_the_page_says(title):
    steps = re.findall(r"^\d\. `([^`]+)`.*$", section(title), re.MULTILINE)
    assert len(steps) >= 3


@pytest.mark.slow
def test_every_name_is_in_the_code():
    titles = ("Architecture", "Three walks through the code")
    added = ("Add a loss", "Add a method", "Add a data set")
    codes = re.findall(r"`([^`]+)`", "".join(map(section, (*titles, *added))))
    names = {code for code in codes if re.fullmatch(r"[A-Za-z_][\w.]*", code)}
    names -= {*PATHS, "keras_ccar"}
    assert len(names) > 50
    known = identifiers()
    missing = [name for name in names if name.split(".")[-1] not in known]
    assert not [name for name in missing if not path_of(name).exists()]


def test_every_room_has_a_row():
    rows = [row[0].strip("`") for row in rows_of(section("Architecture"))]
    assert len(rows) == len(set(rows))
    folders = {
        f"{path.parent.relative_to(PACKAGE).as_posix()}/"
        for path in PACKAGE.rglob("__init__.py")
    }
    files = {
        path.relative_to(PACKAGE).as_posix()
        for folder in (PACKAGE, PACKAGE / "benchmark")
        for path in folder.glob("*.py")
        if path.name != "__init__.py"
    }
    assert set(rows) == (folders - {"./", "benchmark/"}) | files


def test_what_is_not_there_is_noticed(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("A: int = 1\nclass B:\n    def c(self):\n        d = 1\n", "utf-8")
    assert definitions(path) == {"A", "B", "B.c"}
    assert "a_name_that_" + "nobody_gave" not in identifiers()
    assert not path_of("losses/lost.py").exists()
