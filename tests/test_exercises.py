"""Blanks are derived, so they cannot drift: everything but the bodies is the reference's."""

import ast
import importlib.util
import io
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from study.exercises import blank, find, functions

ROOT = Path(__file__).parent.parent
LESSONS = [p for p in sorted(ROOT.glob("day*/*.py")) if "# exercise " in p.read_text("utf-8")]


def load(path):
    spec = importlib.util.spec_from_file_location(f"blank_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.name)
def test_a_blank_keeps_all_but_the_bodies(path, tmp_path):
    source = path.read_text("utf-8")
    empty = blank(source)
    exercises = {exercise.name: exercise for exercise in find(source)}
    assert exercises
    before, after = (dict(pairs(text)) for text in (source, empty))
    assert before.keys() == after.keys()
    for name, node in after.items():
        if name not in exercises:
            assert ast.dump(node) == ast.dump(before[name]), name
            continue
        assert ast.dump(node.args) == ast.dump(before[name].args)
        assert ast.get_docstring(node) == ast.get_docstring(before[name])
        raised = f"raise NotImplementedError('exercise {exercises[name].id}')"
        assert ast.unparse(node.body[-1]) == raised
        assert ast.get_docstring(node) and len(node.body) == 2
    assert blank(empty) == empty
    # the comments of an answer go with it
    lines = source.split("\n")
    answers = [
        (n.body[0].end_lineno, n.end_lineno) for name, n in before.items() if name in exercises
    ]
    inside = {n for first, last in answers for n in range(first, last)}
    outside = {line for n, line in enumerate(lines) if n not in inside}
    comments = {lines[n] for n in inside if lines[n].lstrip().startswith("#")}
    assert not (comments - outside) & set(empty.split("\n"))


class Seen(BaseException):
    """Something was printed: enough."""


class Shown(io.StringIO):
    def write(self, text):
        if text.strip():
            raise Seen


SHORT = [path for path in LESSONS if path.parent.name == "day3"]  # those run to their end, below
LONG = [path for path in LESSONS if path not in SHORT]


@pytest.mark.parametrize("path", LONG, ids=lambda p: p.name)
def test_every_reference_is_a_program_that_shows_something(path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [path.name])
    monkeypatch.setattr(sys, "path", [str(path.parent), *sys.path])
    monkeypatch.setattr(sys, "stdout", Shown())
    with np.printoptions(), pytest.raises(Seen):
        runpy.run_path(str(path), run_name="__main__")
    torch.set_printoptions(profile="default")


@pytest.mark.parametrize("path", SHORT, ids=lambda p: p.name)
def test_the_references_of_day_3_run_to_their_end(path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [path.name])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    out, wrong = capsys.readouterr()
    assert (end.value.code, wrong) == (0, "")
    assert len(out.splitlines()) > 2


def test_a_blank_reference_says_which_exercise_it_waits_for(tmp_path, monkeypatch, capsys):
    path = tmp_path / "text.py"
    path.write_text(blank((ROOT / "day3" / "text.py").read_text("utf-8")))
    monkeypatch.setattr(sys, "argv", [path.name])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    assert end.value.code == 2
    assert capsys.readouterr().err == "text.py: exercise 3.7\n"


def pairs(text):
    for prefix, node in functions(ast.parse(text)):
        yield prefix + node.name, node


def test_ids_are_those_of_the_days_and_the_core_is_at_most_six():
    for day in "12345":
        found = [e for p in LESSONS for e in find(p.read_text("utf-8")) if e.id[0] == day]
        core = {e.id for e in found if not e.further}
        assert core == {f"{day}.{n}" for n in range(1, len(core) + 1)}
        assert len(core) == 6


def test_a_blank_imports_and_names_what_is_missing(tmp_path):
    path = tmp_path / "attention_numpy.py"
    path.write_text(blank((ROOT / "day1" / "attention_numpy.py").read_text("utf-8")))
    with pytest.raises(NotImplementedError, match=r"exercise 1\.3"):
        load(path).causal_mask(3)


def test_a_mark_above_nothing_is_an_error():
    with pytest.raises(ValueError, match="line 1"):
        find("# exercise 1.1\n\nx = 3\n")


def test_decorators_long_signatures_and_comments_are_understood():
    source = (
        "class A:\n    # exercise 2.1, further\n    @property\n    def f(\n        self,\n"
        "    ) -> dict[str, int]:\n        'What it is.'\n        # the trick\n        return {}\n\n"
        "    x = 1\n"
    )
    (exercise,) = find(source)
    assert (exercise.name, exercise.further, exercise.first) == ("A.f", True, 8)
    assert "trick" not in blank(source)
    assert blank(source).endswith("    x = 1\n")
    with pytest.raises(ValueError, match="needs a docstring and a body"):
        find(source.replace("        'What it is.'\n", ""))
