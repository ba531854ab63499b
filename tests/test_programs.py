"""Every program of the book explains itself, and refuses a word that it does not know."""

import ast
import runpy
import sys

import pytest

from learner import ROOT

PROGRAMS = [p for p in sorted(ROOT.glob("day*/*.py")) if "\nif __name__ ==" in p.read_text("utf-8")]


def called(path, *words, monkeypatch):
    """Run a program within this process -> its exit code."""
    monkeypatch.setattr(sys, "argv", [str(path), *words])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    return end.value.code


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_refuses_what_it_does_not_know(path, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert called(path, "--nonsense", monkeypatch=monkeypatch) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.strip()
    assert "Traceback" not in told.err
    assert not [*tmp_path.iterdir()]


ALONE = [p for p in PROGRAMS if "no_arguments(__doc__)" in p.read_text("utf-8")]


@pytest.mark.parametrize("path", ALONE, ids=lambda path: path.stem)
def test_a_program_without_options_says_what_it_does_line_by_line(path, monkeypatch, capsys):
    assert called(path, "--help", monkeypatch=monkeypatch) == 0
    told = capsys.readouterr().out
    meaning = ast.get_docstring(ast.parse(path.read_text("utf-8")), clean=False)
    assert f"\n{meaning.rstrip()}\n" in told
