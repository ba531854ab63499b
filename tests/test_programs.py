"""Every program of the book explains itself, and refuses a word that it does not know."""

import ast
import re
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


SHOWN = re.compile(r"no_arguments\(__doc__\)|description=__doc__[,)]")
EXPLAINED = [p for p in PROGRAMS if SHOWN.search(p.read_text("utf-8"))]


@pytest.mark.parametrize("path", EXPLAINED, ids=lambda path: path.stem)
def test_help_says_what_a_program_does_with_each_example_on_its_line(path, monkeypatch, capsys):
    assert called(path, "--help", monkeypatch=monkeypatch) == 0
    told = capsys.readouterr().out
    source = path.read_text("utf-8")
    meaning = ast.get_docstring(ast.parse(source), clean=False).rstrip()
    assert meaning[:40] in told
    assert all(f"\n{line}\n" in told for line in meaning.splitlines() if line[:10] == "    python")
    if "no_arguments(__doc__)" in source:
        assert f"\n{meaning}\n" in told
