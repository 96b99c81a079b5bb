"""HTML pages that need no other file and escape every name they are given."""

import base64
from pathlib import Path

import jinja2

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
)


def render(template, **values):
    """Returns a page.

    Args:
        template: file name of the template, in this folder.
        **values: what the template asks for.
    """
    return _ENVIRONMENT.get_template(template).render(values)


def embed_png(png, caption):
    """Returns a figure as templates take it.

    Args:
        png: bytes of the picture.
        caption: text under it.
    """
    return {"data": base64.b64encode(png).decode("ascii"), "caption": caption}
