"""The reference and the exercise are one source: find the exercises of a lesson file, blank them.

An exercise is a whole function or method, with `# exercise 1.3` or `# exercise 1.9, further` in the
line above it. Several functions may share an id.
"""

import ast
import re
from dataclasses import dataclass

MARK = re.compile(r"\s*# exercise (\w+(?:\.\d+)?)(, further)?$")


@dataclass(frozen=True)
class Exercise:
    """One function to write: its id, its name with its class's, and the lines of its body."""

    id: str
    further: bool
    name: str
    first: int  # line below the docstring, from 1
    last: int
    indent: int


def find(source):
    """The exercises of a lesson file's text, in order. ValueError for a mark above no function."""
    found, lines = [], source.split("\n")  # as Python counts: a form feed ends no line
    marks = {n: match for n, line in enumerate(lines, 1) if (match := MARK.match(line))}
    for prefix, node in functions(ast.parse(source)):
        if match := marks.pop(first_line(node) - 1, None):
            if ast.get_docstring(node) is None or len(node.body) == 1:
                raise ValueError(f"exercise {match[1]} ({node.name}) needs a docstring and a body")
            docstring = node.body[0]  # a comment below it belongs to the answer
            place = docstring.end_lineno + 1, node.end_lineno, docstring.col_offset
            found.append(Exercise(match[1], bool(match[2]), prefix + node.name, *place))
    if marks:
        raise ValueError(f"line {min(marks)} marks an exercise, but no function stands below it")
    return sorted(found, key=lambda exercise: exercise.first)


def functions(tree):
    """Functions and methods of a module, with the prefix of their class: yields (prefix, node)."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield "", node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.", inner


def first_line(node):
    """The first line of a function, its decorators with it."""
    return min([node.lineno, *(d.lineno for d in node.decorator_list)])


def get(module, name):
    """The function or the method (`Class.method`) of a module, or None."""
    for part in name.split("."):
        module = vars(module).get(part) if hasattr(module, "__dict__") else None
    return module


def put(module, name, function):
    """Give a module, or one of its classes, a function of this name."""
    owner, _, last = name.rpartition(".")
    setattr(get(module, owner) if owner else module, last, function)


def blank(source):
    """The learner's file: every exercise keeps signature and docstring and raises its id."""
    lines = source.rstrip("\n").split("\n")
    for exercise in reversed(find(source)):
        line = f'{" " * exercise.indent}raise NotImplementedError("exercise {exercise.id}")'
        lines[exercise.first - 1 : exercise.last] = [line]
    return "\n".join(lines) + "\n"
