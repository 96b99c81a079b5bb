"""Adds all notebooks in examples/ to the site, and the picture of the architecture."""

import re
from pathlib import Path

import nbformat
from mkdocs.structure.files import File
from mkdocs.utils import get_relative_url

EXAMPLES = Path(__file__).parent.parent / "examples"
# In the navigation these come first and last; KerasCV is no longer developed.
FIRST, LAST = ["quickstart"], ["fine_tuning_keras_cv"]
# The first cell of the notebooks that the site offers for download.
INSTALL = """\
# Installs keras_ccar where it is not yet there, as in Colab, from an uploaded wheel.
import importlib.util
import subprocess
import sys
from pathlib import Path

if importlib.util.find_spec("keras_ccar") is None:
    wheels = sorted(Path().glob("keras_ccar-*.whl"))
    if not wheels:
        raise FileNotFoundError("Upload keras_ccar-*.whl beside this notebook first.")
    wheel = f"./{wheels[-1]}[examples]"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", wheel], check=True)
"""


def notebook_pages(folder):
    """Returns a page for each notebook in a folder.

    Args:
        folder: a path.

    Returns:
        A dict from the name of a notebook to its Markdown, its title, and a dict of the
        pictures in its outputs by file name.
    """
    paths = sorted(folder.glob("*.ipynb"), key=_place)
    if not paths:
        return {}
    from nbconvert import MarkdownExporter

    pages = {}
    for path in paths:
        markdown, resources = MarkdownExporter().from_filename(
            str(path),
            {"unique_key": path.stem, "output_files_dir": f"{path.stem}_files"},
        )
        # A notebook links to ../docs/page.md and to other.ipynb; on the site these are
        # ../page.md and other.md.
        markdown = markdown.replace("](../docs/", "](../")
        markdown = re.sub(r"\]\((\w+)\.ipynb\)", r"](\1.md)", markdown)
        headings = [line for line in markdown.splitlines() if line.startswith("# ")]
        title = headings[0].removeprefix("# ") if headings else path.stem
        if headings:
            below = f"{headings[0]}\n\n{how_to_run(path)}"
            markdown = markdown.replace(headings[0], below, 1)
        pages[path.stem] = (markdown, title, resources["outputs"])
    return pages


def _place(path):
    return path.stem not in FIRST, path.stem in LAST, path.stem


def how_to_run(path):
    """Returns how long a notebook takes, and how to open it in Colab."""
    seconds = nbformat.read(path, as_version=4).metadata.get("processor_seconds")
    took = f"Running it took {seconds} seconds of processor time. " if seconds else ""
    return (
        f"*{took}To run it in Colab, download [{path.name}]({path.name}) and choose "
        "File, then Upload notebook. Upload beside it the wheel that `make dist` "
        "writes into `dist/`; the first cell installs it. Anywhere else that cell does "
        "nothing if keras_ccar is installed.*"
    )


def with_install_cell(path):
    """Returns the content of a notebook that begins with a cell which installs."""
    notebook = nbformat.read(path, as_version=4)
    cell = nbformat.v4.new_code_cell(INSTALL, id="install")
    notebook.cells.insert(0, cell)
    return nbformat.writes(notebook)


def on_config(config):
    """Puts the notebooks before the results in the navigation."""
    pages = notebook_pages(EXAMPLES)
    config.extra["notebooks"] = pages
    if pages:
        entries = [
            {title: f"examples/{name}.md"} for name, (_, title, _) in pages.items()
        ]
        names = [next(iter(entry)) for entry in config.nav]
        config.nav.insert(names.index("Results"), {"Examples": entries})
    return config


def on_files(files, config):
    """Adds the pages and pictures of the notebooks to the site."""
    for name, (markdown, _, pictures) in config.extra["notebooks"].items():
        files.append(File.generated(config, f"examples/{name}.md", content=markdown))
        file = f"{name}.ipynb"
        content = with_install_cell(EXAMPLES / file)
        files.append(File.generated(config, f"examples/{file}", content=content))
        for picture, content in pictures.items():
            files.append(File.generated(config, f"examples/{picture}", content=content))
    return files


def on_page_content(html, page, config, files):
    """Draws the architecture, and has pictures loaded when they are scrolled to."""
    source = get_relative_url("figures/architecture.svg", page.url)
    picture = (
        f'<div class="wide-picture" tabindex="0"><img src="{source}" '
        'alt="The rooms of the package, and which imports which."></div>'
    )
    pattern = r'<pre class="mermaid"><code>.*?</code></pre>'
    html = re.sub(pattern, picture, html, flags=re.DOTALL)
    return html.replace("<img ", '<img loading="lazy" ')
