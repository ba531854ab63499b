"""Links of pages to lines of code: `study pages` looks the number up, so that it cannot be wrong.

The text of such a link is a name in backquotes, its target a Python file with #L behind it:
[`softmax`](../day1/attention_numpy.py#L) gets the line on which the file defines softmax.
"""

import ast
import functools
import re

LINK = re.compile(r"\[`([\w.]+)`\]\(([^()\s#]+\.py)#L?\d*\)")


@functools.cache
def parsed(path):
    return ast.parse(path.read_text("utf-8"))


def names(node):
    """What a statement defines: a function, a class, constants or a field."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def line(path, name):
    """The line on which a file defines a name: "attention", "SIZES", "GPT.forward", "Config.gelu".

    ValueError where the file does not exist, or has no such name.
    """
    if not path.exists():
        raise ValueError(f"a page names {name} in {path}, which does not exist")
    node = parsed(path)
    for part in name.split("."):
        found = [child for child in getattr(node, "body", ()) if part in names(child)]
        if not found:
            raise ValueError(f"a page names {name} in {path}, which does not define it")
        node = found[0]
    return node.lineno


def with_lines(text, folder):
    """The text of a page in a folder, every link to a name with the line of today."""
    return LINK.sub(lambda m: f"[`{m[1]}`]({m[2]}#L{line(folder / m[2], m[1])})", text)
