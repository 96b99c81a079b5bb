"""Writes docs/figures/architecture.svg from the diagram in CONTRIBUTING.md.

The site shows this picture, so that no reader has to load Mermaid from another host.
Run by `make architecture`, which fetches Mermaid with npm.
"""

import argparse
import hashlib
import re
from pathlib import Path

from browser import ROOT, opened_browser

PICTURE = ROOT / "docs" / "figures" / "architecture.svg"
_DRAW = """async (diagram) => {
    mermaid.initialize({
        startOnLoad: false, deterministicIds: true, theme: "neutral", htmlLabels: false,
    });
    return (await mermaid.render("architecture", diagram)).svg;
}"""


def diagram() -> str:
    """Returns the text of the diagram."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    return re.findall(r"^```mermaid\n(.*?)^```$", text, re.M | re.S)[0]


def mark(text: str) -> str:
    """Returns the comment by which a picture names the diagram that it was made of."""
    return f"<!-- made of the diagram {hashlib.sha256(text.encode()).hexdigest()} -->"


def main() -> None:
    """Draws the diagram and writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mermaid", type=Path, help="the file mermaid.min.js")
    arguments = parser.parse_args()
    text = diagram()
    with opened_browser() as chromium:
        page = chromium.new_page()
        page.add_script_tag(path=arguments.mermaid)
        drawn = page.evaluate(_DRAW, text)
    PICTURE.write_text(f"{mark(text)}\n{drawn}\n", encoding="utf-8")
    print(f"Picture: {PICTURE}")


if __name__ == "__main__":
    main()
