"""Adds all notebooks in examples/ to the site, and the picture of the architecture."""

import re
from pathlib import Path

from mkdocs.structure.files import File
from mkdocs.utils import get_relative_url

EXAMPLES = Path(__file__).parent.parent / "examples"


def notebook_pages(folder):
    """Returns a page for each notebook in a folder.

    Args:
        folder: a path.

    Returns:
        A dict from the name of a notebook to its Markdown, its title, and a dict of the
        pictures in its outputs by file name.
    """
    paths = sorted(folder.glob("*.ipynb"))
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
        pages[path.stem] = (markdown, title, resources["outputs"])
    return pages


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
