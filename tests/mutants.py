"""Machine-made mistakes: every small change to a function, one at a time.

An operator for another, a constant beside it, a comparison turned round, two arguments swapped, a
call or a statement left out, a keyword dropped.
"""

import ast
import copy

OPERATORS = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.FloorDiv: (ast.Div, ast.Mult),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
}
COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
TWINS = {"sin": "cos", "cos": "sin", "max": "min", "min": "max", "sum": "max", "mean": "sum"}
TWINS |= {"tril": "triu", "any": "all", "all": "any", "ones": "zeros", "exp": "abs"}


def mutants(function):
    """Every mutant of a function definition (ast.FunctionDef): yields (what was done, new one)."""
    nodes = [node for node in ast.walk(function) if not isinstance(node, ast.FunctionDef)]
    for number, node in enumerate(nodes):
        for what, change in changes(node):
            mutant = copy.deepcopy(function)
            twin = [n for n in ast.walk(mutant) if not isinstance(n, ast.FunctionDef)][number]
            change(twin)
            yield f"line {getattr(node, 'lineno', 0)}: {what}", ast.fix_missing_locations(mutant)
    for number, holder in enumerate(ast.walk(function)):
        body = getattr(holder, "body", None)
        for place, line in enumerate(body if isinstance(body, list) else ()):
            if isinstance(line, ast.Return):
                continue
            if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
                continue  # the docstring
            mutant = copy.deepcopy(function)
            list(ast.walk(mutant))[number].body[place] = ast.Pass()
            yield f"line {line.lineno}: left out", ast.fix_missing_locations(mutant)


def changes(node):
    """What can be done to one node: yields (in words, a function that does it to a copy)."""
    if isinstance(node, ast.BinOp):
        for other in OPERATORS.get(type(node.op), ()):
            yield f"{other.__name__}", lambda n, o=other: setattr(n, "op", o())
        yield "left part alone", lambda n: become(n, n.left)
        yield "right part alone", lambda n: become(n, n.right)
        if isinstance(node.op, ast.MatMult):
            yield "sides swapped", swap_sides
    if isinstance(node, ast.Compare):
        for other in COMPARISONS.get(type(node.ops[0]), ()):
            yield f"{other.__name__}", lambda n, o=other: setattr(n, "ops", [o()])
    if isinstance(node, ast.UnaryOp):
        yield "sign or not left out", lambda n: become(n, n.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "turned round", lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        for value in (node.value + 1, node.value - 1, 2 * node.value):
            if value != node.value:
                yield f"{node.value} -> {value}", lambda n, v=value: setattr(n, "value", v)
    if isinstance(node, ast.Call):
        if len(node.args) == 1:
            yield "call left out", lambda n: become(n, n.args[0])
        for place in range(len(node.args) - 1):
            yield "arguments swapped", lambda n, p=place: swap(n.args, p)
        for place, keyword in enumerate(node.keywords):
            yield f"{keyword.arg} dropped", lambda n, p=place: n.keywords.pop(p)
        if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name):
            yield "method left out", lambda n: become(n, n.func.value)
    if isinstance(node, ast.Attribute) and node.attr in TWINS:
        yield f"{node.attr} -> {TWINS[node.attr]}", lambda n: setattr(n, "attr", TWINS[n.attr])
    if isinstance(node, ast.Tuple) and len(node.elts) > 1 and isinstance(node.ctx, ast.Load):
        for place in range(len(node.elts) - 1):
            yield "parts swapped", lambda n, p=place: swap(n.elts, p)
    if isinstance(node, (ast.If, ast.IfExp)):
        for value in (True, False):
            yield f"if {value}", lambda n, v=value: setattr(n, "test", ast.Constant(v))


def become(node, other):
    """Turn a node into another one, in place."""
    other = copy.deepcopy(other)
    node.__class__ = other.__class__
    node.__dict__.clear()
    node.__dict__.update(other.__dict__)


def swap_sides(node):
    node.left, node.right = node.right, node.left


def swap(parts, place):
    parts[place], parts[place + 1] = parts[place + 1], parts[place]
