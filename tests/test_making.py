"""How a check reaches what a call cannot hold: objects of plain classes, parameters, texts."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from study.explain import brief, made, misshapen
from study.naming import copied, same
from study.parting import size
from study.tensors import in_numpy


class Row:
    def __init__(self, numbers, factor):
        self.numbers, self.factor = numbers, factor

    def __getitem__(self, i):
        return self.numbers[i] * self.factor

    def total(self):
        return sum(self[i] for i in range(len(self.numbers)))


@pytest.fixture
def check(monkeypatch):
    """An empty check in a module of its own that has imported torch."""
    module = ModuleType("a_check")
    module.torch = torch
    monkeypatch.setitem(sys.modules, "a_check", module)
    return type("exercise", (), {"__module__": "a_check"})


def test_a_method_is_called_on_an_object_of_its_plain_class(check):
    functions = in_numpy(check, {"Row.total": Row.total})
    assert functions["Row.total"]((np.array([1, 2, 4]), 3)) == 21


def test_the_methods_under_judgement_are_those_that_the_others_call(check):
    methods = {"Row.total": Row.total, "Row.__getitem__": lambda self, i: self.numbers[i]}
    assert in_numpy(check, methods)["Row.total"]((np.array([1, 2, 4]), 3)) == 7
    assert Row(np.array([1, 2, 4]), 3).total() == 21, "the class stays as it was"


def test_what_a_call_cannot_hold_is_made_of_it(check):
    def making(values, slopes, ceiling):
        p = torch.nn.Parameter(values.clone())
        p.grad = slopes.clone()
        return [p], ceiling

    def halve(parameters, ceiling):
        for p in parameters:
            p.grad.mul_(ceiling)

    check.making, check.reading = making, lambda f, result, parameters, ceiling: parameters[0].grad
    call = "halve", np.array([1.0, 2]), np.array([3.0, 5]), 0.5
    assert in_numpy(check, {"halve": halve})["halve"](*call[1:]).tolist() == [1.5, 2.5]
    assert call[2].tolist() == [3, 5]


def test_arrays_inside_of_tuples_are_copied():
    call = "f", (np.array([1.0]), (np.array([2.0]), "x"))
    other = copied(call)
    other[1][0][0] = other[1][1][0][0] = 9
    assert (call[1][0][0], call[1][1][0][0], other[1][1][1]) == (1, 2, "x")


def test_texts_are_compared_and_told_by_their_form():
    assert same(("value", "abc"), ("value", "abc"))
    assert not same(("value", "abc"), ("value", "abd"))
    told = misshapen(SimpleNamespace(), ("value", ["a"]), ("value", "a"), ("decode",))
    assert told == "The result is a list, not a text."
    told = misshapen(SimpleNamespace(), ("value", ("a", "b")), ("value", "a"), ("decode",))
    assert told == "decode returns 2 things, not one text."
    assert misshapen(SimpleNamespace(), ("value", "b"), ("value", "a"), ("decode",)) is None


def test_an_object_is_shown_with_what_it_was_made_of():
    assert made("Row.total", (np.array([1, 2]), 3)) == "Row([1 2], 3)"
    assert made("Row.total", ((np.array([1, 2]), "ab"), 3)) == "Row(([1 2], 'ab'), 3)"
    assert brief(("ab", 1)) == "('ab', 1)"


def test_the_numbers_in_a_tuple_count():
    assert size((np.zeros((2, 3)), (np.zeros(4), "a"))) == 11
