"""`python -m pytest` is quick; `--all` adds the slow ones: real runs, killed runs, two processes."""

import os
import shutil
import signal

import pytest
from study import work
from study.book import Book

from learner import ROOT


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="also the tests that take longer")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: runs with --all")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--all"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow: run with --all"))


@pytest.fixture
def shakespeare():
    """The path of the real text, or a skip that says why."""
    path = os.environ.get("TINY_SHAKESPEARE")
    if not path:
        pytest.skip("needs the real text: set TINY_SHAKESPEARE to a copy of tiny Shakespeare")
    return path


@pytest.fixture(scope="session")
def small_text(tmp_path_factory):
    """A file of 30,000 characters of the grammar plays."""
    import grammar

    path = tmp_path_factory.mktemp("text") / "plays.txt"
    path.write_text(grammar.plays(30_000, seed=5), encoding="utf-8")
    return path


@pytest.fixture
def ctrl_c():
    """Programs that a test starts hear Ctrl-C, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def book(tmp_path):
    """A copy of the book, as if just cloned, with my/ made."""
    for name in ("day1", "study"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    text = (tmp_path / "README.md").read_text("utf-8")
    (tmp_path / "README.md").write_text(text.replace("- [x]", "- [ ]"), encoding="utf-8")
    book = Book(tmp_path)
    work.make(book, "1")
    return book
