"""The documentation covers what is public, and says what the code does."""

import base64
import importlib
import importlib.util
import inspect
import json
import pathlib
import re
import shutil
import subprocess

import architecture_picture
import choosing_a_loss
import nbformat
import numpy as np
import pytest
import yaml
from made_results import made_results
from results_page import read_comparisons
from test_import_rule import GROUND, MODULES, imports_of

import keras_ccar
from keras_ccar import benchmark

ROOT = pathlib.Path(__file__).parent.parent
DOCS = ROOT / "docs"


def public_names():
    """Every public name, by its shortest path."""
    names = {f"keras_ccar.benchmark.{name}" for name in benchmark.__all__}
    for name in keras_ccar.__all__:
        member = getattr(keras_ccar, name)
        if inspect.ismodule(member):
            names |= {f"keras_ccar.{name}.{inner}" for inner in member.__all__}
        else:
            names.add(f"keras_ccar.{name}")
    # The package exports it too.
    return names - {"keras_ccar.layers.LogitCorrection"}


def documented_names():
    pages = (DOCS / "api").glob("*.md")
    texts = [page.read_text("utf-8") for page in pages]
    return [name for text in texts for name in re.findall(r"^::: (\S+)", text, re.M)]


def test_every_public_name_has_its_place_in_the_api():
    documented = documented_names()
    assert len(documented) == len(set(documented))
    assert set(documented) == public_names()


def pages_of(entries):
    for entry in entries:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        yield from pages_of(value) if isinstance(value, list) else [value]


def test_every_page_is_in_the_navigation():
    class Loader(yaml.SafeLoader):
        """Ignores the tags that only MkDocs knows."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
    settings = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), Loader)
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert set(pages_of(settings["nav"])) == pages


def module_of(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_the_choice_quotes_is_what_the_files_give():
    text = choosing_a_loss.PAGE.read_text("utf-8")
    assert text == choosing_a_loss.with_measured(text, read_comparisons()), (
        "docs/choosing-a-loss.md is not what benchmarks/results gives: run "
        "`make results`."
    )
    assert "| Balanced Softmax" in text


def test_the_choice_says_better_only_beyond_the_interval():
    results = made_results(
        {
            "ce": [38.0, 38.5, 39.0],
            "bs": [43.0, 43.4, 44.1],
            "la": [43.1, 43.2, 44.1],
            "ccar": [38.1, 38.4, 39.2],
            "focal": [36.1, 36.5, 37.0],
            "cb": [37.0],
        }
    )
    text = choosing_a_loss.measured({"made": results})
    rows = {
        cells[0]: cells[-1]
        for line in text.splitlines()
        if line.startswith("| ")
        for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
    }
    # Differences 0.1, -0.1 and 0.2 of CCAR; 1.9, 2 and 2 below for focal loss.
    assert rows == {
        "loss": "against cross-entropy",
        "Balanced Softmax": "better",
        "logit adjustment": "better",
        "CCAR": "no measurable difference",
        "cross-entropy": "",
        "class-balanced weights": "cannot be said",
        "focal loss": "worse",
    }
    assert list(rows)[1:3] == ["Balanced Softmax", "logit adjustment"]
    assert (
        "Highest balanced accuracy: **Balanced Softmax**. Not measurably below it: "
        "logit adjustment, class-balanced weights."
    ) in text


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize("form", ["exponential", "power", "information"])
def test_the_live_plot_draws_the_weight(form):
    random = np.random.default_rng(0)
    p, f, pivot = random.uniform(0.01, 0.99, (3, 20))
    strength = random.uniform(0, 4, 20)
    settings = np.stack([p, f, pivot, strength], axis=-1).tolist()
    script = (
        f"const {{ omega }} = require({json.dumps(str(DOCS / 'assets' / 'omega.js'))});"
        f"const drawn = {json.dumps(settings)}.map((s) => omega(...s, '{form}'));"
        "console.log(JSON.stringify(drawn));"
    )
    answer = subprocess.run(["node", "-e", script], capture_output=True, check=True)
    dual_phase = np.where(p < pivot, f, 1 - f)
    capacity = {
        "exponential": 1 - dual_phase,
        "power": np.log(2 - dual_phase),
        "information": -np.log(dual_phase),
    }
    expected = np.exp(strength * capacity[form] * (pivot - p))
    np.testing.assert_allclose(json.loads(answer.stdout), expected, rtol=1e-12)


def test_notebooks_become_pages(tmp_path):
    hooks = module_of(DOCS / "hooks.py")
    assert hooks.notebook_pages(tmp_path) == {}
    picture = b"a picture"
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.cells = [
        nbformat.v4.new_markdown_cell(
            "# First steps\n\nThen [more](more.ipynb) and [why](../docs/why.md)."
        ),
        nbformat.v4.new_code_cell(
            "draw()",
            outputs=[
                nbformat.v4.new_output(
                    "display_data",
                    data={"image/png": base64.b64encode(picture).decode()},
                )
            ],
        ),
    ]
    nbformat.write(notebook, tmp_path / "quickstart.ipynb")
    markdown, title, pictures = hooks.notebook_pages(tmp_path)["quickstart"]
    assert title == "First steps"
    assert "Then [more](more.md) and [why](../why.md)." in markdown
    assert "```python\ndraw()\n```" in markdown
    ((name, content),) = pictures.items()
    assert content == picture
    assert f"]({name})" in markdown


def test_notebooks_come_in_an_order_for_readers():
    names = list(module_of(DOCS / "hooks.py").notebook_pages(ROOT / "examples"))
    assert names[0] == "quickstart"
    assert names.index("fine_tuning_keras_hub") < names.index("fine_tuning_keras_cv")


def test_a_page_says_how_to_open_its_notebook_in_colab(tmp_path):
    hooks = module_of(DOCS / "hooks.py")
    notebook = nbformat.v4.new_notebook(metadata={"processor_seconds": 70})
    notebook.cells = [nbformat.v4.new_markdown_cell("# Title\n\nText.")]
    path = tmp_path / "new.ipynb"
    nbformat.write(notebook, path)
    markdown, _, _ = hooks.notebook_pages(tmp_path)["new"]
    assert "# Title\n\n*Running it took 70 seconds of processor time. " in markdown
    assert "download [new.ipynb](new.ipynb)" in markdown
    offered = nbformat.reads(hooks.with_install_cell(path), as_version=4)
    nbformat.validate(offered)
    assert [cell.source for cell in offered.cells] == [
        hooks.INSTALL,
        "# Title\n\nText.",
    ]


@pytest.mark.parametrize("is_there", [True, False])
def test_the_install_cell_installs_only_where_it_must(tmp_path, monkeypatch, is_there):
    install = module_of(DOCS / "hooks.py").INSTALL
    calls = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", lambda *args, **_: calls.append(args[0]))
    if is_there:
        exec(install, {})
        assert calls == []
        return
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="Upload"):
        exec(install, {})
    (tmp_path / "keras_ccar-0.1.0-py3-none-any.whl").touch()
    exec(install, {})
    (command,) = calls
    assert command[1:4] == ["-m", "pip", "install"]
    assert command[-1] == "./keras_ccar-0.1.0-py3-none-any.whl[examples]"


def drawn_room(name):
    """The room of a module in the picture, None for an `__init__` above the rooms."""
    first, *rest = name.split(".")
    if first == "benchmark":
        return rest[0] if rest else None
    return "ground" if first in set(GROUND) - {"ops"} else first or None


def test_the_site_shows_the_picture_of_the_architecture():
    picture = architecture_picture.PICTURE.read_text("utf-8")
    assert picture.startswith(
        architecture_picture.mark(architecture_picture.diagram())
    ), "CONTRIBUTING.md has another diagram than the site: run `make architecture`."


def test_the_picture_of_the_architecture_is_that_of_the_imports():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    arrows = set(re.findall(r"^    (\w+) --> (\w+)$", text, re.M))
    labels = dict(re.findall(r'^    (\w+)\["(.*)"\]$', text, re.M))
    rooms = {drawn_room(name) for name in MODULES} - {None}
    assert set(labels) == {room for arrow in arrows for room in arrow} == rooms
    for name in set(GROUND) - {"ops"}:
        assert name in labels["ground"]
    reached = set(arrows)
    for _ in rooms:
        reached |= {(a, d) for a, b in reached for c, d in arrows if b == c}
    assert not {(a, b) for a, b in reached if a == b}
    imported = {
        (drawn_room(name), drawn_room(other))
        for name, path in MODULES.items()
        for other in imports_of(path)
    }
    between = {(a, b) for a, b in imported if a != b and None not in (a, b)}
    assert len(between) > 30
    assert between <= reached
    assert arrows <= between
