"""No machine-made mistake passes a check: what differs on any valid input is caught."""

import ast
import importlib
from pathlib import Path

import numpy as np
import pytest
from study.book import Book
from study.exercises import find, functions, get
from study.judge import load_check, probes
from study.naming import copied, outcome, same
from study.tensors import in_numpy

from mutants import mutants

ROOT = Path(__file__).parent.parent
BOOK = Book(ROOT)
EXERCISES = [task for task in BOOK.tasks.values() if task.lesson and not task.planted]
INPUTS = 1000
READ = 100  # where more than the result is read: one such call asks the function many times


def answered(functions, calls):
    """The calls, each with what it gives: [(call, outcome)]."""
    return [(call, outcome(functions, copied(call))) for call in calls]


def differs(wrong, right):
    """Whether a mutant gives something else, or changes its input, on any of the answered calls."""
    for call, expected in right:
        given = copied(call)
        if not same(outcome(wrong, given), expected):
            return True
        if repr(given) != repr(call):
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("task", EXERCISES, ids=lambda task: task.id)
def test_every_mutant_is_caught(task):
    check = load_check(BOOK.check(task.lesson), task.id)
    reference = importlib.import_module(task.lesson.stem)
    text = task.lesson.read_text("utf-8")
    named = [exercise.name for exercise in find(text) if exercise.id == task.id]
    right = in_numpy(check, {name: get(reference, name) for name in named})
    rng = np.random.default_rng(3)
    count = READ if hasattr(check, "reading") else INPUTS
    inputs = answered(right, [check.random_call(rng) for _ in range(count)])
    calls, caught, equal = answered(right, probes(check)), 0, 0
    for prefix, function in functions(ast.parse(text)):
        name = prefix + function.name
        if name not in named:
            continue
        for what, mutant in mutants(function):
            space = dict(vars(reference))
            try:
                exec(compile(ast.Module([mutant], []), "mutant", "exec"), space)  # noqa: S102
            except (SyntaxError, ValueError, TypeError):
                continue
            wrong = right | in_numpy(check, {name: space[function.name]})
            if differs(wrong, calls):
                caught += 1
                continue
            assert not differs(wrong, inputs), f"{name}, {what}: not caught"
            equal += 1
    assert caught > 3
    print(f"{task.id}: {caught} mutants caught, {equal} behave like the reference")
