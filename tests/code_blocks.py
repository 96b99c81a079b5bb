"""The Python code in Markdown and docstrings."""

import re

_BLOCK = re.compile(
    r"^(<!-- not run: [^\n]+ -->\n)?```python\n(.*?)^```", re.DOTALL | re.MULTILINE
)


def code_blocks(text):
    """The blocks that can run: a comment `<!-- not run: why -->` above excludes one."""
    return [code for excluded, code in _BLOCK.findall(text) if not excluded]


def run(text, name):
    """Runs the blocks one after the other, as a reader would who begins at the top."""
    namespace = {"__name__": "example"}
    for block in code_blocks(text):
        exec(compile(block, name, "exec"), namespace)
