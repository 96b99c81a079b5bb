"""HTML pages that need no other file and escape every name they are given."""

import base64
from pathlib import Path
from typing import Any

import jinja2

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
)


def render(template: str, **values: Any) -> str:
    """Renders a file of the folder `templates`."""
    return _ENVIRONMENT.get_template(template).render(values)


def embed_png(png: bytes, caption: str) -> dict[str, str]:
    """Returns a figure with its caption, as the templates take it."""
    return {"data": base64.b64encode(png).decode("ascii"), "caption": caption}
