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
    first: int  # line of the body's first statement after the docstring, from 1
    last: int
    indent: int


def find(source):
    """The exercises of a lesson file's text, in order. ValueError for a mark above no function."""
    lines, found = source.split("\n"), []
    marks = {n: match for n, line in enumerate(lines, 1) if (match := MARK.match(line))}
    for prefix, node in functions(ast.parse(source)):
        match = marks.pop(first_line(node) - 1, None)
        if match is None:
            continue
        documented = ast.get_docstring(node) is not None
        if documented and len(node.body) == 1:
            raise ValueError(f"exercise {match[1]} ({node.name}) has no body to blank")
        body = node.body[1 if documented else 0]
        # a comment above the body's first statement belongs to the answer
        first = (node.body[0].end_lineno if documented else signature_end(node, lines)) + 1
        found.append(
            Exercise(
                match[1],
                bool(match[2]),
                prefix + node.name,
                first,
                node.end_lineno,
                body.col_offset,
            )
        )
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


def signature_end(node, lines):
    """The line on which the signature of a function without a docstring ends."""
    n = node.body[0].lineno - 1
    while n >= node.lineno and not re.search(r":\s*(#.*)?$", lines[n - 1].split("  #")[0]):
        n -= 1
    if n < node.lineno:
        raise ValueError(f"line {node.lineno}: give {node.name} a line of its own for its body")
    return n


def blank(source):
    """The learner's file: every exercise keeps signature and docstring and raises its id."""
    lines = source.rstrip("\n").split("\n")  # as Python counts: a form feed ends no line
    for exercise in reversed(find(source)):
        line = f'{" " * exercise.indent}raise NotImplementedError("exercise {exercise.id}")'
        lines[exercise.first - 1 : exercise.last] = [line]
    return "\n".join(lines) + "\n"
